"""Which rows of a table a batch takes into files, and which of them may leave the table then.

Time is when the store received a row, by its own clock: what was received before a time that has
passed does not change any more, so that what is deleted is what was written, however long either
takes. Rows without an identity are besides compared with what the files hold (`holding`). Runs go
whole: those that are not over stay, with all their rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from exectrail.conventions import names
from exectrail.retention.purposes import Role, purpose_of
from exectrail.storage.retention import clock_of
from exectrail.storage.tables import Table, quoted

RAW_MAPS = {"otel_traces": "SpanAttributes", "otel_logs": "LogAttributes"}
"""The column of a raw table in which a row names its execution."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Scratch tables, each with a column `id`.

    Attributes:
        segments: Segments of runs that stay.
        workers: Processes that wrote them.
    """

    segments: str
    workers: str


@dataclass(frozen=True, slots=True)
class Selection:
    """Conditions over the rows of a table, with the parameter `before`.

    Attributes:
        archived: Which rows are written; where rows have no identity, but for those that files
            hold already.
        dropped: Which rows may be deleted then, if a file holds them; empty where all stay.
        month: Expression of the month under which a row is filed, as a number like 202603; 0 for
            what has none.
    """

    archived: str
    dropped: str
    month: str


def archivable(tables: Sequence[Table]) -> list[Table]:
    """Tables whose rows are history and have a time, and what their sums are made with."""
    return [
        table
        for table in tables
        if (role := purpose_of(table.known_as).role) is Role.RATES
        or (role not in (Role.OWN, Role.ROLLUP) and clock_of(table))
    ]


def received(table: Table) -> str:
    """The time at which the store received a row, as a DateTime64."""
    return f"toDateTime64({clock_of(table)}, 6, 'UTC')"


def select(table: Table, kept: Kept) -> Selection:
    """The conditions for a table."""
    if purpose_of(table.known_as).role is Role.RATES:
        return Selection("1", "", "0")
    old = f"{received(table)} < {{before:DateTime64(6, 'UTC')}}"
    filed = next((name for name in ("created", "ts") if name in table.columns), clock_of(table))
    month = f"toYYYYMM({filed})"
    stays = f"NOT IN (SELECT id FROM {quoted(kept.segments)})"  # noqa: S608 a name of ours
    if table.name == "workers":
        # Those that live on are written besides: what they did before belongs to runs that go.
        gone = f"worker_id NOT IN (SELECT id FROM {quoted(kept.workers)})"  # noqa: S608
        return Selection(
            "first_received < {before:DateTime64(6, 'UTC')}", f"{old} AND {gone}", month
        )
    if not table.folds:
        # Nothing says that two rows are one: each is written once, also of runs that stay.
        attributes = RAW_MAPS.get(table.name)
        owner = f" AND {attributes}['{names.EXECUTION_ID}'] {stays}" if attributes else ""
        return Selection(old, f"{old}{owner}", month)
    owner = next((name for name in ("execution_id", "segment_id") if name in table.columns), "")
    whole = f"{old} AND {owner} {stays}" if owner else old
    return Selection(whole, whole, month)


def moment(time: datetime) -> str:
    """A time as ClickHouse reads a parameter of DateTime64."""
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
