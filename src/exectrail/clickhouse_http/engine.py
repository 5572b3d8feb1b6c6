"""The engine: one chDB directory, opened once, by one process, and handles onto it.

chDB locks its directory, opens one directory per process, and hangs in a child that was forked
after the opening; each of these is said here in words before it happens.
"""

from __future__ import annotations

import fcntl
import os
import time
from importlib import resources
from pathlib import Path
from typing import Final
from urllib.parse import quote
from xml.sax.saxutils import escape

from exectrail.clickhouse_http.errors import ClickHouseError
from exectrail.clickhouse_http.handle import RAISED, Handle

DATABASE: Final = "exectrail"
"""Where unqualified names lead; made at the opening, because `default` can hold no tables here."""
MAX_RESULT_BYTES: Final = 512 * 1024 * 1024
"""Default limit of a result, in bytes; the engine's own default stands in users.xml."""

_LOCK: Final = "lock"
_CONFIG: Final = "engine.xml"
_DATA: Final = "chdb"
_LOCK_PATIENCE: Final = 0.5
"""Seconds: `is_open` holds the lock for a moment, and must not make a start fail."""


class DirectoryError(Exception):
    """The directory cannot be opened; the message says what to do."""


class DirectoryTakenError(DirectoryError):
    """Another process has the directory open."""


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
        self._root = Handle(self._connect(self._address), self.check_process)
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
        except (*RAISED, OSError) as error:
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
        address = self._address + ("&readonly=2" if readonly else "")
        handle = Handle(self._connect(address), self.check_process)
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
