"""Random histories of executions, held against a model that is small enough to be believed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from exectrail.conventions.names import Kind, State
from exectrail.execution import (
    Execution,
    Executions,
    ModelCall,
    NullRecorder,
    PlanStep,
    Resources,
    Transition,
    Usage,
)
from exectrail.testing import FakeClock, FakeIds

# DESIGN: which state may follow which, written out here once more and by hand.
NEXT = {
    None: "created queued running",
    "created": "queued running failed cancelled",
    "queued": "running failed cancelled",
    "running": "paused blocked queued completed failed cancelled",
    "paused": "running queued failed cancelled",
    "blocked": "running queued failed cancelled",
    "completed": "",
    "failed": "",
    "cancelled": "",
}
FINAL = {"completed", "failed", "cancelled"}
WORDS = {"IN_PROGRESS": "running", "Waiting": "paused", "success": "completed", "timeout": "failed"}
MOVES = {
    "queue": "queued",
    "run": "running",
    "pause": "paused",
    "block": "blocked",
    "complete": "completed",
    "fail": "failed",
    "cancel": "cancelled",
}
REPORTS: dict[str, Callable[[Execution], Any]] = {
    "progress": lambda e: e.progress(0.5, "half", completed=1, planned=2),
    "plan": lambda e: e.set_plan([PlanStep("one"), PlanStep("two")]),
    "variable": lambda e: e.set_variable("v", {"a": 1}),
    "result": lambda e: e.add_result("r", 1, check_by=bool),
    "artifact": lambda e: e.add_artifact("f.txt"),
    "resources": lambda e: e.use_resources(Resources(cpu_seconds=0.1)),
}
CALLS: dict[str, Callable[[ModelCall], Any]] = {
    "call": lambda call: call.end(Usage(3, 4)),
    "call_failed": lambda call: call.fail("down"),
    "call_failed_counted": lambda call: call.fail("down", Usage(3, 0)),
    "call_cancelled": lambda call: call.cancel(),
}
TOLD = {"call", "call_failed_counted", "call_cancelled"}
OPERATIONS = [
    *MOVES,
    *REPORTS,
    *CALLS,
    *(f"status {word}" for word in [*WORDS, "no such word"]),
    "suspend",
    "leave",
    "start",
]


class Told(NullRecorder):
    """Keeps what it is told: which method, and the sequence."""

    def __init__(self) -> None:
        self.opened_: list[str] = []
        self.closed_: list[str] = []
        self.changes: list[tuple[str, Transition]] = []
        self.after_close: list[str] = []
        self.sequences: dict[str, list[int]] = {}

    def _numbered(self, execution: Execution, sequence: int, *, late: bool = False) -> None:
        self.sequences.setdefault(execution.id, []).append(sequence)
        if execution.id in self.closed_ and not late:
            self.after_close.append(execution.id)

    def opened(self, execution: Execution) -> None:
        self.opened_.append(execution.id)

    def closed(self, execution: Execution) -> None:
        self.closed_.append(execution.id)

    def changed(self, execution: Execution, transition: Transition) -> None:
        self._numbered(execution, transition.sequence, late=not transition.valid)
        self.changes.append((execution.id, transition))

    def call_closed(self, call: ModelCall, sequence: int | None) -> None:
        if sequence is not None:
            self._numbered(call.execution, sequence, late=True)

    def _report(self, execution: Execution, sequence: int, _what: object) -> None:
        self._numbered(execution, sequence)

    progressed = planned = resulted = made = consumed = assigned = _report


@dataclass
class Model:
    """What an execution has to be after the same calls."""

    state: str | None = None
    closed: bool = False
    events: int = 0
    changes: list[tuple[str | None, str, bool]] = field(
        default_factory=list[tuple[str | None, str, bool]]
    )

    def move(self, state: str, *, durable: bool = False) -> bool:
        if state == self.state and (not durable or self.closed):
            return False
        self.events += 1
        valid = not self.closed and (state == self.state or state in NEXT[self.state].split())
        self.changes.append((self.state, state, valid))
        if valid:
            self.state = state
            self.closed = state in FINAL
        return valid

    def do(self, operation: str) -> None:
        if operation in MOVES:
            self.move(MOVES[operation])
        elif operation in REPORTS:
            self.events += not self.closed
        elif operation in CALLS:
            self.events += operation in TOLD
        elif operation.startswith("status "):
            if word := WORDS.get(operation.removeprefix("status ")):
                self.move(word)
        elif operation == "suspend":
            if self.move("paused", durable=True):
                self.closed = True
        elif operation == "leave":
            self.closed = True


def do(execution: Execution, operation: str) -> None:
    if operation in MOVES:
        getattr(execution, operation)()
    elif operation in REPORTS:
        REPORTS[operation](execution)
    elif operation in CALLS:
        CALLS[operation](execution.model_call("openai", "gpt-4o"))
    elif operation.startswith("status "):
        execution.status(operation.removeprefix("status "))
    elif operation == "suspend":
        execution.suspend("key")
    elif operation == "leave":
        execution.leave()


steps = st.tuples(st.integers(0, 50), st.sampled_from(OPERATIONS), st.sampled_from(list(Kind)))
first_states = st.sampled_from([State.CREATED, State.QUEUED, State.RUNNING])


def check_sequences(told: Told, executions: list[Execution]) -> None:
    """Every event has its number: 1 to n, none left out and none given twice."""
    for execution in executions:
        given_out = sorted(told.sequences[execution.id])
        assert given_out == list(range(1, len(given_out) + 1))


def check_closing(told: Told, executions: list[Execution]) -> None:
    assert sorted(told.opened_) == sorted(e.id for e in executions)
    assert sorted(told.closed_) == sorted(e.id for e in executions if e.closed)
    assert told.after_close == []


@settings(max_examples=300, deadline=None)
@given(first_states, st.lists(steps, max_size=40))
def test_any_history_agrees_with_the_model(
    first: State, history: list[tuple[int, str, Kind]]
) -> None:
    told = Told()
    engine = Executions(told, now_ns=FakeClock(), new_id=FakeIds())
    executions = [engine.start(Kind.WORKFLOW, "w0", root=True, state=first)]
    models = [Model()]
    models[0].move(first.value)

    for which, operation, kind in history:
        index = which % len(executions)
        if operation == "start":
            name = f"{kind.value[0]}{len(executions)}"
            executions.append(engine.start(kind, name, parent=executions[index]))
            models.append(Model())
            models[-1].move("running")
        else:
            do(executions[index], operation)
            models[index].do(operation)

    check_sequences(told, executions)
    check_closing(told, executions)
    assert engine.open_count == sum(not model.closed for model in models)
    for execution, model in zip(executions, models, strict=True):
        changes = [t for owner, t in told.changes if owner == execution.id]
        assert [(t.previous, t.state, t.valid) for t in changes] == model.changes
        assert (execution.state, execution.closed) == (model.state, model.closed)
        assert len(told.sequences[execution.id]) == model.events


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 50), st.sampled_from(list(Kind))), max_size=25))
def test_root_workflow_and_agent_come_from_above(tree: list[tuple[int, Kind]]) -> None:
    engine = Executions(Told(), now_ns=FakeClock(), new_id=FakeIds())
    root = engine.start(Kind.TASK, "root", root=True)
    executions = [root]
    for above, kind in tree:
        parent = executions[above % len(executions)]
        executions.append(engine.start(kind, f"n{len(executions)}", parent=parent))

    for execution in executions:
        line = [execution]
        while (above := line[-1].parent) is not None:
            line.append(above)
        assert line[-1] is root
        assert execution.root_id == root.id
        assert execution.parent_id == (line[1].id if len(line) > 1 else "")
        assert execution.workflow == next((e.name for e in line if e.kind is Kind.WORKFLOW), "")
        assert execution.agent == next((e.name for e in line if e.kind is Kind.AGENT), "")
        assert all(execution.within(above) for above in line)
        beside = [e for e in executions if e not in line]
        assert all(execution.within(other) is False for other in beside)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(steps, max_size=15), min_size=2, max_size=4))
def test_threads_lose_and_repeat_nothing(histories: list[list[tuple[int, str, Kind]]]) -> None:
    told = Told()
    engine = Executions(told, now_ns=FakeClock(), new_id=FakeIds())
    executions = [engine.start(kind, kind.value, root=True) for kind in Kind]
    errors: list[BaseException] = []
    together = threading.Barrier(len(histories))

    def work(history: list[tuple[int, str, Kind]]) -> None:
        try:
            together.wait(10)
            for which, operation, _ in history:
                do(executions[which % len(executions)], operation)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(history,)) for history in histories]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert errors == []
    check_sequences(told, executions)
    assert sorted(told.closed_) == sorted(e.id for e in executions if e.closed)
    for execution in executions:
        changes = sorted(
            (t for owner, t in told.changes if owner == execution.id), key=lambda t: t.sequence
        )
        state = None
        for change in changes:
            assert change.previous == state
            if change.valid:
                assert change.state.value in NEXT[state].split() or change.state == state
                state = change.state.value
        assert state == execution.state


def test_one_thread_of_many_ends_an_execution() -> None:
    """The end, and what a call cost, are told once however many threads say it."""
    for _ in range(50):
        told = Told()
        engine = Executions(told, now_ns=FakeClock(), new_id=FakeIds())
        execution = engine.start(Kind.STEP, "s", root=True)
        call = execution.model_call("openai", "gpt-4o")
        together = threading.Barrier(4)

        def end(
            execution: Execution = execution,
            call: ModelCall = call,
            together: threading.Barrier = together,
        ) -> None:
            together.wait(10)
            call.end(Usage(1, 1))
            execution.complete()
            execution.suspend("key")

        threads = [threading.Thread(target=end) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)

        assert told.closed_ == [execution.id]
        assert execution.state is State.COMPLETED
        check_sequences(told, [execution])
        valid = [t for _, t in told.changes if t.valid]
        assert [t.state for t in valid] == ["running", "completed"]
        # running, completed, four refused pauses, and one usage event
        assert len(told.sequences[execution.id]) == 7


def test_costs_of_plan_steps_may_be_decimals() -> None:
    told = Told()
    execution = Executions(told).start(Kind.STEP, "s", root=True)
    execution.set_plan([PlanStep("a", estimated_cost=Decimal("0.10"))])
    execution.plan_step("a", State.COMPLETED, actual_cost=Decimal("0.12"))
    assert execution.plan is not None
    assert execution.plan.steps == [
        PlanStep(
            "a",
            estimated_cost=Decimal("0.10"),
            actual_cost=Decimal("0.12"),
            state=State.COMPLETED,
        )
    ]
