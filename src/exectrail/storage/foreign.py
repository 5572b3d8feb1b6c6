"""Raw tables that somebody else made: what they are, and how to read them.

The collector's exporter has made its tables in several ways over its versions, and others make
them too. Which columns a table has, and of which types, is looked up; each is then read so that
our views find what they find in a table of ours. The tables themselves stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from exectrail.storage.client import Client, StorageError
from exectrail.storage.raw_columns import MADE_BY_US, WANTED, reading

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")

DEFAULT_TABLES: Mapping[str, str] = {wanted.option: name for name, wanted in WANTED.items()}
"""What the exporter calls them, by the word that stands for each on the command line."""


@dataclass(frozen=True)
class Origin:
    """Where the tables of somebody else are.

    Attributes:
        database: Their database.
        tables: Their names, by the raw table of ours whose place each takes.
    """

    database: str
    tables: Mapping[str, str]

    @classmethod
    def named(cls, database: str, renamed: Mapping[str, str] | None = None) -> Origin:
        """As on the command line.

        Args:
            database: Their database.
            renamed: Names that are not the exporter's own, by `traces`, `logs` or `gauges`.

        Raises:
            StorageError: A word or a name is none.
        """
        renamed = dict(renamed or {})
        if unknown := renamed.keys() - DEFAULT_TABLES.keys():
            words = ", ".join(DEFAULT_TABLES)
            raise StorageError(f"'{sorted(unknown)[0]}' is none of the tables: {words}")
        tables = {name: renamed.get(wanted.option, name) for name, wanted in WANTED.items()}
        for name in (database, *tables.values()):
            if not _IDENTIFIER.fullmatch(name):
                raise StorageError(f"'{name}' is not a name of a database or table")
        return cls(database, tables)

    @classmethod
    def of(cls, found: Mapping[str, ForeignTable]) -> Origin:
        """Where tables that were looked up are; they are of one database."""
        (database,) = {table.database for table in found.values()}
        return cls(database, {name: table.table for name, table in found.items()})


@dataclass(frozen=True)
class ForeignTable:
    """A table of somebody else in the place of a raw table of ours.

    Attributes:
        name: The raw table of ours.
        database: Its database.
        table: Its name.
        engine: Its engine; empty where it is not there.
        types: Its columns that hold data, with their types.
        problems: Why it cannot be read, and what to do; empty where it can.
        notes: What to know of it.
    """

    name: str
    database: str
    table: str
    engine: str = ""
    types: Mapping[str, str] = field(default_factory=dict[str, str])
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def keeps_rows(self) -> bool:
        """Whether what was inserted can be read again."""
        return self.engine != "Null"

    @property
    def time(self) -> str:
        """The column with a row's own time."""
        return WANTED[self.name].time

    @property
    def place(self) -> str:
        """Its name in SQL."""
        return f"`{self.database}`.`{self.table}`"

    def feed(self, *, received: str | None = None, joined: str = "", where: str = "") -> str:
        """What a view of ours feeds on in the place of a table, as it stands behind FROM.

        ClickHouse looks for the table to wait for through such a subquery, and evaluates now64()
        once for each block that is inserted: that is the store's clock on its arrival.

        Args:
            received: In place of the store's clock, the time of arrival.
            joined: What is joined to the table for that.
            where: A condition, for rows that are there already.
        """
        arrival = MADE_BY_US if MADE_BY_US in self.types else "now64(9, 'UTC')"
        columns = [*self._wanted(), _as(received or arrival, MADE_BY_US)]
        source = " ".join([self.place, joined]).rstrip()
        condition = f"\n    WHERE {where}" if where else ""
        selected = _list(columns)
        return f"(\n    SELECT {selected}\n    FROM {source}{condition}\n)"  # noqa: S608 checked names

    def view(self, name: str) -> str:
        """A view of ours for whoever looks for the raw table: all its columns and what it lacks.

        When a row arrived is not known here: its own time stands in.
        """
        wanted = list(self._wanted())
        covered = {column.name for column in WANTED[self.name].columns} | {MADE_BY_US}
        others = [f"`{column}`" for column in self.types if column not in covered]
        arrival = MADE_BY_US if MADE_BY_US in self.types else self.time
        columns = [*wanted, *others, _as(arrival, MADE_BY_US)]
        return f"CREATE OR REPLACE VIEW {name} AS\nSELECT {_list(columns)}\nFROM {self.place}"

    def _wanted(self) -> Iterator[str]:
        for column in WANTED[self.name].columns:
            there = self.types.get(column.name)
            expression = reading(column, there) if there else column.instead
            assert expression is not None, f"{column.name} of {self.place} was not checked"
            yield _as(expression, column.name)


