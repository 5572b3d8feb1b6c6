"""No test writes into the spool of whoever runs the tests, finds Ctrl-C ignored, or must be quick.

Hypothesis fails examples that take long; on a machine that is busy any may.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator

import pytest
from hypothesis import settings

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.fixture(scope="session", autouse=True)
def spool_of_their_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    before = os.environ.get("EXECTRAIL_SPOOL")
    os.environ["EXECTRAIL_SPOOL"] = str(tmp_path_factory.mktemp("spool"))
    yield
    if before is None:
        del os.environ["EXECTRAIL_SPOOL"]
    else:
        os.environ["EXECTRAIL_SPOOL"] = before


@pytest.fixture(scope="session", autouse=True)
def ctrl_c_is_heard() -> None:
    """A shell has its background jobs ignore SIGINT, and an ignored signal is inherited."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def live_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Moves this process to another zone of time for the rest of the test."""

    def move(zone: str) -> None:
        monkeypatch.setenv("TZ", zone)
        time.tzset()

    yield move
    monkeypatch.undo()
    time.tzset()
