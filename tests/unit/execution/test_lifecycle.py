"""What single calls on an execution do, and what they must not do."""

from __future__ import annotations

import gc
import math
from collections.abc import Iterator

import pytest

from exectrail.conventions.names import Kind, Reason, State
from exectrail.execution import (
    About,
    ErrorInfo,
    Execution,
    Executions,
    NullRecorder,
    PlanStep,
    Progress,
    Transition,
    Usage,
)
from exectrail.execution.states import FINAL, OPEN, TRANSITIONS, allowed
from exectrail.guard import dropped
from exectrail.testing import FakeClock, FakeIds, Recording


@pytest.fixture
def told() -> Recording:
    return Recording()


@pytest.fixture
def engine(told: Recording) -> Executions:
    return Executions(told, now_ns=FakeClock(), new_id=FakeIds())


def last(told: Recording) -> Transition:
    return told.transitions[-1][1]


def drops(site: str) -> int:
    return dropped().get(site, 0)


# -- the table ----------------------------------------------------------------------------------


def test_table_is_that_of_the_design() -> None:
    table = {str(state): " ".join(sorted(after)) for state, after in TRANSITIONS.items() if state}
    assert table == {
        "created": "cancelled failed queued running",
        "queued": "cancelled failed running",
        "running": "blocked cancelled completed failed paused queued",
        "paused": "cancelled failed queued running",
        "blocked": "cancelled failed queued running",
        "completed": "",
        "failed": "",
        "cancelled": "",
    }
    assert TRANSITIONS[None] == {State.CREATED, State.QUEUED, State.RUNNING}


def test_every_state_is_open_final_or_judged() -> None:
    assert {State.COMPLETED, State.FAILED, State.CANCELLED} == FINAL
    assert {State.CREATED, State.QUEUED, State.RUNNING, State.PAUSED, State.BLOCKED} == OPEN
    assert set(State) == FINAL | OPEN | {State.ABANDONED}


@pytest.mark.parametrize("state", [None, *State])
def test_abandoned_is_never_written_and_never_left(state: State | None) -> None:
    assert not allowed(state, State.ABANDONED)
    assert not allowed(State.ABANDONED, State.RUNNING)


# -- moving -------------------------------------------------------------------------------------


def test_transitions_tell_reason_order_and_how_long_the_state_lasted(
    told: Recording, engine: Executions
) -> None:
    run = engine.start(Kind.WORKFLOW, "w", state=State.QUEUED, reason="schedule")
    run.run()
    run.block()
    run.run("dependency")
    run.pause()
    run.run()
    run.complete()

    assert [
        (t.sequence, t.previous, t.state, t.reason, t.valid, t.left_after_ns)
        for _, t in told.transitions
    ] == [
        (1, None, "queued", "schedule", True, 0),
        (2, "queued", "running", "", True, 1_000_000),
        (3, "running", "blocked", "dependency", True, 1_000_000),
        (4, "blocked", "running", "dependency", True, 1_000_000),
        (5, "running", "paused", "human_input", True, 1_000_000),
        (6, "paused", "running", "", True, 1_000_000),
        (7, "running", "completed", "", True, 1_000_000),
    ]
    assert run.started_ns + 7_000_000 == run.ended_ns == told.transitions[-1][1].at_ns


def test_refused_transition_does_not_move(told: Recording, engine: Executions) -> None:
    run = engine.start(Kind.STEP, "s", state=State.CREATED)
    run.complete()
    assert (run.state, run.closed, last(told).valid, last(told).state) == (
        "created",
        False,
        False,
        "completed",
    )
    run.run()
    assert (last(told).previous, last(told).state, last(told).valid) == ("created", "running", True)


def test_failing_keeps_the_error_and_its_reason(told: Recording, engine: Executions) -> None:
    error = ValueError("no such city")
    run = engine.start(Kind.STEP, "s")
    run.fail(error)
    assert run.error == ErrorInfo("ValueError", "no such city")
    assert (last(told).error, last(told).reason) == (run.error, "error")

    slow = engine.start(Kind.STEP, "s")
    slow.fail("took too long", Reason.TIMEOUT)
    assert slow.error == ErrorInfo("error", "took too long")
    assert slow.reason == "timeout"

    silent = engine.start(Kind.STEP, "s")
    silent.fail()
    assert (silent.state, silent.error, silent.reason) == ("failed", None, "error")


