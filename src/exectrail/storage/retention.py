"""How long tables keep their rows: what the migrations say, and what was set otherwise.

The setting itself is the TTL of the table. It is written down besides, so that a migration that
makes a table anew does not undo it: `restore` runs after each application.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from exectrail.storage.client import Client
from exectrail.storage.tables import Table, Tables

SETTINGS: Final = "retention_settings"

_CREATE: Final = re.compile(
    r"CREATE TABLE IF NOT EXISTS (?P<name>\w+)(?P<rest>.*?)(?=CREATE TABLE|\Z)", re.DOTALL
)
_TTL: Final = re.compile(r"^TTL (?P<clock>.+?) \+ toIntervalDay\((?P<days>\d+)\)", re.MULTILINE)
_CLOCKS: Final = ("Received", "received", "time", "computed", "folded")
"""Columns with a time of the store's own clock, of which a table has one."""


def defaults(texts: Iterable[str]) -> dict[str, int | None]:
    """Days that migrations say, by table; None for ever.

    Args:
        texts: The files, in order; of a table that stands in several, the last one counts.
    """
    found: dict[str, int | None] = {}
    for text in texts:
        for made in _CREATE.finditer(text):
            if "MergeTree" in made["rest"]:
                ttl = _TTL.search(made["rest"])
                found[made["name"]] = int(ttl["days"]) if ttl else None
    return found


def clock_of(table: Table) -> str:
    """The column whose time says how old a row is; empty where a table has none."""
    return next((name for name in _CLOCKS if name in table.columns), "")


def remembered(client: Client) -> dict[str, int | None]:
    """What was set, by table: days, or None for ever."""
    rows = client.query("SELECT table_name, days FROM retention_settings FINAL ORDER BY table_name")
    return {row["table_name"]: int(row["days"]) or None for row in rows}


def keep(tables: Tables, table: Table, days: int | None) -> None:
    """Keep the rows of a table for so long from now on, after upgrades too."""
    tables.set_ttl(table.name, f"toDateTime({clock_of(table)})", days)
    tables.client.insert(SETTINGS, [{"table_name": table.known_as, "days": days or 0}])


def restore(client: Client, *, cluster: str | None = None) -> list[str]:
    """Set again what was set and is not in force.

    Returns:
        Names of the tables where that was needed.
    """
    tables = Tables(client, cluster=cluster)
    there = {table.known_as: table for table in tables.all()}
    if SETTINGS not in there:
        return []
    lost = {
        name: days
        for name, days in remembered(client).items()
        if name in there and clock_of(there[name]) and there[name].days != days
    }
    for name, days in lost.items():
        table = there[name]
        tables.set_ttl(table.name, f"toDateTime({clock_of(table)})", days)
    return list(lost)
