"""An execution of another process: known by its ids and its trace, and never written here."""

from __future__ import annotations

from typing import Final

from exectrail.conventions.names import Kind
from exectrail.execution.details import NOTHING
from exectrail.execution.execution import Execution
from exectrail.execution.executions import Executions

_ELSEWHERE: Final = Executions()
_ELSEWHERE.left_behind = True


class Remote(Execution):
    """What executions of this process may lie beneath, and nothing else.

    Args:
        execution_id: Its id; empty where no more than a trace was handed down.
        root_id: Id of its root; empty with the id.
        workflow: Name of the nearest workflow around it, itself included.
        agent: Name of the nearest agent around it, itself included.
        traceparent: Its span as W3C trace context says it.
        tracestate: The rest of that.
        nearest: Its span goes before one that is current in this process: it came with the very
            task that runs. What came with the process itself stands back.
    """

    __slots__ = ("nearest", "traceparent", "tracestate")

    def __init__(
        self,
        execution_id: str,
        root_id: str,
        *,
        workflow: str = "",
        agent: str = "",
        traceparent: str = "",
        tracestate: str = "",
        nearest: bool = False,
    ) -> None:
        super().__init__(_ELSEWHERE, execution_id, Kind.TASK, "", None, NOTHING, 0)
        self.root_id = root_id
        self.workflow = workflow
        self.agent = agent
        self.traceparent = traceparent
        self.tracestate = tracestate
        self.nearest = nearest
        self.closed = True  # whatever is told of it here goes nowhere

    @property
    def unrecorded(self) -> bool:
        return False
