"""The worker tells that it began, lives and ended, and hands over at its end."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from exectrail.conventions import names
from exectrail.signals import Worker
from exectrail.signals.attributes import Attributes
from exectrail.testing import FakeClock


class Kept:
    """Events as they were written; may fail at some."""

    def __init__(self, *fail_at: str) -> None:
        self.told: list[tuple[str, int, int]] = []
        self.fail_at = fail_at
        self.beat = threading.Event()

    def emit(self, name: str, at_ns: int, attributes: Attributes) -> None:
        if name == names.EVENT_WORKER_HEARTBEAT:
            self.beat.set()
        if name in self.fail_at:
            raise RuntimeError("ours")
        sequence = attributes[names.WORKER_SEQUENCE]
        count = attributes[names.WORKER_OPEN_EXECUTIONS]
        assert isinstance(sequence, int)
        assert isinstance(count, int)
        self.told.append((name, sequence, count))


def nothing() -> None: ...


def worker(
    events: Kept,
    lease: float = 3_000.0,
    background: Callable[[], None] = nothing,
    farewell: Callable[[], None] = nothing,
) -> Worker:
    return Worker(events, lease, FakeClock(), lambda: 7, background, farewell)  # pyright: ignore[reportArgumentType]


def test_it_tells_its_life_in_order() -> None:
    events, done = Kept(), list[str]()
    own = worker(events, 0.03, lambda: done.append("warm"), lambda: done.append("farewell"))
    own.start()
    assert events.beat.wait(10)  # each third of the lease
    assert own.stop(10)
    kinds = [name for name, _, _ in events.told]
    assert kinds[0] == names.EVENT_WORKER_STARTED
    assert kinds[-1] == names.EVENT_WORKER_EXITED
    assert set(kinds[1:-1]) == {names.EVENT_WORKER_HEARTBEAT}
    assert [sequence for _, sequence, _ in events.told] == list(range(1, len(kinds) + 1))
    assert {count for _, _, count in events.told} == {7}
    assert done == ["warm", "farewell"]


def test_between_the_beats_it_is_silent() -> None:
    events = Kept()
    own = worker(events, lease=3_000.0)
    own.start()
    assert own.stop(10)
    assert [name for name, _, _ in events.told] == [
        names.EVENT_WORKER_STARTED,
        names.EVENT_WORKER_EXITED,
    ]


@pytest.mark.parametrize(
    "fault",
    [names.EVENT_WORKER_STARTED, names.EVENT_WORKER_HEARTBEAT, names.EVENT_WORKER_EXITED, "warm"],
)
def test_one_failure_does_not_end_it(fault: str) -> None:
    def warm() -> None:
        if fault == "warm":
            raise RuntimeError("ours")

    events, done = Kept(fault), list[str]()
    own = worker(events, 0.03, warm, lambda: done.append("farewell"))
    own.start()
    assert events.beat.wait(10)
    assert own.stop(10)
    assert done == ["farewell"]
    kinds = {name for name, _, _ in events.told}
    everything = {
        names.EVENT_WORKER_STARTED,
        names.EVENT_WORKER_HEARTBEAT,
        names.EVENT_WORKER_EXITED,
    }
    assert kinds == everything - {fault}


def test_it_waits_only_so_long() -> None:
    hanging, go_on = threading.Event(), threading.Event()

    def hang() -> None:
        hanging.set()
        go_on.wait(20)

    own = worker(Kept(), farewell=hang)
    own.start()
    assert not own.stop(0.05)
    assert hanging.wait(10)
    go_on.set()
    assert own.stop(10)


def test_its_thread_does_not_keep_the_process() -> None:
    own = worker(Kept())
    assert own._thread.daemon
    assert not own.stop(1)  # never started