def inspect(client: Client, origin: Origin) -> dict[str, ForeignTable]:
    """Look tables up; only reads. What is wrong with each stands in its `problems`.

    Args:
        client: Where they are; any of its databases will do.
        origin: Which.

    Raises:
        StorageError: The database cannot be asked.
    """
    names = list(origin.tables.values())
    engines = {
        row["name"]: (row["engine"], row["engine_full"])
        for row in client.query(
            "SELECT name, engine, engine_full FROM system.tables"
            " WHERE database = {database:String} AND name IN {names:Array(String)}",
            {"database": origin.database, "names": names},
            use_database=False,
        )
    }
    types: dict[str, dict[str, str]] = {name: {} for name in names}
    for row in client.query(
        "SELECT table, name, type FROM system.columns"
        " WHERE database = {database:String} AND table IN {names:Array(String)}"
        " AND default_kind IN ('', 'DEFAULT') ORDER BY table, position",
        {"database": origin.database, "names": names},
        use_database=False,
    ):
        types[row["table"]][row["name"]] = row["type"]
    found: dict[str, ForeignTable] = {}
    for name, table in origin.tables.items():
        place = f"{origin.database}.{table}"
        if table not in engines:
            problem = (*_missing(client, place, name),)
            found[name] = ForeignTable(name, origin.database, table, problems=problem)
            continue
        engine, full = engines[table]
        problems = (
            *_engine_problems(place, engine, full),
            *_column_problems(name, place, types[table]),
        )
        notes = (*_notes(place, engine),)
        found[name] = ForeignTable(
            name, origin.database, table, engine, types[table], problems, notes
        )
    return found


def _missing(client: Client, place: str, name: str) -> Iterator[str]:
    wanted = WANTED[name]
    rows = client.query(
        "SELECT concat(database, '.', table) AS place FROM system.columns"
        " WHERE name IN {names:Array(String)} AND database NOT IN ('system', {own:String})"
        " GROUP BY database, table HAVING count() = length({names:Array(String)}) ORDER BY place",
        {
            "names": [column.name for column in wanted.columns if column.instead is None],
            "own": client.database,
        },
        use_database=False,
    )
    like = ", ".join(row["place"] for row in rows)
    hint = f" What looks like it: {like}." if like else ""
    yield (
        f"{place} is not there.{hint} Name the right one with --otel-database and"
        f" --tables {wanted.option}=NAME; the exporter makes its tables when it starts."
    )


def _engine_problems(place: str, engine: str, full: str) -> Iterator[str]:
    if engine == "Distributed":
        yield (
            f"{place} is Distributed: a view on it sees only what is inserted by way of this node."
            f" The rows stand in the local tables behind it ({full.partition(' SETTINGS')[0]});"
            " adopting those of a whole cluster is not offered. Send to tables of ours beside yours"
            " instead (collector/existing.yaml)."
        )
    elif engine != "Null" and not engine.endswith("MergeTree"):
        yield (
            f"{place} is a {engine}: views feed on tables that rows are inserted into, of the"
            " MergeTree family or Null. Name the table that your collector writes to."
        )


def _column_problems(name: str, place: str, types: Mapping[str, str]) -> Iterator[str]:
    missing = [c.name for c in WANTED[name].columns if c.instead is None and c.name not in types]
    if missing:
        yield (
            f"{place} has no column {', '.join(missing)}. It is not of the shape that the"
            " collector's clickhouseexporter makes."
        )
    told_of_json = False
    for column in WANTED[name].columns:
        there = types.get(column.name)
        if there is None or reading(column, there) is not None:
            continue
        if there.startswith(("JSON", "Object(")):
            if not told_of_json:
                yield (
                    f"{place} keeps {column.name} as JSON (the exporter's `json: true`), where a"
                    " number is no text and a dot is a level; exectrail reads maps only. Let a"
                    " second exporter without `json` write to tables of ours"
                    " (collector/existing.yaml)."
                )
            told_of_json = True
        else:
            yield f"{place} has {column.name} of type {there}, which is no {column.kind}."


def _notes(place: str, engine: str) -> Iterator[str]:
    if engine == "Null":
        yield (
            f"{place} keeps nothing (Null): there is nothing to backfill, and no log line to show."
        )
    if engine.startswith("Replicated"):
        yield (
            f"{place} is replicated: a view sees what is inserted at the node it was made on, and"
            " not what comes from another replica. Let all collectors insert at this node."
        )


def _as(expression: str, name: str) -> str:
    return name if expression == name else f"{expression} AS {name}"


def _list(columns: list[str]) -> str:
    return ",\n        ".join(columns)
