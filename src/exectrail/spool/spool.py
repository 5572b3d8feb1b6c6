"""Writing a spool: a line is in the kernel's page cache when `write` returns.

Where the disk is full, read-only or away, lines stay in memory, bounded too, until it takes them
again. Where the spool grows over its limit the oldest spans go first and changes of state last;
what goes is counted.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from exectrail.guard import logger, report
from exectrail.spool.folder import ABOUT, LOCK, Folder, fcntl
from exectrail.spool.streams import DROPPED_FIRST, FILE_BYTES, Stream, file_name

LIMIT_BYTES: Final = 256 * 1024 * 1024
"""What a process's spool may take on the disk."""
MEMORY_BYTES: Final = 16 * 1024 * 1024
"""What may wait in memory where there is no disk."""
RETRY_S: Final = 5.0
"""Seconds until the disk is tried again."""
_MODE: Final = 0o600
_FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)


class _File:
    """The file that a stream is written to now, and how many lines each older one has."""

    __slots__ = ("descriptor", "lines", "number", "records", "size")

    def __init__(self) -> None:
        self.descriptor = -1
        self.number = 0
        self.size = 0
        self.records = 0
        self.lines: dict[int, int] = {}


class Spool:
    """The spool of this process. Made by `create`, or without a folder: memory alone.

    Args:
        folder: Where it is; None keeps everything in memory.
        lock: Descriptor whose lock says that this process lives.
        limit: Bytes on the disk.
        memory: Bytes in memory.
    """

    def __init__(
        self,
        folder: Folder | None = None,
        lock: int = -1,
        limit: int = LIMIT_BYTES,
        memory: int = MEMORY_BYTES,
    ) -> None:
        self.folder = folder
        self.written: Callable[[], None] = _nothing
        """Called after each line, to wake whoever ships."""
        self._descriptor = lock
        self._limit = limit
        self._most_memory = memory
        self._files = {stream: _File() for stream in Stream}
        self._memory: dict[Stream, deque[bytes]] = {stream: deque() for stream in Stream}
        self._in_memory = 0
        self._closed = False
        self._retry_at = 0.0
        # Re-entrant: a signal handler or the garbage collector may end an execution meanwhile.
        self._lock = threading.RLock()

    @classmethod
    def create(
        cls, root: Path, worker_id: str, about: Mapping[str, Any], limit: int = LIMIT_BYTES
    ) -> Spool:
        """A spool in a folder of its own.

        Args:
            root: The folder of all spools of the host (`root_folder`); made if it is not there.
            worker_id: UUIDv7 of this process.
            about: What others must know of it, for `worker.json`.
            limit: Bytes it may take.

        Raises:
            OSError: It cannot be made there.
        """
        if fcntl is None:
            raise OSError("no file locks on this system")
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Made under a hidden name and locked before it is seen: who finds it finds it alive.
        hidden = root / f".{worker_id}"
        hidden.mkdir(mode=0o700)
        lock = -1
        try:
            lock = os.open(hidden / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _MODE)
            fcntl.flock(lock, fcntl.LOCK_EX)
            text = json.dumps({"worker_id": worker_id, **about}, default=str)
            (hidden / ABOUT).write_text(text, encoding="ascii")
            hidden.rename(root / worker_id)
        except BaseException:
            if lock >= 0:
                os.close(lock)
            shutil.rmtree(hidden, ignore_errors=True)
            raise
        return cls(Folder(root / worker_id), lock, limit)

    def write(self, stream: Stream, line: bytes, records: int = 1) -> bool:
        """Keep a line.

        Args:
            stream: Where it belongs.
            line: With its end.
            records: How many spans or records it holds, for the count of what is dropped.

        Returns:
            Whether it is kept, on the disk or in memory.
        """
        with self._lock:
            if self._closed:
                report(f"spool.{stream.value}.closed")
                return False
            kept = self._to_disk(stream, line, records) or self._to_memory(stream, line, records)
        self.written()
        return kept

    def take_memory(self, stream: Stream, most: int) -> list[bytes]:
        """The oldest lines that are in memory; they stay there until `forget_memory`."""
        taken: list[bytes] = []
        with self._lock:
            for line in self._memory[stream]:
                taken.append(line)
                most -= len(line)
                if most <= 0:
                    break
        return taken

    def forget_memory(self, stream: Stream, lines: list[bytes]) -> None:
        """Those lines were delivered. Some of them may have given way to others meanwhile."""
        with self._lock:
            kept = self._memory[stream]
            for line in lines:
                if kept and kept[0] is line:
                    kept.popleft()
                    self._in_memory -= len(line)

    @property
    def in_memory(self) -> int:
        """Bytes that wait in memory."""
        return self._in_memory

    def close(self) -> None:
        """End writing. The lock is let go: what is left is for others to ship."""
        with self._lock:
            self._closed = True
            for file in self._files.values():
                _close(file.descriptor)
                file.descriptor = -1
            _close(self._descriptor)
            self._descriptor = -1

    def close_in_child(self) -> None:
        """In a forked child: let go of the parent's files, which the parent goes on with."""
        self._lock = threading.RLock()
        self.close()
        self.written = _nothing

    # -- the disk ---------------------------------------------------------------------------------

    def _to_disk(self, stream: Stream, line: bytes, records: int) -> bool:
        if self.folder is None:
            return False
        if self._retry_at:
            if time.monotonic() < self._retry_at:
                return False
            self._retry_at = 0.0
        file = self._files[stream]
        try:
            if file.descriptor < 0 or file.size + len(line) > FILE_BYTES:
                self._next_file(self.folder, stream, file)
            written = os.write(file.descriptor, line)
            if written < len(line):
                os.ftruncate(file.descriptor, file.size)
                raise OSError("the disk took a part of it")
        except OSError as error:
            self._away(file, error)
            return False
        file.size += written
        file.records += records
        return True

    def _next_file(self, folder: Folder, stream: Stream, file: _File) -> None:
        _close(file.descriptor)
        file.descriptor = -1
        self._make_room(folder)
        path = folder.path / file_name(stream, file.number + 1)
        file.descriptor = os.open(path, _FLAGS, _MODE)
        file.lines[file.number] = file.records
        file.number += 1
        file.size = file.records = 0

    def _away(self, file: _File, error: OSError) -> None:
        """The disk does not take it: memory does, and a new file is begun when it does again."""
        _close(file.descriptor)
        file.descriptor = -1
        self._retry_at = time.monotonic() + RETRY_S
        report("spool.disk")
        _say_once(error)

    def _make_room(self, folder: Folder) -> None:
        """Before a new file: remove old ones until each stream has room for one more."""
        while folder.size() + len(Stream) * FILE_BYTES > self._limit:
            for stream in DROPPED_FIRST:
                file = self._files[stream]
                numbers = [number for number in folder.numbers(stream) if number < file.number]
                if not numbers and file.number and file.descriptor < 0:
                    numbers = folder.numbers(stream)
                if numbers:
                    (folder.path / file_name(stream, numbers[0])).unlink(missing_ok=True)
                    report_many(f"spool.{stream.value}", file.lines.pop(numbers[0], 1))
                    break
            else:
                return

    # -- memory -----------------------------------------------------------------------------------

    def _to_memory(self, stream: Stream, line: bytes, records: int) -> bool:
        self._memory[stream].append(line)
        self._in_memory += len(line)
        while self._in_memory > self._most_memory:
            for given in DROPPED_FIRST:
                if self._memory[given]:
                    gone = self._memory[given].popleft()
                    self._in_memory -= len(gone)
                    report(f"spool.{given.value}")
                    if gone is line:
                        return False
                    break
        return True


def report_many(site: str, count: int) -> None:
    """Count several drops at a site."""
    for _ in range(count):
        report(site)


def _nothing() -> None:
    return None


def _close(descriptor: int) -> None:
    if descriptor >= 0:
        with contextlib.suppress(OSError):
            os.close(descriptor)


_said: set[str] = set()


def _say_once(error: OSError) -> None:
    if "disk" not in _said:
        _said.add("disk")
        logger.warning(
            "exectrail: the spool cannot be written (%s); what is not sent yet stays in memory "
            "and would be lost with the process. Said once.",
            error.strerror or type(error).__name__,
        )
