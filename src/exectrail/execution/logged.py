"""A line that the program wrote to its own log while an execution ran."""

from __future__ import annotations

from typing import NamedTuple

from exectrail.execution.errors import ErrorInfo


class Logged(NamedTuple):
    """A log record. Text and error are unscrubbed: the room that writes them out does that."""

    at_ns: int
    """Nanoseconds since the epoch."""
    level: str
    """TRACE, DEBUG, INFO, WARN, ERROR or FATAL, as the OpenTelemetry log data model has them."""
    text: str
    logger: str = ""
    """Name of the logger."""
    file: str = ""
    line: int = 0
    function: str = ""
    """Where in the program's code it was written."""
    error: ErrorInfo | None = None
