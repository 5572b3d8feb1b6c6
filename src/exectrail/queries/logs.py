"""What the program logged, or wrote to its standard streams, within a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from exectrail.queries.parts import Part
from exectrail.queries.query import Query, question

MOST_LINES: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine(Part):
    """A line of a log; `stream` is set where it was captured from standard output or error."""

    severity: str
    logger: str
    body: str
    stream: str
    source_file: str
    source_line: int
    error_type: str
    error_message: str


def run_logs(root_id: str, *, limit: int = MOST_LINES) -> Query[LogLine]:
    """The latest lines that were logged within a run, in order of time.

    Args:
        root_id: Id of the run.
        limit: So many, at most.
    """
    return question("run_logs", LogLine, root_id=root_id, limit=limit)
