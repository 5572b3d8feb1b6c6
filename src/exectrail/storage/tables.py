"""The tables as such: what a database has, how large it is, and what is done to a whole table.

Which tables and columns there are is known at run time alone, so these few statements are put
together here and not read from a file; names are quoted, values are parameters. Conditions are
expressions over columns that the callers name, never text of a user.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

from exectrail.storage.client import Client, StorageError
from exectrail.storage.cluster import LOCAL

SCRATCH: Final = "exectrail_scratch_"
"""How the names of tables begin that a command makes for itself and takes away again."""
ATTACHED: Final = "exectrail_attached"
"""A table that only databases have that were made out of files."""

_TTL: Final = re.compile(r" TTL (.+?)(?: SETTINGS |$)")
_DAYS: Final = re.compile(
    r"(?P<clock>.+?) \+ toIntervalDay\((?P<days>\d+)\)(?: (?:DELETE )?WHERE .+)?"
)
_PAUSE: Final = 0.2
"""Seconds from one look at a mutation to the next."""
# What an answer may take and hold: these are a command's whole work, not a question's.
_AT_LENGTH: Final[Mapping[str, Any]] = {"max_execution_time": 0, "max_result_bytes": 0}


@dataclass(frozen=True, slots=True)
class Table:
    """A table that stores rows.

    Attributes:
        name: Its name.
        engine: Its engine, as ClickHouse names it.
        sorting_key: Its key as an expression; empty where it has none.
        rows: Rows in its parts, those that a merge would fold counted apart.
        bytes: Size on disk.
        ttl: What stands behind TTL; empty where nothing does.
        columns: Type by name.
    """

    name: str
    engine: str
    sorting_key: str
    rows: int
    bytes: int
    ttl: str
    columns: Mapping[str, str]

    @property
    def known_as(self) -> str:
        """Its name without what a shard's part of a table has behind it."""
        return self.name.removesuffix(LOCAL)

    @property
    def folds(self) -> bool:
        """Whether rows of one identity become one, so that readers say FINAL."""
        return "Replacing" in self.engine or "Aggregating" in self.engine

    @property
    def days(self) -> int | None:
        """Days that rows are kept, or those of them that go; None for ever, or a TTL not ours."""
        found = _DAYS.fullmatch(self.ttl)
        return int(found["days"]) if found else None

    @property
    def texts(self) -> list[str]:
        """Columns that can hold text, in whatever they wrap it."""
        return [name for name, kind in self.columns.items() if "String" in kind]