def test_cancelling_keeps_reason_and_error(engine: Executions) -> None:
    run = engine.start(Kind.STEP, "s")
    run.cancel(Reason.SIGNAL, KeyboardInterrupt())
    assert (run.state, run.reason, run.error) == (
        "cancelled",
        "signal",
        ErrorInfo("KeyboardInterrupt"),
    )
    other = engine.start(Kind.STEP, "s")
    other.cancel()
    assert other.reason == "user_request"


def test_a_second_end_changes_nothing(told: Recording, engine: Executions) -> None:
    run = engine.start(Kind.STEP, "s")
    run.complete()
    ended = run.ended_ns
    run.fail("too late")
    run.complete()
    assert (run.state, run.reason, run.error, run.ended_ns) == ("completed", "", None, ended)
    assert [(t.state, t.valid) for _, t in told.transitions] == [
        ("running", True),
        ("completed", True),
        ("failed", False),
    ]


def test_wrong_first_state_is_told_and_the_execution_runs(
    told: Recording, engine: Executions
) -> None:
    run = engine.start(Kind.STEP, "s", state=State.COMPLETED)
    assert [(t.sequence, t.state, t.valid) for _, t in told.transitions] == [
        (1, "completed", False),
        (2, "running", True),
    ]
    run.complete()
    assert (run.state, engine.open_count) == ("completed", 0)


def test_first_state_and_kind_may_be_text(engine: Executions) -> None:
    run = engine.start("tool", "t", state="queued")
    assert run.kind is Kind.TOOL
    assert run.state is State.QUEUED


def test_clock_set_back_makes_no_negative_time(told: Recording) -> None:
    times = iter([5_000, 4_000, 3_000, 2_000, 1_000, 500, 400])
    engine = Executions(told, now_ns=lambda: next(times), new_id=FakeIds())
    run = engine.start(Kind.STEP, "s")
    call = run.model_call("openai", "gpt-4o")
    call.end(Usage(1, 1))
    run.complete()
    assert [t.left_after_ns for _, t in told.transitions] == [0, 0]
    assert run.ended_ns == run.started_ns == 5_000
    assert call.ended_ns == call.started_ns == 3_000


def test_status_words_move_with_the_reason_they_imply(told: Recording, engine: Executions) -> None:
    run = engine.start(Kind.STEP, "s")
    assert run.status("Rate-Limited")
    assert (run.state, run.reason) == ("blocked", "rate_limit")
    assert run.status("RESUMED")
    assert (run.state, run.reason) == ("running", "")
    assert run.status("waiting", Reason.SCHEDULE)
    assert (run.state, run.reason) == ("paused", "schedule")
    assert not run.status("somewhere between")
    assert not run.status(None)
    assert run.state == "paused"
    assert run.status("FAIL")
    assert (run.state, run.reason) == ("failed", "error")
    assert run.status("ok")  # known, and refused
    assert (run.state, last(told).valid) == ("failed", False)


# -- pauses -------------------------------------------------------------------------------------


def test_durable_pause_ends_the_segment_and_states_its_key(
    told: Recording, engine: Executions
) -> None:
    run = engine.start(Kind.WORKFLOW, "w")
    run.suspend("p/w/thread-1", Reason.EXTERNAL_EVENT, checkpoint_id="c7")
    assert (run.state, run.reason, run.resume_key, run.closed) == (
        "paused",
        "external_event",
        "p/w/thread-1",
        True,
    )
    assert last(told).checkpoint_id == "c7"
    assert engine.open_count == 0


def test_durable_pause_without_a_key_keeps_the_one_it_started_with(engine: Executions) -> None:
    run = engine.start(Kind.WORKFLOW, "w", resume_key="given")
    run.suspend("")
    assert (run.resume_key, run.closed) == ("given", True)


def test_pause_in_a_block_may_become_durable(told: Recording, engine: Executions) -> None:
    run = engine.start(Kind.WORKFLOW, "w")
    run.pause()
    run.suspend("key", checkpoint_id="c1")
    assert [(t.previous, t.state, t.valid) for _, t in told.transitions[1:]] == [
        ("running", "paused", True),
        ("paused", "paused", True),
    ]
    assert (run.resume_key, last(told).checkpoint_id, run.closed) == ("key", "c1", True)


def test_refused_durable_pause_leaves_the_segment_open(told: Recording, engine: Executions) -> None:
    run = engine.start(Kind.WORKFLOW, "w", state=State.QUEUED)
    run.suspend("key", checkpoint_id="c1")
    assert (run.state, run.closed, run.resume_key, run.checkpoint_id) == ("queued", False, "", "")
    assert not last(told).valid
    run.run()
    run.suspend("key")
    assert (run.state, run.closed, run.resume_key) == ("paused", True, "key")


