"""What an execution took of the machine."""

from __future__ import annotations

from dataclasses import dataclass

from exectrail.conventions.names import ResourceScope


@dataclass(frozen=True, slots=True)
class Resources:
    """Resource use, totals since the execution started."""

    cpu_seconds: float | None = None
    memory_peak_bytes: int | None = None
    disk_read_bytes: int | None = None
    disk_write_bytes: int | None = None
    scope: ResourceScope = ResourceScope.SHARED
    """Whether the execution had its process or thread to itself."""
