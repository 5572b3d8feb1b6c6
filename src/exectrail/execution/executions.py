"""Where executions begin: gives ids and times, keeps the open ones, and holds the recorder."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextvars import ContextVar, Token
from typing import Final

from exectrail.conventions.names import Kind, State
from exectrail.conventions.statuses import from_status
from exectrail.execution.current import CURRENT, around
from exectrail.execution.details import NOTHING, About
from exectrail.execution.execution import Execution
from exectrail.execution.ids import uuid7
from exectrail.execution.recorder import NullRecorder, Recorder
from exectrail.execution.resources import Meter, NullMeter, Resources
from exectrail.execution.states import TRANSITIONS
from exectrail.guard import guard, report

_GUARD = guard("execution.start")
_ATTACH = guard("execution.attach")
_MEASURE = guard("execution.measure")


class Attachment:
    """An execution that was made current, and what takes it back."""

    __slots__ = ("here", "over", "own", "recorder", "recorders")

    def __init__(self, own: Token[Execution | None], recorder: Recorder) -> None:
        self.own = own
        self.recorder = recorder
        self.recorders: object = None
        self.over = False
        self.here: Token[Attachment | None] = _ATTACHED.set(self)


_ATTACHED: ContextVar[Attachment | None] = ContextVar("exectrail_attached", default=None)
"""The latest attachment of the running context."""

MAX_OPEN: Final = 100_000
"""Open executions that are kept count of; more run all the same, but no beat counts them."""


class Executions:
    """The executions of a process.

    Args:
        recorder: Where they report.
        now_ns: Clock, nanoseconds since the epoch.
        new_id: Makes a UUIDv7 of a time in nanoseconds.
        capture_content: Whether values of variables may be kept.
    """

    def __init__(
        self,
        recorder: Recorder | None = None,
        *,
        now_ns: Callable[[], int] = time.time_ns,
        new_id: Callable[[int], str] = uuid7,
        capture_content: bool = False,
    ) -> None:
        self.recorder: Recorder = recorder or NullRecorder()
        self.now_ns = now_ns
        self.new_id = new_id
        self.capture_content = capture_content
        self.meter: Meter = NullMeter()
        """What measures them."""
        self.left_behind = False
        """Whether another process writes them: the one that this one was forked from."""
        self.lock = threading.RLock()
        """Held for a change of state. Re-entrant: a signal handler or the garbage collector may end
        another execution on the same thread meanwhile."""
        self._open: dict[str, Execution] = {}

    def start(
        self,
        kind: Kind | str,
        name: str,
        *,
        parent: Execution | None = None,
        root: bool = False,
        state: State | str = State.RUNNING,
        about: About = NOTHING,
        attempt: int = 1,
        iteration: int = 0,
        resume_key: str = "",
        resumed: bool = False,
        checkpoint_id: str = "",
        forked_from: str = "",
        reason: str = "",
        hold: Callable[[Execution], None] | None = None,
    ) -> Execution:
        """Start an execution.

        Args:
            kind: Kind of the execution.
            name: Low-cardinality name.
            parent: Its parent; if left out the current execution, else what was handed down.
            root: Have no parent, whatever is current.
            state: First state: created, queued or running.
            about: What else is known of it.
            attempt: 1 for the first try.
            iteration: Its turn, where it is a part of a loop.
            resume_key: Durable key under which it pauses, or that it resumes.
            resumed: It goes on where a pause with this key ended.
            checkpoint_id: The checkpoint it starts from.
            forked_from: Segment whose pause was resumed before.
            reason: Why it starts.
            hold: Gets the execution before it is told of: somebody has it then, even where Ctrl-C
                comes amid the telling.

        Returns:
            The execution; it exists and can be used even where recording it failed.
        """
        above = None if root else parent or around()
        # One that began before exectrail was switched on is known to nobody.
        while above is not None and above.unrecorded:
            above = above.parent
        now = self.now_ns()
        # Calling an enum is slow: some 4 µs a time, measured inside a graph.
        kind = kind if isinstance(kind, Kind) else _kind(kind)
        first = state if isinstance(state, State) else _first_state(state)
        execution = Execution(self, self.new_id(now), kind, name, above, about, now)
        execution.attempt = attempt
        execution.resume_key = resume_key
        execution.resumed = resumed
        execution.checkpoint_id = checkpoint_id
        execution.forked_from = forked_from
        if iteration:
            execution.iteration = iteration
            if above is not None:
                above.turn(iteration)
        with _MEASURE:
            self.meter.began(execution)
        with _GUARD:
            if len(self._open) < MAX_OPEN:
                self._open[execution.id] = execution
            else:
                report("execution.too_many_open")
            self.recorder.opened(execution)
        if hold is not None:
            hold(execution)
        execution._move(first, reason)
        if execution.state is None and first not in TRANSITIONS[None]:
            execution._move(State.RUNNING, "")
        return execution

    def forget(self, execution: Execution) -> None:
        """An execution is closed."""
        self._open.pop(execution.id, None)
        with _MEASURE:
            taken = self.meter.ended(execution)
            if taken is not None:
                self.measured(execution, taken)

    def measured(self, execution: Execution, taken: Resources) -> None:
        """The meter tells what an execution took so far."""
        self.recorder.consumed(execution, execution.next_sequence(), taken)

    def reported(self, execution: Execution, sequence: int, taken: Resources) -> None:
        """The program itself tells it, so it is not measured any more."""
        self.meter.leave_alone(execution)
        self.recorder.consumed(execution, sequence, taken)

    def open(self) -> list[Execution]:
        """The open executions of this process, oldest first."""
        return list(self._open.values())

    @property
    def open_count(self) -> int:
        """How many executions are open."""
        return len(self._open)

    def attach(self, execution: Execution) -> Attachment:
        """Make an execution current for the running context; `detach` takes it back.

        Never leave one attached across a `yield`: the context there is somebody else's.
        """
        attachment = Attachment(CURRENT.set(execution), self.recorder)
        with _ATTACH:
            attachment.recorders = self.recorder.attach(execution)
        return attachment

    def detach(self, attachment: Attachment) -> None:
        """Take back what `attach` did. In another context there is nothing to take back.

        Generators that hold blocks open may be ended in any order. One beneath others goes when
        they have gone: nothing that has ended becomes current again.
        """
        attachment.over = True
        while (latest := _ATTACHED.get()) is not None and latest.over:
            try:
                _ATTACHED.reset(latest.here)
                CURRENT.reset(latest.own)
            except (ValueError, RuntimeError):  # attached in the context that this is a copy of
                return
            with _ATTACH:
                latest.recorder.detach(latest.recorders)


def _kind(word: object) -> Kind:
    """The kind of that name; an unknown one is a task, and counted."""
    try:
        return Kind(str(word))
    except ValueError:
        report("execution.unknown_kind")
        return Kind.TASK


def _first_state(word: object) -> State:
    """The state that a status word means; an unknown one is running, and counted."""
    mapped = from_status(word)
    if mapped is None:
        report("execution.unknown_state")
        return State.RUNNING
    return mapped[0]