def test_resumed_segment_begins_as_paused_before(told: Recording, engine: Executions) -> None:
    run = engine.start(
        Kind.WORKFLOW,
        "w",
        resumed=True,
        resume_key="key",
        checkpoint_id="c1",
        forked_from="other",
    )
    first = last(told)
    assert (first.sequence, first.previous, first.state, first.valid) == (
        1,
        "paused",
        "running",
        True,
    )
    assert (first.checkpoint_id, first.left_after_ns) == ("c1", 0)
    assert (run.resumed, run.resume_key, run.forked_from) == (True, "key", "other")
    run.complete()
    assert last(told).previous == "running"


def test_left_paused_the_segment_ends_and_stays_paused(told: Recording, engine: Executions) -> None:
    run = engine.start(Kind.STEP, "s")
    run.pause()
    run.leave()
    run.leave()
    assert (run.state, run.closed, engine.open_count, len(told.transitions)) == (
        "paused",
        True,
        0,
        2,
    )
    run.run()
    assert (run.state, last(told).valid) == ("paused", False)


# -- reports ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "told_fraction"),
    [
        ({"fraction": 0.25}, 0.25),
        ({"fraction": 1.5}, 1.0),
        ({"fraction": -1.0}, 0.0),
        ({"fraction": math.nan}, None),
        ({"completed": 1, "planned": 4}, 0.25),
        ({"completed": 5, "planned": 4}, 1.0),
        ({"completed": 1, "planned": 0}, None),
        ({"completed": 1}, None),
        ({"fraction": 0.5, "completed": 1, "planned": 4}, 0.5),
        ({}, None),
    ],
)
def test_progress_is_a_part_from_0_to_1(
    told: Recording,
    engine: Executions,
    given: dict[str, float],
    told_fraction: float | None,
) -> None:
    run = engine.start(Kind.STEP, "s")
    run.progress(message="m", **given)  # pyright: ignore[reportArgumentType]
    assert told.reports == [
        (run, Progress(told_fraction, "m", given.get("completed"), given.get("planned")))  # pyright: ignore[reportArgumentType]
    ]


def test_what_comes_after_the_end_is_counted_and_not_told(
    told: Recording, engine: Executions
) -> None:
    run = engine.start(Kind.STEP, "s")
    run.complete()
    before = drops("execution.told_after_end")

    run.progress(0.5)
    run.set_plan([PlanStep("a")])
    run.plan_step("a", State.RUNNING)
    run.set_variable("v", 1)
    assert run.add_result("r", 1, check_by=lambda _: False) is False
    run.add_artifact("f")

    assert told.reports == []
    assert drops("execution.told_after_end") == before + 6
    assert run.next_sequence() == 3


def test_a_call_that_outlives_its_owner_still_tells_what_it_cost(
    told: Recording, engine: Executions
) -> None:
    run = engine.start(Kind.AGENT, "a")
    call = run.model_call("openai", "gpt-4o")
    run.complete()
    call.end(Usage(10, 2))
    assert told.told == {call: 3}


def test_iterations_count_up_on_the_parent(engine: Executions) -> None:
    run = engine.start(Kind.WORKFLOW, "w")
    assert engine.start(Kind.STEP, "s", parent=run, iteration=2).iteration == 2
    assert engine.start(Kind.STEP, "s", parent=run, iteration=1).iteration == 1
    assert engine.start(Kind.STEP, "s", parent=run).iteration == 0
    assert (run.iteration, run.iterations) == (0, 2)
    assert engine.start(Kind.STEP, "s", root=True, iteration=3).iteration == 3


def test_attempt_about_and_origin_are_kept(engine: Executions) -> None:
    about = About(target_type="ticket", tags={"team": "x"})
    run = engine.start(Kind.STEP, "s", about=about, attempt=3)
    assert (run.about, run.attempt) == (about, 3)
    assert engine.start(Kind.STEP, "s").attempt == 1


def test_open_executions_are_those_that_have_not_ended(engine: Executions) -> None:
    first = engine.start(Kind.STEP, "first")
    second = engine.start(Kind.STEP, "second")
    assert (engine.open(), engine.open_count) == ([first, second], 2)
    first.complete()
    assert engine.open() == [second]


