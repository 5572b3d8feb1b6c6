"""Fixtures of pytest. Opt in with `pytest_plugins = ["exectrail.testing.plugin"]`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from exectrail.testing.harness import Harness


@pytest.fixture
def exectrail_harness() -> Iterator[Harness]:
    """The process reports to a `Harness`, until the test ends."""
    with Harness() as harness:
        yield harness
