"""Databases of the storage benchmark: one engine in this process, one database for each load.

The tables are made by the migrations as they ship. `typed` leaves the two raw tables out: they are
there and keep nothing, so that what is measured is the way into the typed tables alone.
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from clickhouse_connect.driver.binding import format_bind_value

from exectrail.clickhouse_http.engine import Engine
from exectrail.clickhouse_http.handle import Handle, Result
from exectrail.storage.runner import load_migrations, plan

FOLDER: Final = Path(__file__).parent
RAW: Final = ("otel_traces", "otel_logs")
LONG: Final = {"max_execution_time": "3600"}
"""What a benchmark may take longer for than a request of a user may."""


def text(name: str) -> str:
    """The statement in `NAME.sql` beside this file."""
    return (FOLDER / f"{name}.sql").read_text(encoding="utf-8")


@contextmanager
def opened(folder: Path) -> Generator[Engine]:
    """The engine over a folder, as the embedded stack opens it."""
    engine = Engine.open(folder)
    try:
        yield engine
    finally:
        engine.close()


@dataclass(frozen=True, slots=True)
class Size:
    """What a table takes on disk, in live parts."""

    table: str
    rows: int
    bytes: int
    parts: int


@dataclass(frozen=True, slots=True)
class ColumnSize:
    """What a column takes on disk, compressed, and before that, in parts that tell it by column.

    Small parts are one file, and do not.
    """

    table: str
    column: str
    rows: int
    bytes: int
    plain_bytes: int

    @property
    def per_row(self) -> float:
        """Bytes of a row."""
        return self.bytes / max(self.rows, 1)


class Store:
    """A database with our tables."""

    def __init__(self, engine: Engine, database: str) -> None:
        """Open it; it need not exist yet.

        Args:
            engine: Over the folder.
            database: Its name.
        """
        self.database = database
        self._engine = engine
        with engine.handle() as first:
            first.query(f"CREATE DATABASE IF NOT EXISTS `{database}` ENGINE = Atomic")
        self.handle = engine.handle(database=database)
        self.handle.set(LONG)
        self._asking = engine.handle(database=database, readonly=True)
        self._writers: list[Handle] = []

    def migrate(self, *, typed_only: bool = False) -> None:
        """Make the tables.

        Args:
            typed_only: The raw tables keep nothing (ENGINE = Null).
        """
        for statement in plan(load_migrations(), database=self.database):
            self.handle.query(statement)
            if typed_only and any(f" {name} " in statement[:4000] for name in RAW):
                self._keep_nothing(statement)

    def _keep_nothing(self, statement: str) -> None:
        for name in RAW:
            if f"CREATE TABLE IF NOT EXISTS {name} " in statement:
                columns = ", ".join(
                    f"`{row['name']}` {row['type']}"
                    + (f" DEFAULT {row['default']}" if row["default"] else "")
                    for row in self.rows(
                        "SELECT name, type, default_expression AS `default` FROM system.columns"
                        " WHERE database = currentDatabase() AND table = {table:String}",
                        {"table": name},
                    )
                )
                self.handle.query(f"DROP TABLE {name} SYNC")
                self.handle.query(f"CREATE TABLE {name} ({columns}) ENGINE = Null")

    def run(self, sql: str, parameters: Mapping[str, object] | None = None) -> Result:
        """Run a statement."""
        return self.handle.query(sql, "Native", _bound(parameters))

    def open_writers(self, count: int) -> None:
        """Have so many writers, each with one thread, as senders beside one another."""
        while len(self._writers) < count:
            writer = self._engine.handle(database=self.database)
            writer.set(LONG | {"max_threads": "1", "max_insert_threads": "1"})
            self._writers.append(writer)

    def insert(self, table: str, sources: Sequence[str]) -> None:
        """Insert what some questions give, an INSERT each, as many at once as there are writers."""
        waiting = deque(sources)

        def write(writer: Handle) -> None:
            while waiting:
                try:
                    source = waiting.popleft()
                except IndexError:  # another one took it
                    return
                writer.query(f"INSERT INTO {table} {source}")

        with ThreadPoolExecutor(len(self._writers)) as pool:
            for done in [pool.submit(write, writer) for writer in self._writers]:
                done.result()

    def ask(
        self,
        sql: str,
        parameters: Mapping[str, object] | None = None,
    ) -> Result:
        """Ask as a dashboard does: read-only, with the limits that the stack sets; a row is a line.

        Args:
            sql: The question.
            parameters: Values by name.

        Raises:
            ClickHouseError: The engine refused it, or stopped it at a limit.
        """
        return self._asking.query(sql, "JSONCompactEachRow", _bound(parameters))

    def rows(
        self, sql: str, parameters: Mapping[str, object] | None = None
    ) -> list[dict[str, Any]]:
        """Rows of a question."""
        settings = " SETTINGS output_format_json_quote_64bit_integers = 0"
        data = self.handle.query(sql + settings, "JSONEachRow", _bound(parameters)).data
        return [json.loads(line) for line in data.splitlines()]

    def sizes(self) -> list[Size]:
        """What each table takes on disk, largest first."""
        return [
            Size(**row)
            for row in self.rows(
                "SELECT table, sum(rows) AS rows, sum(bytes_on_disk) AS bytes, count() AS parts"
                " FROM system.parts WHERE active AND database = currentDatabase()"
                " GROUP BY table ORDER BY bytes DESC"
            )
        ]

    def columns(self, table: str) -> list[ColumnSize]:
        """What each column of a table takes on disk, largest first; indexes are not among them."""
        return [
            ColumnSize(table=table, **row)
            for row in self.rows(
                "SELECT column, sum(p.rows) AS rows,"
                " sum(column_data_compressed_bytes) AS bytes,"
                " sum(column_data_uncompressed_bytes) AS plain_bytes"
                " FROM system.parts_columns AS p"
                " WHERE active AND part_type = 'Wide' AND database = currentDatabase()"
                " AND table = {table:String}"
                " GROUP BY column ORDER BY bytes DESC",
                {"table": table},
            )
        ]

    def settle(self, patience: float) -> float:
        """Wait until the engine merges no more.

        Args:
            patience: Seconds, at most.

        Returns:
            Seconds waited.
        """
        began = time.monotonic()
        quiet = 0
        while quiet < 4 and time.monotonic() - began < patience:
            time.sleep(0.25)
            merging = self.rows(
                "SELECT count() AS n FROM system.merges WHERE database = currentDatabase()"
            )[0]["n"]
            quiet = 0 if merging else quiet + 1
        return time.monotonic() - began

    def merge(self, tables: Sequence[str]) -> None:
        """Merge tables as far as they can be: what bytes a row takes in the end."""
        for table in tables:
            self.handle.query(f"OPTIMIZE TABLE {table} FINAL")

    def drop(self) -> None:
        """Take the database away, and let go of it."""
        self.close()
        with self._engine.handle() as last:
            last.query(f"DROP DATABASE IF EXISTS `{self.database}` SYNC")

    def close(self) -> None:
        """Let go of it."""
        for writer in self._writers:
            writer.close()
        self._asking.close()
        self.handle.close()


def _bound(parameters: Mapping[str, object] | None) -> dict[str, str]:
    return {name: str(format_bind_value(value)) for name, value in (parameters or {}).items()}