def test_only_so_many_open_executions_are_kept_count_of(
    told: Recording, engine: Executions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exectrail.execution.executions.MAX_OPEN", 1)
    before = drops("execution.too_many_open")
    engine.start(Kind.STEP, "first")
    beyond = engine.start(Kind.STEP, "second")
    beyond.complete()
    assert engine.open_count == 1
    assert drops("execution.too_many_open") == before + 1
    assert [t.state for owner, t in told.transitions if owner is beyond] == ["running", "completed"]


# -- our own faults -----------------------------------------------------------------------------


class Broken(Recording):
    """Fails in one method."""

    def __init__(self, method: str) -> None:
        super().__init__()
        self.closings: list[Execution] = []

        def fail(*_arguments: object) -> object:
            raise RuntimeError("ours")

        setattr(self, method, fail)

    def closed(self, execution: Execution) -> None:
        self.closings.append(execution)


def test_failing_to_tell_a_change_does_not_keep_it_open() -> None:
    told = Broken("changed")
    engine = Executions(told, now_ns=FakeClock(), new_id=FakeIds())
    run = engine.start(Kind.STEP, "s")
    run.complete()
    assert (run.state, told.closings, engine.open_count) == ("completed", [run], 0)


def test_verdict_of_a_check_stands_where_it_cannot_be_told() -> None:
    run = Executions(Broken("resulted"), new_id=FakeIds()).start(Kind.STEP, "s", root=True)
    assert run.add_result("r", 1, check_by=lambda _: True) is True


def test_failing_clock_moves_nothing_and_raises_nothing(told: Recording) -> None:
    clock = FakeClock()
    engine = Executions(told, now_ns=clock, new_id=FakeIds())
    run = engine.start(Kind.STEP, "s")

    def broken() -> int:
        raise OSError

    engine.now_ns = broken
    call = run.model_call("openai", "gpt-4o")
    call.end(Usage(1, 1))
    run.complete()
    assert (run.state, told.told, call.started_ns) == ("running", {}, run.started_ns)
    engine.now_ns = clock
    call.end(Usage(1, 1))
    run.complete()
    assert (run.state, told.told) == ("completed", {call: 2})


def test_execution_that_never_got_a_state_can_be_let_go(told: Recording) -> None:
    """Its clock failed just then."""
    clock = FakeClock()
    looks = iter([clock, None])

    def now() -> int:
        look = next(looks, clock)
        if look is None:
            raise OSError
        return look()

    engine = Executions(told, now_ns=now, new_id=FakeIds())
    run = engine.start(Kind.STEP, "s")
    assert run.state is None
    run.leave()
    assert (run.closed, run.ended_ns, engine.open_count) == (True, run.started_ns, 0)


def test_an_error_that_cannot_be_shown_is_told_by_its_type(engine: Executions) -> None:
    class ShyError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    run = engine.start(Kind.STEP, "s")
    run.fail(ShyError())
    assert run.error is not None
    assert run.error.type.endswith("ShyError")
    assert (run.state, run.error.message) == ("failed", "")


def test_errors_are_named_as_opentelemetry_names_them() -> None:
    class InnerError(Exception): ...

    assert ErrorInfo.of(KeyError("k")) == ErrorInfo("KeyError", "'k'")
    assert ErrorInfo.of(TimeoutError) == ErrorInfo("TimeoutError")
    assert ErrorInfo.of(InnerError("x")) == ErrorInfo(f"{__name__}.{InnerError.__qualname__}", "x")


def test_garbage_collected_under_our_lock_may_end_an_execution(told: Recording) -> None:
    """A generator that is collected while a state changes ends its execution on the same thread."""
    clock = FakeClock()
    engine = Executions(told, now_ns=clock, new_id=FakeIds())

    def items() -> Iterator[int]:
        own = engine.start(Kind.STEP, "generator", root=True)
        try:
            yield 1
        finally:
            own.cancel(Reason.STREAM_CLOSED)

    kept: list[object] = [items()]
    next(kept[0])  # pyright: ignore[reportArgumentType, reportCallIssue]
    kept.append(kept)  # a cycle: only the collector ends it
    run = engine.start(Kind.STEP, "s", root=True)

    def now() -> int:
        gc.collect()
        return clock()

    engine.now_ns = now
    del kept
    run.complete()

    assert [e.state for e in told.executions] == ["cancelled", "completed"]


def test_null_recorder_takes_all_calls() -> None:
    engine = Executions()
    assert isinstance(engine.recorder, NullRecorder)
    run = engine.start(Kind.AGENT, "a", root=True)
    token = engine.attach(run)
    run.progress(0.1)
    run.set_plan([PlanStep("a")])
    run.set_variable("v", 1)
    run.add_result("r")
    run.add_artifact("f")
    run.model_call("openai", "gpt-4o").end(Usage(1, 1))
    engine.detach(token)
    run.complete()
    assert run.state == "completed"
    assert repr(run).startswith("<Execution agent 'a' completed ")
