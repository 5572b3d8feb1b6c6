"""One execution as this process sees it: a segment, its state, and what it reports.

No method raises into the program. One process writes a segment; several threads may.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

from exectrail.conventions.names import Kind, Reason, State
from exectrail.conventions.statuses import from_status
from exectrail.execution.artifact import Artifact
from exectrail.execution.call import ModelCall
from exectrail.execution.details import About, Progress
from exectrail.execution.errors import ErrorInfo
from exectrail.execution.plan import Plan, PlanStep
from exectrail.execution.recorder import NullRecorder, Transition
from exectrail.execution.resources import Resources
from exectrail.execution.result import Check, check
from exectrail.execution.states import FINAL, allowed
from exectrail.execution.variable import Variable
from exectrail.guard import guard, report

if TYPE_CHECKING:
    from exectrail.execution.executions import Executions

_GUARD = guard("execution")
T = TypeVar("T")


class Execution:
    """A segment: what one process does of an execution. Made by `Executions.start`."""

    __slots__ = (
        "_sequence",
        "_state_ns",
        "about",
        "agent",
        "attempt",
        "checkpoint_id",
        "closed",
        "ended_ns",
        "engine",
        "error",
        "forked_from",
        "id",
        "iteration",
        "iterations",
        "kind",
        "name",
        "parent",
        "parent_id",
        "plan",
        "reason",
        "resume_key",
        "resumed",
        "root_id",
        "started_ns",
        "state",
        "trace",
        "workflow",
    )

    def __init__(
        self,
        engine: Executions,
        execution_id: str,
        kind: Kind,
        name: str,
        parent: Execution | None,
        about: About,
        started_ns: int,
    ) -> None:
        self.engine = engine
        self.id = execution_id
        self.kind = kind
        self.name = name
        self.parent = parent
        self.parent_id = parent.id if parent else ""
        self.root_id = (parent.root_id if parent else "") or execution_id
        self.about = about
        self.workflow = name if kind is Kind.WORKFLOW else parent.workflow if parent else ""
        """Name of the nearest workflow, the execution itself included."""
        self.agent = name if kind is Kind.AGENT else parent.agent if parent else ""
        """Name of the nearest agent, the execution itself included."""
        self.attempt = 1
        self.iteration = 0
        """On a part of a loop its turn, from 1."""
        self.iterations = 0
        """The highest turn that a part of it was in so far."""
        self.resume_key = ""
        self.checkpoint_id = ""
        self.forked_from = ""
        self.resumed = False
        """Whether the segment goes on where a durable pause ended another."""
        self.plan: Plan | None = None
        self.state: State | None = None
        self.reason = ""
        self.error: ErrorInfo | None = None
        self.started_ns = started_ns
        self.ended_ns = 0
        self.closed = False
        self.trace: object | None = None
        """The recorder's own."""
        self._sequence = itertools.count(1)
        self._state_ns = started_ns

    def __repr__(self) -> str:
        return f"<Execution {self.kind} {self.name!r} {self.state} {self.id}>"

    @property
    def unrecorded(self) -> bool:
        """Whether nobody was told of it: it began before exectrail was switched on."""
        return self.trace is None and type(self.engine.recorder) is NullRecorder

    def next_sequence(self) -> int:
        """The number of the next event of this segment, from 1."""
        return next(self._sequence)

    def within(self, other: Execution) -> bool:
        """Whether this execution is `other` or lies beneath it."""
        node: Execution | None = self
        while node is not None:
            if node is other:
                return True
            node = node.parent
        return False

    # -- state -----------------------------------------------------------------------------------

    def queue(self, reason: Reason | str = "") -> None:
        """It waits for a worker."""
        self._move(State.QUEUED, reason)

    def run(self, reason: Reason | str = "") -> None:
        """It works, for the first time or again."""
        self._move(State.RUNNING, reason)

    def pause(self, reason: Reason | str = Reason.HUMAN_INPUT) -> None:
        """It waits on purpose, and this process stays with it."""
        self._move(State.PAUSED, reason)

    def suspend(
        self,
        resume_key: str,
        reason: Reason | str = Reason.HUMAN_INPUT,
        *,
        checkpoint_id: str = "",
    ) -> None:
        """It waits durably: the segment ends here, and whoever resumes states the same key.

        Args:
            resume_key: Durable key of the pause; empty where nothing was saved, then only this
                process could go on.
            reason: Why it waits.
            checkpoint_id: What it was saved as; evidence only.
        """
        key = resume_key or self.resume_key
        if self._move(State.PAUSED, reason, durable=(key, checkpoint_id)):
            self._close()

    def block(self, reason: Reason | str = Reason.DEPENDENCY) -> None:
        """It waits on something else."""
        self._move(State.BLOCKED, reason)

    def complete(self) -> None:
        """It ended well."""
        self._move(State.COMPLETED, "")

    def fail(
        self, error: BaseException | str | None = None, reason: Reason | str = Reason.ERROR
    ) -> None:
        """It ended badly."""
        self._move(State.FAILED, reason, error)

    def cancel(
        self, reason: Reason | str = Reason.USER_REQUEST, error: BaseException | str | None = None
    ) -> None:
        """It was ended."""
        self._move(State.CANCELLED, reason, error)

    def leave(self) -> None:
        """Let go of it as it is, paused or blocked: the segment ends, the state stays."""
        self._close()

    def status(self, word: object, reason: Reason | str = "") -> bool:
        """Take a status word of another system.

        Returns:
            Whether the word was known; an unknown one changes nothing.
        """
        mapped = from_status(word)
        if mapped is None:
            return False
        state, implied = mapped
        fallback = Reason.ERROR if state is State.FAILED else ""
        self._move(state, reason or implied or fallback)
        return True

    def _move(
        self,
        state: State,
        reason: Reason | str,
        error: BaseException | str | None = None,
        *,
        durable: tuple[str, str] | None = None,
    ) -> bool:
        """Change the state, or tell that the change is not allowed.

        Args:
            state: The state to come.
            reason: Why.
            error: What failed.
            durable: Resume key and checkpoint id of a durable pause. An execution that is paused
                already tells its key by pausing again.

        Returns:
            Whether the state is now `state` by this call.
        """
        transition = None
        with _GUARD:
            if state is self.state and (durable is None or self.closed):
                return False
            info = None if error is None else ErrorInfo.of(error)
            told = str(reason)
            with self.engine.lock:
                now = self.engine.now_ns()
                # A clock that is set back must not make a duration negative.
                began = self.state is None
                lasted = 0 if began else max(0, now - self._state_ns)
                previous = State.PAUSED if began and self.resumed else self.state
                valid = not self.closed and (state is self.state or allowed(self.state, state))
                if valid:
                    if durable is not None:
                        self.resume_key, self.checkpoint_id = durable
                    self.state = state
                    self.reason = told
                    self.error = info
                    self._state_ns = now
                transition = Transition(
                    sequence=self.next_sequence(),
                    at_ns=now,
                    previous=previous,
                    state=state,
                    reason=told,
                    valid=valid,
                    error=info,
                    checkpoint_id=self.checkpoint_id,
                    began=began,
                    left_after_ns=lasted,
                )
        if transition is None:
            return False
        with _GUARD:
            self.engine.recorder.changed(self, transition)
        if transition.valid and state in FINAL:
            self._close()
        return transition.valid

    def _close(self) -> None:
        with _GUARD:
            with self.engine.lock:
                if self.closed:
                    return
                self.closed = True
                self.ended_ns = max(self._state_ns, self.started_ns)
            self.engine.forget(self)
            self.engine.recorder.closed(self)

    def _tell(self, tell: Callable[[Execution, int, T], None], what: T) -> None:
        """Tell of it, unless it has ended; what comes late is counted."""
        if self.closed:
            report("execution.told_after_end")
        else:
            tell(self, self.next_sequence(), what)

    # -- what it reports ---------------------------------------------------------------------------

    def progress(
        self,
        fraction: float | None = None,
        message: str = "",
        *,
        completed: int | None = None,
        planned: int | None = None,
    ) -> None:
        """How far it is: a part from 0 to 1, and k of n."""
        with _GUARD:
            if fraction is None and completed is not None and planned:
                fraction = completed / planned
            if fraction is not None:
                fraction = None if math.isnan(fraction) else min(1.0, max(0.0, fraction))
            told = Progress(fraction, message, completed, planned)
            self._tell(self.engine.recorder.progressed, told)

    def turn(self, iteration: int) -> None:
        """A part of it began a turn of its loop; the highest one stays."""
        with self.engine.lock:
            self.iterations = max(self.iterations, iteration)

    def set_plan(self, steps: Iterable[PlanStep]) -> None:
        """Make or revise the plan."""
        meant = list(steps)  # the program's iterable, and its exceptions: not in our guard
        with _GUARD:
            with self.engine.lock:
                self.plan = self.plan or Plan()
                self.plan.revise(meant)
                told = self.plan.copy()
            self._tell(self.engine.recorder.planned, told)

    def plan_step(
        self,
        name: str,
        state: State,
        *,
        actual_cost: Decimal | None = None,
        actual_seconds: float | None = None,
    ) -> None:
        """Say where a step of the plan stands."""
        with _GUARD:
            with self.engine.lock:
                self.plan = self.plan or Plan()
                self.plan.update(name, state, actual_cost, actual_seconds)
                told = self.plan.copy()
            self._tell(self.engine.recorder.planned, told)

    def set_variable(self, name: str, value: object) -> None:
        """Hand a variable on: name, type and hash are told, the value only on request."""
        with _GUARD:
            variable = Variable.of(name, value, capture=self.engine.capture_content)
            self._tell(self.engine.recorder.assigned, variable)

    def add_result(
        self,
        name: str,
        value: Any = None,
        *,
        check_by: Check | None = None,
        category: str = "",
        error: BaseException | str | None = None,
    ) -> bool | None:
        """Report a result.

        Args:
            name: Low-cardinality name.
            value: The result; looked at by the check and not kept.
            check_by: A callable (False or an exception refuses) or a JSON Schema.
            category: One of `ResultCategory`; else guessed from the name.
            error: The error that it tells of: type and message.

        Returns: Whether the check accepted it, None without a check.
        """
        with _GUARD:
            result = check(name, value, check_by, category, error)
            with _GUARD:
                self._tell(self.engine.recorder.resulted, result)
            return result.valid
        return None

    def add_artifact(
        self,
        name: str,
        url: str = "",
        *,
        action: str = "created",
        media_type: str = "",
        size: int | None = None,
    ) -> None:
        """Report a file or link that it made or changed."""
        with _GUARD:
            made = Artifact(name, url, action, media_type, size)
            self._tell(self.engine.recorder.made, made)

    def use_resources(self, resources: Resources) -> None:
        """Report resource use, totals so far. It is not measured any more."""
        with _GUARD:
            self._tell(self.engine.reported, resources)

    def model_call(
        self, provider: str, model: str, *, operation: str = "chat", started_ns: int | None = None
    ) -> ModelCall:
        """Begin a model call; end it with `ModelCall.end`.

        Args:
            provider: `gen_ai.provider.name`, empty where unknown.
            model: Model asked for.
            operation: `gen_ai.operation.name`.
            started_ns: When it began, nanoseconds since the epoch; now if left out.
        """
        began = self.started_ns if started_ns is None else started_ns
        with _GUARD:
            began = self.engine.now_ns() if started_ns is None else started_ns
        call = ModelCall(self, provider, model, operation, began)
        with _GUARD:
            self.engine.recorder.call_opened(call)
        return call
