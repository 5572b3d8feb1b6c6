"""The streams of a spool: which file holds what, and what goes first where room is short."""

from __future__ import annotations

from enum import Enum
from typing import Final


class Stream(Enum):
    """A series of files. The value is how their names begin."""

    STATES = "states"
    """What must not be lost: changes of state, usage, and the worker's own events."""
    LOGS = "logs"
    """All other events, and log records."""
    METRICS = "metrics"
    TRACES = "traces"

    __hash__ = object.__hash__  # members are single; Enum's own is slow, and asked for each line

    @property
    def signal(self) -> str:
        """The OTLP signal: what stands behind /v1/ in the receiver's address."""
        return _SIGNALS[self]


_SIGNALS: Final = {
    Stream.STATES: "logs",
    Stream.LOGS: "logs",
    Stream.METRICS: "metrics",
    Stream.TRACES: "traces",
}
DROPPED_FIRST: Final = (Stream.TRACES, Stream.METRICS, Stream.LOGS, Stream.STATES)
"""The order in which streams give way."""
SHIPPED_FIRST: Final = (Stream.STATES, Stream.LOGS, Stream.METRICS, Stream.TRACES)
FILE_BYTES: Final = 4 * 1024 * 1024
"""Size at which a stream goes on in a new file; whole files are shipped and removed."""


def file_name(stream: Stream, number: int) -> str:
    """The name of a file of a stream, by its number from 1."""
    return f"{stream.value}-{number:08d}.jsonl"


def file_number(name: str, stream: Stream) -> int | None:
    """The number of a file of a stream; None for a file that is none of it."""
    start, end = f"{stream.value}-", ".jsonl"
    number = name[len(start) : -len(end)]
    if name.startswith(start) and name.endswith(end) and number.isdecimal():
        return int(number)
    return None