def quoted(name: str) -> str:
    """A name in backquotes."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def as_text(columns: Iterable[str]) -> str:
    """The expression that writes columns of any type as one text; formatRow fails in PREWHERE."""
    return f"toString(tuple({', '.join(quoted(c) for c in columns)}))"


def row_id(table: Table) -> str:
    """The expression that makes a name for a row out of all its columns."""
    return f"hex(sipHash128({as_text(table.columns)}))"


class Tables:
    """The tables of the database that a client speaks to."""

    def __init__(self, client: Client, *, cluster: str | None = None) -> None:
        """Look at them when asked, not now.

        Args:
            client: Where they are.
            cluster: Name of the cluster that alterations go to, if there is one.
        """
        self.client = client
        self._on_cluster = f" ON CLUSTER {quoted(cluster)}" if cluster else ""

    def all(self) -> list[Table]:
        """Every table that stores rows, but scratch tables, by name.

        Raises:
            StorageError: The database cannot be asked, or has no tables of ours.
        """
        columns: dict[str, dict[str, str]] = {}
        for row in self.client.query(
            "SELECT table, name, type FROM system.columns WHERE database = currentDatabase()"
            " AND default_kind NOT IN ('ALIAS', 'MATERIALIZED') ORDER BY table, position"
        ):
            columns.setdefault(row["table"], {})[row["name"]] = row["type"]
        rows = self.client.query(
            "SELECT name, engine, engine_full, sorting_key, ifNull(total_rows, 0) AS rows,"
            " ifNull(total_bytes, 0) AS bytes FROM system.tables"
            " WHERE database = currentDatabase() AND engine LIKE '%MergeTree' ORDER BY name"
        )
        return [
            Table(
                name=row["name"],
                engine=row["engine"],
                sorting_key=row["sorting_key"],
                rows=int(row["rows"]),
                bytes=int(row["bytes"]),
                ttl=found[1] if (found := _TTL.search(row["engine_full"])) else "",
                columns=columns[row["name"]],
            )
            for row in rows
            if not row["name"].startswith(SCRATCH)
        ]

    def names(self, engine: str) -> list[str]:
        """Names of everything in the database that has this engine."""
        rows = self.client.query(
            "SELECT name FROM system.tables WHERE database = currentDatabase()"
            " AND engine = {engine:String} ORDER BY name",
            {"engine": engine},
        )
        return [row["name"] for row in rows]

    def exists(self) -> bool:
        """Whether the database is there."""
        rows = self.client.query(
            "SELECT count() AS there FROM system.databases WHERE name = {name:String}",
            {"name": self.client.database},
            use_database=False,
        )
        return int(rows[0]["there"]) > 0

    def count(
        self, table: str, condition: str = "1", parameters: Mapping[str, object] | None = None
    ) -> int:
        """Rows that meet a condition, before any folding."""
        return int(self.values(table, ["count()"], condition, parameters)[0])

    def values(
        self,
        table: str,
        expressions: Sequence[str],
        condition: str = "1",
        parameters: Mapping[str, object] | None = None,
    ) -> list[Any]:
        """Aggregates over the rows that meet a condition, before any folding."""
        wanted = ", ".join(f"{text} AS v{n}" for n, text in enumerate(expressions))
        rows = self.client.query(
            f"SELECT {wanted} FROM {quoted(table)} WHERE {condition}",  # noqa: S608 see the module
            parameters,
        )
        return [rows[0][f"v{n}"] for n in range(len(expressions))]

    def groups(
        self,
        table: str,
        expression: str,
        condition: str = "1",
        parameters: Mapping[str, object] | None = None,
    ) -> dict[Any, int]:
        """Rows by the value of an expression, in its order."""
        rows = self.client.query(
            f"SELECT {expression} AS key, count() AS rows"  # noqa: S608 see the module
            f" FROM {quoted(table)} WHERE {condition} GROUP BY key ORDER BY key",
            parameters,
        )
        return {row["key"]: int(row["rows"]) for row in rows}

    def set_ttl(self, table: str, clock: str, days: int | None) -> None:
        """Say how long rows are kept. Parts that are there are looked through in the background.

        Args:
            table: Which table.
            clock: Expression of the time that counts, a DateTime.
            days: How many; None for ever.
        """
        change = (
            "REMOVE TTL" if days is None else f"MODIFY TTL {clock} + toIntervalDay({int(days)})"
        )
        self.client.command(f"ALTER TABLE {quoted(table)}{self._on_cluster} {change}")

    def delete(
        self, table: str, condition: str, parameters: Mapping[str, object] | None = None
    ) -> None:
        """Delete rows for good: their parts are written anew without them, and that is waited for.

        Raises:
            StorageError: The engine could not; what was deleted before stays deleted.
        """
        self._mutate(table, f"DELETE WHERE {condition}", parameters)

    def clear(self, table: str, column: str, words: str, condition: str) -> None:
        """Take words out of a column in some rows, and wait for that.

        A column of any type is rewritten as text and read again, so words must be such that what
        is left is still of that type: parts of its texts.

        Args:
            table: Which table.
            column: A column that is in no key.
            words: A scratch table, with its database, that holds the words as they are spelled.
            condition: Which rows.

        Raises:
            StorageError: The engine could not.
        """
        said = f"(SELECT groupArray(id) FROM {words})"  # noqa: S608 see the module
        cleared = (
            f"arrayFold((text, word) -> replaceAll(text, word, ''), {said},"
            f" toString({quoted(column)}))"
        )
        self._mutate(table, f"UPDATE {quoted(column)} = {cleared} WHERE {condition}")

    def scratch(self, columns_of: str | None = None, column: str = "id") -> str:
        """Make a scratch table: with the columns of another, or with one of text.

        Returns:
            Its name. Whoever makes it takes it away with `drop`.
        """
        name = f"{SCRATCH}{uuid4().hex}"
        shape = f"({column} String)" if columns_of is None else f"AS {quoted(columns_of)}"
        self.client.command(
            f"CREATE TABLE {quoted(name)} {shape} ENGINE = MergeTree PARTITION BY tuple()"
            " ORDER BY tuple()"
        )
        return name

    def fill(self, table: str, values: Iterable[str], column: str = "id") -> None:
        """Put texts into a scratch table."""
        rows = [{column: value} for value in values]
        for start in range(0, len(rows), 100_000):
            self.client.insert(table, rows[start : start + 100_000])

    def fill_ids(self, target: str, table: Table, source: str, condition: str) -> None:
        """Put the names of rows into a scratch table.

        Args:
            target: The scratch table, with the column `id`.
            table: Which columns.
            source: A table with the same columns.
            condition: Which rows.
        """
        self.client.command(
            f"INSERT INTO {quoted(target)} SELECT {row_id(table)} AS id"  # noqa: S608 see the module
            f" FROM {quoted(source)} WHERE {condition}"
        )

    def drop(self, table: str, kind: str = "TABLE") -> None:
        """Take a table, or with `kind` a view, away if it is there."""
        self.client.command(f"DROP {kind} IF EXISTS {quoted(table)} SYNC")

    def drop_database(self) -> None:
        """Take the whole database away if it is there."""
        self.client.command(
            f"DROP DATABASE IF EXISTS {quoted(self.client.database)} SYNC", use_database=False
        )

    def download(
        self,
        table: Table,
        condition: str = "1",
        parameters: Mapping[str, object] | None = None,
        *,
        source: str = "",
    ) -> Iterator[bytes]:
        """Rows as a Parquet file, one row for each identity, piece by piece.

        Args:
            table: Which columns, and whether rows fold.
            condition: Which rows; it is asked before rows are folded.
            parameters: Values by name.
            source: Another table with the same columns, which does not fold.
        """
        return self.client.download(
            f"{_rows(table, condition, source)}",
            parameters,
            settings={
                **_AT_LENGTH,
                "output_format_parquet_compression_method": "zstd",
                "output_format_parquet_string_as_string": 1,
            },
        )

    def upload(self, table: str, columns: Sequence[str], data: bytes) -> None:
        """Add the rows of a Parquet file to a table; columns that it lacks get their defaults.

        They are added even if the table held the same rows before: it may have been them that
        were deleted.
        """
        settings = {**_AT_LENGTH, "insert_deduplicate": 0}
        self.client.upload(table, columns, data, settings=settings)

    def fingerprint(
        self,
        table: Table,
        condition: str = "1",
        parameters: Mapping[str, object] | None = None,
        *,
        source: str = "",
    ) -> tuple[int, str]:
        """Number of rows that `download` gives, and a checksum of them that knows no order."""
        columns = ", ".join(quoted(name) for name in table.columns)
        hashed = f"cityHash64(formatRowNoNewline('RowBinary', {columns}))"
        row = self.client.query(
            f"SELECT count() AS rows, sum({hashed}) AS total,"  # noqa: S608 see the module
            f" groupBitXor({hashed}) AS parity"
            f" FROM ({_rows(table, condition, source)})",
            parameters,
            settings=_AT_LENGTH,
        )[0]
        return int(row["rows"]), f"{int(row['total']):016x}{int(row['parity']):016x}"

    def mark_attached(self, directory: str) -> None:
        """Write down that the database is made of files, and may be dropped for that."""
        self.client.command(
            f"CREATE TABLE {ATTACHED} (directory String, at DateTime64(6, 'UTC')"
            " DEFAULT now64(6, 'UTC')) ENGINE = MergeTree ORDER BY at"
        )
        self.client.insert(ATTACHED, [{"directory": directory}])

    def never_silent(self) -> None:
        """Make the view `pipeline` say that nothing is on its way any more: all was told."""
        self.client.command(
            "CREATE OR REPLACE VIEW pipeline AS SELECT now64(6, 'UTC') AS now, false AS silent,"
            " 'ok' AS health, now AS last_canary, toDateTime64(0, 6, 'UTC') AS streak_start,"
            " toFloat64(now) AS streak_s"
        )

    def _mutate(
        self, table: str, change: str, parameters: Mapping[str, object] | None = None
    ) -> None:
        self.client.command(
            f"ALTER TABLE {quoted(table)} {change}"
            " SETTINGS mutations_sync = 0, allow_nondeterministic_mutations = 1",
            parameters,
        )
        wait(lambda: self._at_work(table))

    def _at_work(self, table: str) -> bool:
        rows = self.client.query(
            "SELECT latest_fail_reason AS failed FROM system.mutations WHERE NOT is_done"
            " AND database = currentDatabase() AND table = {table:String}",
            {"table": table},
        )
        for row in rows:
            if row["failed"]:
                raise StorageError(f"{table} could not be changed: {row['failed']}")
        return bool(rows)


def wait(at_work: Callable[[], bool]) -> None:
    """Wait for as long as something is at work."""
    while at_work():
        time.sleep(_PAUSE)


def _rows(table: Table, condition: str, source: str) -> str:
    """The SELECT of rows, one for each identity, those that the condition leaves alone.

    PREWHERE is what is asked before rows are folded, in the same words that DELETE gets: what is
    deleted is what was read. Sets come in any order out of a fold, so they are put into one.
    """
    columns = ", ".join(
        f"arraySort({quoted(name)}) AS {quoted(name)}" if "groupUniqArray" in kind else quoted(name)
        for name, kind in table.columns.items()
    )
    final = " FINAL" if table.folds and not source else ""
    return (
        f"SELECT {columns} FROM {quoted(source or table.name)}{final}"  # noqa: S608 see the module
        f" PREWHERE {condition}"
    )
