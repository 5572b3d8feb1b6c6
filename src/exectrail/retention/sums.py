"""The sums by hour and day that a run had a part in, written anew once the run is gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from exectrail import queries
from exectrail.retention.mentions import Search
from exectrail.rollup.fold import HOURS_AT_ONCE
from exectrail.storage.client import Client
from exectrail.storage.tables import Table, Tables

_HOUR_OF: Final = {"runs": "made", "usage": "ts"}
"""What sums are made of, and the column that files its rows."""


@dataclass(frozen=True, slots=True)
class Hours:
    """Hours (UTC) whose sums a subject has a part in.

    Attributes:
        behind: By what the sums are made of; these are made anew.
        lasting: How many more there are of which other rows were archived or have grown too old:
            their sums cannot be made of what is left, and stay as they are.
    """

    behind: dict[str, Sequence[datetime]]
    lasting: int


def hours_of(client: Client, search: Search) -> Hours:
    """Look before the rows go.

    Raises:
        StorageError: The database cannot be asked.
    """
    tables = Tables(client)
    there = {table.name: table for table in tables.all()}
    behind: dict[str, Sequence[datetime]] = {}
    lasting = 0
    for what, column in _HOUR_OF.items():
        table = there[what]
        hours = list(
            tables.groups(what, f"toStartOfHour(toDateTime({column}, 'UTC'))", search.own(table))
        )
        complete = _complete_since(tables, table)
        behind[what] = [hour for hour in hours if hour >= complete]
        lasting += len(hours) - len(behind[what])
    return Hours(behind, lasting)


def make_anew(client: Client, hours: Hours) -> None:
    """Write the sums of some hours, and of their days, from the rows that there are.

    Raises:
        StorageError: The database failed.
    """
    [begins] = client.fetch(queries.fold_begins())
    for what, behind in hours.behind.items():
        for start in range(0, len(behind), HOURS_AT_ONCE):
            some = behind[start : start + HOURS_AT_ONCE]
            for statement in queries.fold_rollups(what, some, begins.now):
                client.command(statement.sql, statement.parameters)


def _complete_since(tables: Tables, table: Table) -> datetime:
    """From when on all rows of a table are there: none was archived and none is too old."""
    dropped: datetime = tables.values(
        "archives",
        ["max(before)"],
        "dropped = 1 AND table_name = {name:String}",
        {"name": table.name},
    )[0]
    if table.days is None:
        return dropped
    return max(dropped, datetime.now(UTC) - timedelta(days=table.days))
