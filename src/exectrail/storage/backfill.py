"""Feeds to our views what adopted tables held before they were adopted.

A view sees what is inserted after it was made. What came before is read here through the SELECT of
the same view, piece by piece, and inserted where the view inserts. All that is kept is kept by its
identity, so to feed a row twice, or one that the view has seen, changes nothing.

When a row arrived is not known any more, so it counts as arrived at its own time; a record of a
worker that has been heard live, as late after its own time as that worker's fastest one. Else a
clock that is behind would be taken for silence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from exectrail.conventions import names
from exectrail.storage.client import Client, StorageError
from exectrail.storage.foreign import ForeignTable
from exectrail.storage.runner import Migration

STEP_ROWS: Final = 5_000_000
"""About so many rows are read by one statement; one hour is not divided."""

# Not metrics: they say that the pipeline is heard now, and nothing of what was.
_FED: Final = ("otel_logs", "otel_traces")
_HOUR_MS: Final = 3_600_000
_VIEW: Final = re.compile(
    r"CREATE MATERIALIZED VIEW IF NOT EXISTS (?P<view>\w+) \{on_cluster\}"
    r" TO (?P<target>\w+)\s[^;]*?\bAS\n"
    r"(?P<select>(?:WITH|SELECT)\b.*)",
    re.DOTALL,
)
_DELAYS: Final = (
    "LEFT JOIN (SELECT worker_id, min(delay_us) AS delay FROM workers"
    " WHERE abs(delay_us) < 86400000000 GROUP BY worker_id) AS heard ON heard.worker_id ="
    " if({resource}['{worker}'] != '', {resource}['{worker}'], {record}['{worker}'])"
)


@dataclass(frozen=True, slots=True)
class Step:
    """A piece of what is there: the rows of a table between two times.

    Attributes:
        table: Which.
        since: The earliest time in it.
        until: The first time after it.
        rows: How many rows it has, ours and others.
    """

    table: ForeignTable
    since: datetime
    until: datetime
    rows: int


def steps(
    client: Client, adopted: Mapping[str, ForeignTable], *, since: datetime, until: datetime
) -> list[Step]:
    """What is there to feed, oldest first for each table. Only reads.

    Args:
        client: Our database.
        adopted: Its tables of somebody else.
        since: The earliest time.
        until: The first time that is left out; as a rule when the tables were adopted.

    Raises:
        StorageError: The database cannot be asked.
    """
    found: list[Step] = []
    for name in _FED:
        table = adopted[name]
        if not table.keeps_rows:
            continue
        hours = client.query(
            "SELECT intDiv(toUnixTimestamp64Milli(toDateTime64(t, 3, 'UTC')),"  # noqa: S608 checked names
            f" {_HOUR_MS}) AS hour, count() AS rows"
            f" FROM (SELECT {table.time} AS t FROM {table.place} WHERE {_between(table)})"
            " GROUP BY hour ORDER BY hour",
            _bounds(since, until),
        )
        found += _in_steps(table, [(row["hour"], row["rows"]) for row in hours], until)
    return found


def feed(client: Client, migrations: Sequence[Migration], step: Step) -> None:
    """Feed the rows of a step to the views.

    Args:
        client: Our database, with all migrations applied.
        migrations: Those that made the views.
        step: Which rows.

    Raises:
        StorageError: The database refused it or cannot be reached.
    """
    table = step.table
    own_time = f"toDateTime64({table.time}, 6, 'UTC')"
    arrival = f"if({own_time} > now64(6, 'UTC'), now64(6, 'UTC'), {own_time})"
    joined = ""
    if table.name == "otel_logs":
        arrival = f"addMicroseconds({arrival}, delay)"
        joined = _DELAYS.format(
            resource="ResourceAttributes", record="LogAttributes", worker=names.WORKER_ID
        )
    rows = table.feed(received=arrival, joined=joined, where=_between(table))
    view, target, select = _view_on(table.name, migrations)
    columns = client.query(
        "SELECT name FROM system.columns"
        " WHERE database = {database:String} AND table = {view:String} ORDER BY position",
        {"database": client.database, "view": view},
    )
    names_in_order = ", ".join(column["name"] for column in columns)
    statement = f"INSERT INTO {target} ({names_in_order})\n{select.replace(_slot(table), rows)}"
    client.command(statement, _bounds(step.since, step.until))


def _in_steps(
    table: ForeignTable, hours: Sequence[tuple[int, int]], until: datetime
) -> Iterator[Step]:
    begin = 0
    total = 0
    for place, (_, rows) in enumerate(hours):
        total += rows
        last = place + 1 == len(hours)
        if last or total + hours[place + 1][1] > STEP_ROWS:
            end = until if last else _time(hours[place + 1][0])
            yield Step(table, _time(hours[begin][0]), end, total)
            begin, total = place + 1, 0


def _time(hour: int) -> datetime:
    return datetime.fromtimestamp(hour * _HOUR_MS / 1000, UTC)


def _between(table: ForeignTable) -> str:
    condition = (
        f"{table.time} >= {{since:DateTime64(6, 'UTC')}}"
        f" AND {table.time} < {{until:DateTime64(6, 'UTC')}}"
    )
    if "TimestampTime" in table.types:
        # By these whole seconds the exporter's older tables are parted and sorted.
        condition += (
            " AND TimestampTime >= toDateTime({since:DateTime64(6, 'UTC')})"
            " AND TimestampTime <= toDateTime({until:DateTime64(6, 'UTC')})"
        )
    return condition


def _bounds(since: datetime, until: datetime) -> dict[str, object]:
    return {
        name: time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
        for name, time in (("since", since), ("until", until))
    }


def _slot(table: ForeignTable) -> str:
    return f"{{{table.name}}}"


def _view_on(name: str, migrations: Sequence[Migration]) -> tuple[str, str, str]:
    """The view that feeds on a raw table: its name, its target and its SELECT with the slot."""
    for migration in reversed(migrations):
        match = _VIEW.search(migration.text)
        if match and f"{{{name}}}" in match["select"]:
            return match["view"], match["target"], match["select"]
    raise StorageError(f"no view feeds on {name}")
