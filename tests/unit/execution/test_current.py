"""Which execution the running code belongs to."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Iterator

import pytest

from exectrail.conventions.names import Kind
from exectrail.execution import Execution, Executions, current, resolve_current_with
from exectrail.guard import dropped
from exectrail.testing import FakeClock, FakeIds, Recording


@pytest.fixture
def told() -> Recording:
    return Recording()


@pytest.fixture
def engine(told: Recording) -> Executions:
    return Executions(told, now_ns=FakeClock(), new_id=FakeIds())


@pytest.fixture
def found() -> Iterator[list[Execution | None]]:
    """What an adapter says is current; taken out at the end."""
    says: list[Execution | None] = [None]
    stop = resolve_current_with(lambda: says[0])
    yield says
    stop()
    stop()  # a second time is nothing


def test_attached_is_current_until_it_is_taken_back(told: Recording, engine: Executions) -> None:
    assert current() is None
    outer = engine.start(Kind.WORKFLOW, "outer")
    token = engine.attach(outer)
    assert current() is told.attached is outer
    inner = engine.start(Kind.STEP, "inner")
    assert inner.parent is outer
    inside = engine.attach(inner)
    assert current() is told.attached is inner
    engine.detach(inside)
    assert current() is told.attached is outer
    engine.detach(token)
    assert current() is told.attached is None


def test_a_root_has_no_parent_and_a_given_parent_wins(engine: Executions) -> None:
    around = engine.start(Kind.WORKFLOW, "around")
    other = engine.start(Kind.WORKFLOW, "other")
    token = engine.attach(around)
    assert engine.start(Kind.STEP, "s").parent is around
    assert engine.start(Kind.STEP, "s", parent=other).parent is other
    assert engine.start(Kind.STEP, "s", root=True).parent is None
    engine.detach(token)


def test_taken_back_in_another_context_touches_nothing(told: Recording, engine: Executions) -> None:
    run = engine.start(Kind.STEP, "s")
    other = engine.start(Kind.STEP, "other")
    token = contextvars.copy_context().run(engine.attach, run)
    here = engine.attach(other)
    engine.detach(token)
    assert current() is told.attached is other
    engine.detach(here)


def test_ended_beneath_another_it_does_not_come_back(told: Recording, engine: Executions) -> None:
    """As generators end that hold blocks open: in any order."""
    runs = [engine.start(Kind.STEP, name, root=True) for name in "abcd"]
    for order in ([0, 1, 2, 3], [2, 1, 0, 3], [1, 2, 3, 0], [0, 2, 3, 1], [3, 2, 1, 0]):
        tokens = [engine.attach(run) for run in runs]
        left = set(range(4))
        for index in order:
            engine.detach(tokens[index])
            left.remove(index)
            latest = runs[max(left)] if left else None
            assert current() is told.attached is latest
        engine.detach(tokens[0])  # a second time is nothing
        assert current() is None


def test_what_outlives_its_context_stays_beneath_what_started_it(
    told: Recording, engine: Executions
) -> None:
    run = engine.start(Kind.WORKFLOW, "w")
    token = engine.attach(run)
    task = contextvars.copy_context()
    engine.detach(token)
    assert current() is None

    def work() -> None:
        for _ in range(2):
            assert current() is run
            inner = engine.attach(engine.start(Kind.STEP, "s"))
            assert current() is not run
            engine.detach(inner)

    task.run(work)
    assert [e.parent for e in told.executions[1:]] == [run, run]


def test_what_was_attached_is_taken_back_from_the_same_recorder(engine: Executions) -> None:
    first, second = Recording(), Recording()
    engine.recorder = first
    token = engine.attach(engine.start(Kind.STEP, "s"))
    engine.recorder = second
    engine.detach(token)
    assert first.attached is None


def test_recorder_that_cannot_attach_leaves_nothing_attached(
    engine: Executions, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_item: object) -> object:
        raise RuntimeError("ours")

    monkeypatch.setattr(engine.recorder, "attach", broken)
    monkeypatch.setattr(engine.recorder, "detach", broken)
    run = engine.start(Kind.STEP, "s")
    token = engine.attach(run)
    assert current() is run
    engine.detach(token)
    assert current() is None


def test_threads_have_their_own(engine: Executions) -> None:
    token = engine.attach(engine.start(Kind.STEP, "s"))
    seen: list[Execution | None] = []
    thread = threading.Thread(target=lambda: seen.append(current()))
    thread.start()
    thread.join(10)
    assert seen == [None]
    engine.detach(token)


def test_the_framework_knows_better_unless_ours_lies_within(
    engine: Executions, found: list[Execution | None]
) -> None:
    node = engine.start(Kind.STEP, "node")
    found[0] = node
    assert current() is node

    inner = engine.start(Kind.STEP, "inner")  # beneath the node: current() said so
    assert inner.parent is node
    token = engine.attach(inner)
    assert current() is inner
    engine.detach(token)

    around = engine.start(Kind.WORKFLOW, "around", root=True)
    token = engine.attach(around)
    assert current() is node
    found[0] = None
    assert current() is around
    engine.detach(token)


def test_resolver_that_is_taken_out_is_not_asked(engine: Executions) -> None:
    run = engine.start(Kind.STEP, "s")
    stop = resolve_current_with(lambda: run)
    assert current() is run
    stop()
    assert current() is None


def test_resolver_that_fails_is_passed_over(engine: Executions) -> None:
    def broken() -> Execution | None:
        raise RuntimeError("ours")

    stop = resolve_current_with(broken)
    try:
        run = engine.start(Kind.STEP, "s")
        token = engine.attach(run)
        assert current() is run
        engine.detach(token)
        assert dropped()["execution.current"] >= 1
    finally:
        stop()


def test_parents_that_nobody_was_told_of_are_passed_over(engine: Executions) -> None:
    """They began before exectrail was switched on."""
    silent = Executions(new_id=FakeIds())
    early = silent.start(Kind.WORKFLOW, "early")
    token = silent.attach(silent.start(Kind.STEP, "inner", parent=early))
    run = engine.start(Kind.STEP, "s")
    assert (run.parent, run.root_id, run.workflow) == (None, run.id, "")
    silent.detach(token)
