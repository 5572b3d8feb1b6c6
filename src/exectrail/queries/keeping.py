"""What archiving and erasing ask: which segments belong together, and where they left traces."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from exectrail.queries.query import Query, question


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """What one process did of an execution."""

    execution_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A process."""

    worker_id: str


def archive_kept(before: datetime) -> Query[Segment]:
    """Segments that stay though their rows are older than a time; aware."""
    said = before.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    return question("archive_kept", Segment, before=said)


def workers_of(ids: str) -> Query[Worker]:
    """Processes that wrote the segments of a table.

    Args:
        ids: Name of a table with the column `id`.
    """
    return question("workers_of", Worker, ids=ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """A trace."""

    trace_id: str


def segments_of_run(root_id: str) -> Query[Segment]:
    """Every segment of a run.

    Args:
        root_id: The id that the run is shown under.
    """
    return question("segments_of_run", Segment, root_id=root_id)


def segments_of_project(project: str) -> Query[Segment]:
    """Every segment that a project's processes wrote.

    Args:
        project: `service.namespace`.
    """
    return question("segments_of_project", Segment, project=project)


def traces_of(ids: str) -> Query[Trace]:
    """Traces in which nothing else happened than the segments of a table.

    Args:
        ids: Name of a table with the column `id`.
    """
    return question("traces_of", Trace, ids=ids)
