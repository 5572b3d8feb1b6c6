"""The engine: one chDB directory, opened once, by one process, and handles onto it.

chDB locks its directory, opens one directory per process, and hangs in a child that was forked
after the opening; each of these is said here in words before it happens. A handle is used by one
thread at a time; chDB lets go of the GIL while it works, so handles run in parallel.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote
from xml.sax.saxutils import escape

from exectrail.clickhouse_http.errors import TOO_MANY_ROWS_OR_BYTES, ClickHouseError

DATABASE: Final = "exectrail"
"""Where unqualified names lead; made at the opening, because `default` can hold no tables here."""
MAX_RESULT_BYTES: Final = 512 * 1024 * 1024
"""Default limit of a result, in bytes; the engine's own default stands in users.xml."""

_LOCK: Final = "lock"
_CONFIG: Final = "engine.xml"
_DATA: Final = "chdb"
_RAISED: Final = (RuntimeError, UnicodeDecodeError)
"""What chDB raises. A message that it cuts inside a character fails to decode: a failed query."""
_LOCK_PATIENCE: Final = 0.5
"""Seconds: `is_open` holds the lock for a moment, and must not make a start fail."""


class DirectoryError(Exception):
    """The directory cannot be opened; the message says what to do."""


class DirectoryTakenError(DirectoryError):
    """Another process has the directory open."""


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

    def __init__(self, connection: Any, engine: Engine) -> None:
        self._connection = connection
        self._engine = engine
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
        self._engine.check_process()
        try:
            raw = self._connection.query(sql, output, params=dict(parameters or {}))
        except _RAISED as error:
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
        self._engine.check_process()
        try:
            with self._connection.send_insert(head, source) as stream:
                for chunk in chunks:
                    stream.append(chunk)
                done = stream.finish()
        except _RAISED as error:
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


class Engine:
    """The engine over one directory. `open` makes it; `close` lets go of the directory."""

    def __init__(self, path: Path, lock: int, options: str) -> None:
        import chdb

        self.path = path
        self._lock = lock
        self._process = os.getpid()
        self._address = f"{path / _DATA}?{options}"
        self._connect = chdb.connect
        # The engine lives as long as one handle does.
        self._root = Handle(self._connect(self._address), self)
        self.version = self._read("SELECT version()")
        self.timezone = self._read("SELECT timezone()")

    @classmethod
    def open(cls, path: Path) -> Engine:
        """Open a directory, making it if need be.

        Args:
            path: The directory. Nothing else may be in it but what the stack puts there.

        Raises:
            DirectoryTakenError: Another process has it open.
            DirectoryError: It cannot be made, written or read, or its name does not do.
        """
        path = path.expanduser().absolute()
        if any(sign in str(path) for sign in "?&"):
            raise DirectoryError(
                f"{path}: the engine cannot open a path with ? or &; choose another"
            )
        try:
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = _take_lock(path)
        except OSError as error:
            raise DirectoryError(
                f"{path} cannot be used ({error.strerror}). Choose another with --path."
            ) from error
        try:
            engine = cls(path, lock, f"config-file={quote(str(_write_config(path)))}")
        except (*_RAISED, OSError) as error:
            os.close(lock)
            raise DirectoryError(
                f"The engine cannot open {path}: {_reason(error)}. If another program has it"
                " open, stop that; else move the directory away, or choose another with --path."
            ) from error
        engine._prepare()
        return engine

    def _prepare(self) -> None:
        # Without its configuration the engine grants everything, files and processes included.
        if self._read("SELECT getSetting('max_result_bytes')") != str(MAX_RESULT_BYTES):
            self.close()
            raise DirectoryError(
                f"The engine did not take its access rules from {self.path / _CONFIG}, and does not"
                " run without them. Choose another directory with --path."
            )
        self._root.query(f"CREATE DATABASE IF NOT EXISTS {DATABASE} ENGINE = Atomic")

    def handle(self, *, readonly: bool = False, database: str = DATABASE) -> Handle:
        """Start a conversation.

        Args:
            readonly: It may read and change settings, and nothing can make it write
                (ClickHouse's `readonly=2`).
            database: Where unqualified names lead.

        Raises:
            ClickHouseError: There is no such database.
        """
        self.check_process()
        handle = Handle(self._connect(self._address + ("&readonly=2" if readonly else "")), self)
        try:
            handle.use(database)
        except ClickHouseError:
            handle.close()
            raise
        return handle

    def check_process(self) -> None:
        """Refuse to work in a forked child, where the engine would hang.

        Raises:
            DirectoryError: This is another process than the one that opened the directory.
        """
        if os.getpid() != self._process:
            raise DirectoryError(
                f"The engine was opened by process {self._process} and does not survive a fork;"
                " open it in the process that uses it."
            )

    def close(self) -> None:
        """Let go of the directory. Handles must be closed before."""
        self._root.close()
        os.close(self._lock)

    def _read(self, sql: str) -> str:
        return self._root.query(sql).data.decode().strip()


def is_open(path: Path) -> bool:
    """Whether some process has the directory open. Takes nothing and changes nothing."""
    try:
        descriptor = os.open(path / _LOCK, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def quote_identifier(name: str) -> str:
    """A name in backquotes."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def quote_string(text: str) -> str:
    """A string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _reason(error: Exception) -> str:
    # The rest is a trace of the engine's own frames.
    first = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return first.partition(", Stack trace")[0].rstrip(". ")


def _take_lock(path: Path) -> int:
    descriptor = os.open(path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + _LOCK_PATIENCE
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() < deadline:
                time.sleep(0.02)
                continue
            os.close(descriptor)
            raise DirectoryTakenError(
                f"{path} is open in another process. `exectrail status --path {path}` shows it,"
                f" `exectrail down --path {path}` stops it; or choose another with --path."
            ) from error
        return descriptor


def _write_config(path: Path) -> Path:
    users = resources.files("exectrail.clickhouse_http") / "users.xml"
    # Half of the memory: the stack runs beside the programs that it watches. The directories do
    # not exist: nothing is read from the user's files. The engine takes only absolute paths.
    text = f"""\
<!-- Written at each start. -->
<clickhouse>
    <users_config>{escape(str(users))}</users_config>
    <user_files_path>/nonexistent/files/</user_files_path>
    <user_scripts_path>/nonexistent/scripts/</user_scripts_path>
    <format_schema_path>/nonexistent/schemas/</format_schema_path>
    <max_server_memory_usage_to_ram_ratio>0.5</max_server_memory_usage_to_ram_ratio>
    <mark_cache_size>268435456</mark_cache_size>
    <background_pool_size>4</background_pool_size>
</clickhouse>
"""
    file = path / _CONFIG
    file.write_text(text, encoding="utf-8")
    return file
