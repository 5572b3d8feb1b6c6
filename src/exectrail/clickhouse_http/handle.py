"""A handle onto the engine: statements, blocks of rows, settings.

Used by one thread at a time. chDB lets go of the GIL while it works, so handles run in parallel.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

from exectrail.clickhouse_http.errors import TOO_MANY_ROWS_OR_BYTES, ClickHouseError

RAISED: Final = (RuntimeError, UnicodeDecodeError)
"""What chDB raises. A message that it cuts inside a character fails to decode: a failed query."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a statement gave.

    Attributes:
        data: The result in the format that was asked for.
        rows_read: Rows that the engine read.
        bytes_read: Bytes that the engine read.
        rows_written: Rows that were stored, in views as well.
        bytes_written: Bytes that were stored.
        seconds: Time in the engine.
    """

    data: bytes = b""
    rows_read: int = 0
    bytes_read: int = 0
    rows_written: int = 0
    bytes_written: int = 0
    seconds: float = 0.0


class Handle:
    """One conversation with the engine: its database, settings and temporary tables."""

    def __init__(self, connection: Any, check: Callable[[], None]) -> None:
        """Wrap a connection.

        Args:
            connection: chDB's.
            check: Called before each statement; raises where the engine must not be used.
        """
        self._connection = connection
        self._check = check
        self._database = ""
        self._applied: dict[str, str] = {}
        self._before: dict[str, str] = {}

    def query(
        self,
        sql: str | bytes,
        output: str = "TabSeparated",
        parameters: Mapping[str, str] | None = None,
        *,
        limit: int = 0,
    ) -> Result:
        """Run one statement.

        Args:
            sql: The statement; bytes where it is not UTF-8.
            output: Format of the result, if the statement names none.
            parameters: Values for `{name:Type}`, escaped as in TabSeparated.
            limit: Most bytes that the formatted result may have; 0 is no limit.

        Raises:
            ClickHouseError: The engine refused or stopped it.
        """
        self._check()
        try:
            raw = self._connection.query(sql, output, params=dict(parameters or {}))
        except RAISED as error:
            raise ClickHouseError.from_engine(error) from error
        if limit and raw.size() > limit:
            raise ClickHouseError(
                TOO_MANY_ROWS_OR_BYTES,
                f"The result has {raw.size()} bytes, the limit is {limit}. Add LIMIT, ask for fewer"
                " columns, or raise the setting max_result_bytes.",
            )
        return Result(
            raw.bytes() or b"",
            raw.storage_rows_read(),
            raw.storage_bytes_read(),
            raw.rows_written(),
            raw.bytes_written(),
            raw.elapsed(),
        )

    def insert(self, head: str, source: str, chunks: Iterable[bytes]) -> Result:
        """Store rows; they are in the engine when this returns.

        Args:
            head: `INSERT INTO table (columns)`, without FORMAT.
            source: Format of the data.
            chunks: The data, in pieces of any size.

        Raises:
            ClickHouseError: The engine refused the statement or the data.
        """
        self._check()
        try:
            with self._connection.send_insert(head, source) as stream:
                for chunk in chunks:
                    stream.append(chunk)
                done = stream.finish()
        except RAISED as error:
            raise ClickHouseError.from_engine(error) from error
        return Result(
            rows_written=done.rows_written,
            bytes_written=done.bytes_written,
            seconds=done.elapsed,
        )

    def insert_blocks(self, table: str, columns: Iterable[str], blocks: Iterable[bytes]) -> Result:
        """Store rows that stand in blocks of the Native format.

        Args:
            table: Name of the table.
            columns: Names of the columns, the same in all blocks.
            blocks: The blocks.

        Raises:
            ClickHouseError: The engine refused the blocks, or there is no such table.
        """
        names = ", ".join(quote_identifier(column) for column in columns)
        return self.insert(f"INSERT INTO {quote_identifier(table)} ({names})", "Native", blocks)

    @property
    def database(self) -> str:
        """Where unqualified names lead."""
        if not self._database:
            self._database = self.query("SELECT currentDatabase()").data.decode().rstrip("\n")
        return self._database

    def use(self, database: str) -> None:
        """Lead unqualified names elsewhere.

        Raises:
            ClickHouseError: There is no such database.
        """
        self.query(f"USE {quote_identifier(database)}")
        self._database = database

    def set(self, settings: Mapping[str, str]) -> None:
        """Set these settings for good.

        Raises:
            ClickHouseError: The engine does not know a setting or refuses its value.
        """
        if settings:
            pairs = (f"{name} = {quote_string(value)}" for name, value in settings.items())
            self.query(f"SET {', '.join(pairs)}")

    def apply(self, settings: Mapping[str, str]) -> None:
        """Set these settings, and take back those of an earlier call that are not among them.

        What was set before is looked up when a name comes for the first time, so a client that
        sends the same settings with every request costs nothing.

        Raises:
            ClickHouseError: The engine does not know a setting or refuses its value.
        """
        gone = {name: self._before[name] for name in self._applied if name not in settings}
        if gone:
            self.set(gone)
            self._applied = {k: v for k, v in self._applied.items() if k not in gone}
            self._before = {k: v for k, v in self._before.items() if k not in gone}
        new = [name for name in settings if name not in self._before]
        if new:
            asked = ", ".join(f"toString(getSetting({quote_string(name)}))" for name in new)
            row = self.query(f"SELECT {asked}", "JSONCompactEachRow").data
            self._before.update(zip(new, json.loads(row), strict=True))
        changed = {k: v for k, v in settings.items() if self._applied.get(k) != v}
        self.set(changed)
        self._applied.update(changed)

    def forget(self) -> None:
        """Ask again for what is set, after a statement that may have changed it (USE, SET)."""
        self._database = ""
        self._applied.clear()
        self._before.clear()

    def close(self) -> None:
        """End the conversation; its temporary tables go."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def quote_identifier(name: str) -> str:
    """A name in backquotes."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def quote_string(text: str) -> str:
    """A string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
