"""What `execution` tells the next room: the `Recorder` protocol, and a transition as a value."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from exectrail.conventions.names import State

if TYPE_CHECKING:
    from exectrail.execution.artifact import Artifact
    from exectrail.execution.call import ModelCall
    from exectrail.execution.details import Progress
    from exectrail.execution.errors import ErrorInfo
    from exectrail.execution.execution import Execution
    from exectrail.execution.logged import Logged
    from exectrail.execution.plan import Plan
    from exectrail.execution.resources import Resources
    from exectrail.execution.result import Result
    from exectrail.execution.variable import Variable


class Transition(NamedTuple):
    """One change of state, or one that was refused."""

    sequence: int
    at_ns: int
    previous: State | None
    state: State
    reason: str
    valid: bool = True
    """False: not allowed, the state did not move."""
    error: ErrorInfo | None = None
    checkpoint_id: str = ""
    began: bool = False
    """The segment's first state: it was in none before, whatever `previous` says of a resume."""
    left_after_ns: int = 0
    """How long the previous state lasted."""


class Recorder(Protocol):
    """Where an execution reports. A call may raise: whoever calls guards it."""

    def opened(self, execution: Execution) -> None:
        """A segment began; its first transition follows."""

    def changed(self, execution: Execution, transition: Transition) -> None:
        """The state changed, or an illegal change was refused."""

    def closed(self, execution: Execution) -> None:
        """The segment ended: finally, or in a durable pause.

        Nothing of it follows but refused transitions, and the ends of model calls that outlive it:
        their usage is money.
        """

    def progressed(self, execution: Execution, sequence: int, progress: Progress) -> None:
        """Progress was reported."""

    def planned(self, execution: Execution, sequence: int, plan: Plan) -> None:
        """The plan was made or revised."""

    def resulted(self, execution: Execution, sequence: int, result: Result) -> None:
        """A result was reported."""

    def made(self, execution: Execution, sequence: int, artifact: Artifact) -> None:
        """A file or link was made or changed."""

    def consumed(self, execution: Execution, sequence: int, resources: Resources) -> None:
        """Resource use was measured."""

    def assigned(self, execution: Execution, sequence: int, variable: Variable) -> None:
        """A variable was set."""

    def logged(self, execution: Execution, line: Logged) -> None:
        """The program wrote to its log; that is no event, and takes no sequence."""

    def call_opened(self, call: ModelCall) -> None:
        """A model call began."""

    def call_closed(self, call: ModelCall, sequence: int | None) -> None:
        """A model call ended; a sequence where its usage is to be told."""

    def attach(self, item: Execution | ModelCall) -> object:
        """Make it current for the running context; the token takes it back."""
        ...

    def detach(self, token: object) -> None:
        """Take an attachment back."""


class NullRecorder:
    """Keeps nothing: exectrail is switched off, or not set up."""

    def opened(self, execution: Execution) -> None: ...

    def changed(self, execution: Execution, transition: Transition) -> None: ...

    def closed(self, execution: Execution) -> None: ...

    def progressed(self, execution: Execution, sequence: int, progress: Progress) -> None: ...

    def planned(self, execution: Execution, sequence: int, plan: Plan) -> None: ...

    def resulted(self, execution: Execution, sequence: int, result: Result) -> None: ...

    def made(self, execution: Execution, sequence: int, artifact: Artifact) -> None: ...

    def consumed(self, execution: Execution, sequence: int, resources: Resources) -> None: ...

    def assigned(self, execution: Execution, sequence: int, variable: Variable) -> None: ...

    def logged(self, execution: Execution, line: Logged) -> None: ...

    def call_opened(self, call: ModelCall) -> None: ...

    def call_closed(self, call: ModelCall, sequence: int | None) -> None: ...

    def attach(self, item: Execution | ModelCall) -> object:
        return None

    def detach(self, token: object) -> None: ...
