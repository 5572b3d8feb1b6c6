"""A process that announced itself: who it is, whether it lives, and what is told of it."""

from __future__ import annotations

import contextlib
import os
import select
import time
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exectrail.config import MAX_LEASE, Config
from exectrail.conventions import names
from exectrail.spool import Folder, LogLines
from exectrail.spool.folder import LOCK
from exectrail.supervisor.endings import UNKNOWN, Ending, is_same, of_stranger

if TYPE_CHECKING:
    from exectrail.resources import Usage

FIRST_SEQUENCE = 2**31
"""What a supervisor says of a worker counts from here, far from the worker's own."""
BEATS_PER_LEASE = 3
CLOSED_S = 2.0
"""A process that let go of its lock is about to end, or became another program by exec."""
MEASURED_AFTER_S = 1.0
"""Seconds until a process is measured again; then half its age, and a beat at most. So of one that
is killed the last third of its life is not known, and a beat at most."""


class Worker:
    """A worker of ours.

    Args:
        folder: Its spool.
        about: What its `worker.json` says.
        version: Of exectrail, for the instrumentation scope.
        child: Id of the program, which is not another's before we have reaped it.
    """

    def __init__(
        self, folder: Folder, about: Mapping[str, Any], version: str, child: int = 0
    ) -> None:
        self.folder = folder
        self.about = about
        resource = about.get("resource")
        self.lines = LogLines(resource if isinstance(resource, dict) else {}, version)
        said = about.get("pid")
        is_child = isinstance(said, int) and said == child
        self.pid = child if is_child else _holder(said, folder.path / LOCK)
        """Its process id as we see it; 0 where that is not to be known."""
        self.pidfd = _open(self.pid)
        self.oom_counter: Path | None = None
        self.ended_at = 0.0
        """`time.monotonic()` of when it was seen to have ended; 0 while it lives."""
        self.told = False
        """Whether its end was told."""
        self._closed_at = 0.0
        self._closing_told = False
        self._sequence = count(FIRST_SEQUENCE)
        lease = about.get("lease")
        usable = isinstance(lease, (int, float)) and 0 < lease <= MAX_LEASE
        self._interval = (float(lease) if usable and lease else Config().lease) / BEATS_PER_LEASE
        self.beat_at = 0.0
        """`time.monotonic()` of its next heartbeat."""
        self.measure_at = 0.0
        """`time.monotonic()` of when it is to be measured next."""
        self._met_at = time.monotonic()
        self._used: Usage | None = None
        if (
            not is_child and not folder.alive()
        ):  # it ended before we looked: its id may be another's by now
            self.forget_process()
            self.pid = said if isinstance(said, int) else 0

    @property
    def closed(self) -> bool:
        """Whether it let go of its spool, though its process may still be there."""
        return self._closed_at > 0

    def look(self, thoroughly: bool) -> bool:
        """Whether it has ended. Looks at the process, else at its lock.

        Args:
            thoroughly: Look at the lock in any case.
        """
        if self.ended_at:
            return True
        now = time.monotonic()
        look_at_lock = thoroughly or self.pidfd < 0
        if look_at_lock and not self._closed_at and not self.folder.alive():
            self._closed_at = now
        ended = bool(self._closed_at) if self.pidfd < 0 else _readable(self.pidfd)
        if ended:
            self.ended_at = now
        return ended

    def became_another(self) -> bool:
        """Whether it seems to have become another program; said once."""
        late = self._closed_at and time.monotonic() - self._closed_at > CLOSED_S
        if self.ended_at or not late or self._closing_told:
            return False
        self._closing_told = True
        return True

    def ending(self, of_child: Ending | None) -> Ending:
        """How it ended, as far as that is known by now.

        Args:
            of_child: What we know as its parent.
        """
        if of_child is not None:
            return of_child
        return of_stranger(self.pid, self.pidfd) if self.pidfd >= 0 else UNKNOWN

    def beat(self) -> bytes:
        """A heartbeat; the next one is due a third of the lease later."""
        self.beat_at = time.monotonic() + self._interval
        return self._event(names.EVENT_WORKER_HEARTBEAT, self._usage())

    def exited(self, ending: Ending, oom: bool | None) -> bytes:
        """Its end.

        Args:
            ending: How.
            oom: Whether for want of memory; None where nobody knows.
        """
        attributes = self._usage()
        if ending.code is not None:
            attributes[names.WORKER_EXIT_CODE] = ending.code
        if ending.killed_by is not None:
            attributes[names.WORKER_SIGNAL] = ending.signal_name
        if oom is not None:
            attributes[names.WORKER_OOM] = oom
        return self._event(names.EVENT_WORKER_EXITED, attributes)

    def measure(self, told: Usage | None = None) -> None:
        """Note what it has used by now, in its life.

        Args:
            told: All that it used, where that is known; else we look. What has ended but was not
                collected yet can still be looked at, but for its memory.
        """
        from exectrail.resources import process_usage

        now = time.monotonic()
        age = now - self._met_at
        self.measure_at = now + min(self._interval, max(MEASURED_AFTER_S, age / 2))
        with contextlib.suppress(OSError):
            if told is None and self.pidfd >= 0:
                told = process_usage(self.pid)
                if not is_same(self.pid, self.pidfd):  # collected, perhaps before we looked
                    told = None
        if told is not None:
            # It only ever grows; a look at the end may know less than one before.
            self._used = told if self._used is None else _greatest(self._used, told)

    def forget_process(self) -> None:
        """Let go of its descriptor."""
        if self.pidfd >= 0:
            os.close(self.pidfd)
        self.pidfd = -1

    def _usage(self) -> dict[str, Any]:
        used = self._used
        if used is None:
            return {}
        figures = {
            names.RESOURCE_CPU_TIME: used.cpu_seconds,
            names.RESOURCE_MEMORY_PEAK: used.memory_peak_bytes,
            names.RESOURCE_DISK_READ: used.disk_read_bytes,
            names.RESOURCE_DISK_WRITE: used.disk_write_bytes,
        }
        return {name: figure for name, figure in figures.items() if figure is not None}

    def _event(self, name: str, attributes: Mapping[str, Any]) -> bytes:
        about = {
            names.WORKER_SEQUENCE: next(self._sequence),
            **attributes,
            names.EVENT_NAME: name,
        }
        return self.lines.line(name, time.time_ns(), names.EVENT_SEVERITY[name], about)


