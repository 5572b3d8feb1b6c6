"""The sums by hour and day that a run had a part in, written anew once the run is gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from exectrail import queries
from exectrail.retention.mentions import Search
from exectrail.rollup import Fold
from exectrail.storage.client import Client
from exectrail.storage.tables import Tables

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
    complete = {one.what: one.since for one in client.fetch(queries.fold_complete())}
    there = {table.name: table for table in tables.all()}
    behind: dict[str, Sequence[datetime]] = {}
    lasting = 0
    for what, column in _HOUR_OF.items():
        table = there[what]
        hours = list(
            tables.groups(what, f"toStartOfHour(toDateTime({column}, 'UTC'))", search.own(table))
        )
        behind[what] = [hour for hour in hours if hour >= complete[what]]
        lasting += len(hours) - len(behind[what])
    return Hours(behind, lasting)


def make_anew(client: Client, hours: Hours) -> None:
    """Write the sums of some hours, and of their days, from the rows that there are.

    Raises:
        StorageError: The database failed.
    """
    for _ in Fold(client).write_hours(hours.behind):
        pass
