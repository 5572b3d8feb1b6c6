"""SIGTERM is watched where nobody else does, and nobody sees it; what the exit knows of Ctrl-C."""

from __future__ import annotations

import _signal
import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from exectrail import endings
from exectrail.spool import Spool

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
SUPERVISOR = "01a1fc81-9a9b-7c19-b25f-09aae66ecc49"


def nothing() -> None: ...


def watched() -> bool:
    return _signal.getsignal(signal.SIGTERM) is endings._HANDLER


@pytest.fixture(autouse=True)
def default() -> Iterator[None]:
    """SIGTERM as a program finds it; what pytest's own process had is put back."""
    former = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    endings.unwatch_sigterm()
    signal.signal(signal.SIGTERM, former)


def test_to_the_program_it_looks_like_no_handler() -> None:
    assert endings.watch_sigterm(nothing)
    assert watched()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    own = lambda *_: None  # noqa: E731
    assert signal.signal(signal.SIGTERM, own) is signal.SIG_DFL
    assert signal.signal(signal.SIGTERM, signal.SIG_DFL) is own
    assert not watched()


def test_a_handler_that_is_there_stays() -> None:
    own = lambda *_: None  # noqa: E731
    for handler in (own, signal.SIG_IGN):
        signal.signal(signal.SIGTERM, handler)
        assert not endings.watch_sigterm(nothing)
        assert signal.getsignal(signal.SIGTERM) is handler


def test_only_the_main_thread_can() -> None:
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(endings.watch_sigterm, nothing).result() is False
        assert endings.watch_sigterm(nothing)
        pool.submit(endings.unwatch_sigterm).result()
    assert watched()
    assert endings.watch_sigterm(nothing)  # and again once it is switched on again


def test_it_is_taken_back_and_renewed() -> None:
    endings.watch_sigterm(nothing)
    signal.signal(signal.SIGTERM, lambda *_: None)
    endings.renew_watch()
    assert not watched()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    endings.renew_watch()
    assert watched()
    endings.unwatch_sigterm()
    endings.renew_watch()
    assert not watched()


def test_under_a_supervisor_that_lives_there_is_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("EXECTRAIL_SPOOL", str(tmp_path))
    monkeypatch.setenv("EXECTRAIL_SUPERVISOR", SUPERVISOR)
    spool = Spool.create(tmp_path, SUPERVISOR, {})
    assert not endings.watch_sigterm(nothing)
    spool.close()
    assert endings.watch_sigterm(nothing)


def test_the_first_process_of_a_container_ignores_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getpid", lambda: 1)
    assert not endings.watch_sigterm(nothing)


def test_the_exit_knows_ctrl_c_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(sys, "last_type", raising=False)
    assert endings.ended_by() == ""
    monkeypatch.setattr(sys, "last_type", ValueError, raising=False)
    assert endings.ended_by() == ""
    monkeypatch.setattr(sys, "last_type", KeyboardInterrupt, raising=False)
    assert endings.ended_by() == "SIGINT"
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)  # its error is only the last one shown
    assert endings.ended_by() == ""
