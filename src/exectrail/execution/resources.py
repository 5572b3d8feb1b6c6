"""What an execution took of the machine, and who measures that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from exectrail.conventions.names import ResourceScope

if TYPE_CHECKING:
    from exectrail.execution.execution import Execution


@dataclass(frozen=True, slots=True)
class Resources:
    """Resource use, totals since the execution started."""

    cpu_seconds: float | None = None
    memory_peak_bytes: int | None = None
    disk_read_bytes: int | None = None
    disk_write_bytes: int | None = None
    scope: ResourceScope = ResourceScope.SHARED
    """Whether the execution had its process or thread to itself."""
    share: float | None = None
    """Which part of the process was counted as its own, 0 to 1, over its life."""


class Meter(Protocol):
    """Measures executions. A call may raise: whoever calls guards it."""

    def began(self, execution: Execution) -> None:
        """A segment begins, on the running thread."""

    def ended(self, execution: Execution) -> Resources | None:
        """A segment ends; what it took, where that is to be told."""

    def leave_alone(self, execution: Execution) -> None:
        """The program tells itself what this one takes."""


class NullMeter:
    """Measures nothing."""

    def began(self, execution: Execution) -> None: ...

    def ended(self, execution: Execution) -> Resources | None:
        return None

    def leave_alone(self, execution: Execution) -> None: ...
