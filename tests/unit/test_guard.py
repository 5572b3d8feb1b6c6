"""The guard swallows our errors, says so once and counts; what is not ours passes."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from exectrail import guard as room
from exectrail.guard import dropped, guard, report, reset


@pytest.fixture(autouse=True)
def counts() -> Iterator[None]:
    reset()
    yield
    reset()


def test_errors_of_ours_end_here_and_are_counted(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "exectrail")
    for _ in range(3):
        with guard("place"):
            raise ValueError("secret text")
    assert dropped() == {"place": 3}
    said = [(r.levelname, r.getMessage()) for r in caplog.records]
    assert said == [
        (
            "WARNING",
            "exectrail: ValueError at place; the program is not affected. "
            "Said once, counted from here.",
        ),
        ("DEBUG", "exectrail: place"),
    ]
    assert caplog.records[1].exc_info is not None  # where it was, for who asks


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), SystemExit(1), asyncio.CancelledError(), GeneratorExit()]
)
def test_what_ends_the_program_is_not_ours_to_stop(error: BaseException) -> None:
    with pytest.raises(type(error)) as caught, guard("place"):
        raise error
    assert caught.value is error
    assert dropped() == {}


def test_without_an_error_nothing_is_counted() -> None:
    with guard("place"):
        pass
    assert dropped() == {}


def test_drops_without_an_error_are_said_too(caplog: pytest.LogCaptureFixture) -> None:
    report("queue.full")
    report("queue.full")
    assert dropped() == {"queue.full": 2}
    assert [r.getMessage().split(";")[0] for r in caplog.records] == [
        "exectrail: dropped at queue.full"
    ]


def test_a_site_has_one_guard_and_sites_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    assert guard("place") is guard("place")
    assert guard("place") is not guard("elsewhere")
    monkeypatch.setattr(room, "_MAX_SITES", 0)
    assert guard("one too many").site == "other"
    assert guard("place").site == "place"


def test_threads_lose_no_count() -> None:
    def drop() -> None:
        for _ in range(500):
            report("place")

    threads = [threading.Thread(target=drop) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert dropped() == {"place": 2000}


class Falls:
    """Reports from the garbage collector."""

    def __init__(self) -> None:
        self.itself = self

    def __del__(self) -> None:
        report("collected")


class Collecting(dict[str, int]):
    def get(self, key: str, default: int = 0) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        gc.collect()
        return super().get(key, default)


def test_garbage_collected_while_counting_does_not_block(monkeypatch: pytest.MonkeyPatch) -> None:
    Falls()
    monkeypatch.setattr(room, "_dropped", Collecting())
    report("place")
    assert dropped() == {"place": 1, "collected": 1}


def test_counts_are_a_copy() -> None:
    report("place")
    dropped()["place"] = 17
    assert dropped() == {"place": 1}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_forked_child_counts_anew_though_its_parent_was_counting() -> None:
    code = """
import os, threading
from exectrail import guard, runtime
guard.report("parent")
held, go = threading.Event(), threading.Event()
def hold():
    with guard._lock:
        held.set()
        go.wait(20)
threading.Thread(target=hold, daemon=True).start()
held.wait(20)
child = os.fork()
if child == 0:
    guard.report("child")
    os._exit(0 if guard.dropped() == {"child": 1} else 1)
go.set()
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    done = subprocess.run([sys.executable, "-c", code], timeout=60, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_said_in_the_log_only_where_the_program_has_one() -> None:
    code = "from exectrail.guard import report; report('place')"
    silent = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (silent.returncode, silent.stdout, silent.stderr) == (0, "", "")
    code = f"import logging; logging.basicConfig(); {code}"
    logged = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert logged.stderr.startswith("WARNING:exectrail:exectrail: dropped at place")


def test_a_log_handler_that_fails_stays_outside() -> None:
    class Failing(logging.Handler):
        def handle(self, record: logging.LogRecord) -> bool:
            raise RuntimeError("theirs")

    handler = Failing()
    room.logger.addHandler(handler)
    try:
        report("place")
    finally:
        room.logger.removeHandler(handler)
    assert dropped() == {"place": 1}
