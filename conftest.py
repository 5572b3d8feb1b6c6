"""No test writes into the spool of whoever runs the tests, nor ships what is in it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def spool_of_their_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    before = os.environ.get("EXECTRAIL_SPOOL")
    os.environ["EXECTRAIL_SPOOL"] = str(tmp_path_factory.mktemp("spool"))
    yield
    if before is None:
        del os.environ["EXECTRAIL_SPOOL"]
    else:
        os.environ["EXECTRAIL_SPOOL"] = before