def _greatest(one: Usage, other: Usage) -> Usage:
    pairs = zip(one, other, strict=True)
    known = ([figure for figure in pair if figure is not None] for pair in pairs)
    return one._make(max(figures, default=None) for figures in known)


def _holder(said: object, lock: Path) -> int:
    """Which process holds a lock, in our own numbering; 0 where that is not to be known.

    Args:
        said: The id that the process gave itself; a container's may be another's here.
        lock: The lock.
    """
    with contextlib.suppress(OSError, ValueError, IndexError):
        is_at = lock.stat()
        if isinstance(said, int) and _has_open(said, is_at):
            return said
        wanted = f"{os.major(is_at.st_dev):02x}:{os.minor(is_at.st_dev):02x}:{is_at.st_ino}"
        for line in Path("/proc/locks").read_text().splitlines():
            words = line.split()  # number, kind, mode, type, process, file, range; proc_locks(5)
            if words[1] == "FLOCK" and words[3] == "WRITE" and words[5] == wanted:
                return max(0, int(words[4]))
    return 0


def _has_open(pid: int, file: os.stat_result) -> bool:
    with contextlib.suppress(OSError):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                if os.path.samestat(descriptor.stat(), file):
                    return True
    return False


def _open(pid: int) -> int:
    if pid > 0 and hasattr(os, "pidfd_open"):
        with contextlib.suppress(OSError):
            return os.pidfd_open(pid)
    return -1


def _readable(pidfd: int) -> bool:
    waiting = select.poll()
    waiting.register(pidfd, select.POLLIN)
    return bool(waiting.poll(0))
