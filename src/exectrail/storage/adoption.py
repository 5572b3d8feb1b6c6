"""Adoption: raw tables that somebody else made take the place of ours, and stay as they are.

Ours stand in a database of their own, beside. There, the views that feed our typed tables hang on
the foreign tables, and plain views stand under the names of the raw tables for whoever reads those.
Nothing is made, changed or written in the database of the foreign tables, and to drop ours ends it.
Which tables were adopted is kept in a table of ours, so that a later `migrate apply` goes on so.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from exectrail.storage.client import Client, StorageError
from exectrail.storage.foreign import ForeignTable, Origin, inspect
from exectrail.storage.raw_columns import MADE_BY_US, WANTED

TABLE = "exectrail_adopted"


def remembered(client: Client) -> Origin | None:
    """What a database of ours has adopted; None where the raw tables are its own. Only reads.

    Raises:
        StorageError: The database cannot be asked.
    """
    if not _is_there(client):
        return None
    rows = client.query(
        "SELECT name, argMax(origin, adopted_at) AS origin, argMax(source, adopted_at) AS source"  # noqa: S608 checked names
        f" FROM `{client.database}`.{TABLE} GROUP BY name",
        use_database=False,
    )
    if not rows:
        return None
    sources = {row["name"]: row["source"] for row in rows}
    return Origin(rows[0]["origin"], {name: sources[name] for name in WANTED if name in sources})


def adopted_at(client: Client) -> datetime:
    """When a database adopted its tables, by the clock of the store.

    Raises:
        StorageError: The database cannot be asked.
    """
    return client.query(f"SELECT min(adopted_at) AS at FROM {TABLE}")[0]["at"]  # noqa: S608 ours


def choose(client: Client, wanted: Origin | None, *, has_own: bool) -> Origin | None:
    """Which tables to adopt, by what is wanted and what was done before. Only reads.

    Args:
        client: Our database; it need not exist yet.
        wanted: What to adopt, if that was asked for.
        has_own: Whether our database has raw tables of its own.

    Raises:
        StorageError: What is wanted does not fit what was done before.
    """
    before = remembered(client)
    if wanted is None or wanted == before:
        return before
    if before is not None:
        places = ", ".join(f"{before.database}.{table}" for table in before.tables.values())
        raise StorageError(
            f"Database '{client.database}' has adopted others already: {places}. To change over,"
            " adopt into a new database (--database), or drop this one first."
        )
    if wanted.database == client.database:
        raise StorageError(
            f"Tables are adopted from beside: '{client.database}' is to hold what exectrail makes,"
            " and theirs stay alone in their database. Name another with --database."
        )
    if has_own:
        raise StorageError(
            f"Database '{client.database}' has raw tables of its own. Adopt into another one:"
            f" --database NAME --adopt --otel-database {wanted.database}"
        )
    return wanted


def look(client: Client, origin: Origin) -> dict[str, ForeignTable]:
    """The tables to adopt, all of them readable. Only reads.

    Raises:
        StorageError: One cannot be adopted; the message says of each why, and what to do.
    """
    found = inspect(client, origin)
    problems = [problem for table in found.values() for problem in table.problems]
    if problems:
        raise StorageError("\n".join(["These tables cannot be adopted:", *problems]))
    return found


def remember(origin: Origin) -> Iterator[str]:
    """The statements that write down what was adopted."""
    yield (
        f"CREATE TABLE IF NOT EXISTS {TABLE} (name String, origin String, source String,"
        " adopted_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC'))"
        " ENGINE = ReplacingMergeTree(adopted_at) ORDER BY name"
    )
    values = ", ".join(
        f"('{name}', '{origin.database}', '{table}')" for name, table in origin.tables.items()
    )
    yield f"INSERT INTO {TABLE} (name, origin, source) VALUES {values}"  # noqa: S608 checked names


def refuse_foreign(client: Client) -> None:
    """Stop where raw tables that are not ours stand in our database. Only reads.

    Raises:
        StorageError: There are such.
    """
    rows = client.query(
        "SELECT table FROM system.columns WHERE database = {database:String}"
        " AND startsWith(table, 'otel_') AND name IN ('ServiceName', {mark:String})"
        " GROUP BY table HAVING NOT has(groupArray(name), {mark:String}) ORDER BY table",
        {"database": client.database, "mark": MADE_BY_US},
        use_database=False,
    )
    if rows:
        names = ", ".join(row["table"] for row in rows)
        raise StorageError(
            f"Database '{client.database}' has tables that somebody else made: {names}. To read"
            " them as they are, let exectrail have a database of its own beside:"
            f" exectrail migrate apply --database NAME --adopt --otel-database {client.database}"
        )


def _is_there(client: Client) -> bool:
    rows = client.query(
        "SELECT count() AS tables FROM system.tables"
        " WHERE database = {database:String} AND name = {name:String}",
        {"database": client.database, "name": TABLE},
        use_database=False,
    )
    return int(rows[0]["tables"]) > 0
