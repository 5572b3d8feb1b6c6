"""Reading this process's own meters, as cheaply as the system allows.

One getrusage(2) gives CPU, peak memory and, on Linux, the bytes of storage: some 2 µs. The current
resident size is a file of its own, some 10 µs.

On Linux `ru_maxrss` outlives execve(2) (fs/exec.c: the highest resident size of the memory that is
left behind is kept), and what is left behind after a vfork(2) is the memory of the parent. So under
a big parent it begins far above what this process ever held, and tells no peak of ours until we are
bigger than that. Until then the peak is `VmHWM` of proc_pid_status(5), which begins anew with the
program: some 12 µs, and only where a page was faulted in since, for nothing grows without.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from typing import Final, NamedTuple, Protocol

from exectrail.resources.usage import BLOCK, LINUX, MAXRSS_UNIT


class Reading(NamedTuple):
    """Where the meters of the process stand."""

    at: float
    """Seconds of the monotonic clock."""
    cpu: float
    """Seconds, user and system, of all threads."""
    read: int
    """Bytes read from storage."""
    written: int
    """Bytes written to storage."""
    peak: int = 0
    """Highest resident size so far, bytes; 0 where unknown."""


class OfThread(NamedTuple):
    """Where the meters of the running thread stand."""

    cpu: float
    read: int | None = None
    written: int | None = None


class Gauge(Protocol):
    """This process's meters."""

    tells_disk: bool
    """Whether bytes of storage are known."""

    def process(self) -> Reading:
        """Those of the whole process."""
        ...

    def children(self) -> float:
        """CPU seconds of the children that were waited for."""
        ...

    def thread(self) -> OfThread:
        """Those of the running thread."""
        ...

    def resident(self) -> int:
        """The resident size now, bytes."""
        ...


def gauge() -> Gauge:
    """The one for this system."""
    if sys.platform == "win32":
        return PsutilGauge()
    return PosixGauge()


class PosixGauge:
    """By getrusage."""

    def __init__(self) -> None:
        import resource

        self._usage = resource.getrusage
        self._self = resource.RUSAGE_SELF
        self._children = resource.RUSAGE_CHILDREN
        self._thread: Final = getattr(resource, "RUSAGE_THREAD", None) if LINUX else None
        self._page = resource.getpagesize()
        self.tells_disk = LINUX
        self._faults = -1
        self._high = 0
        self._inherited = _inherited(self._usage(self._self).ru_maxrss * MAXRSS_UNIT)

    def process(self) -> Reading:
        used = self._usage(self._self)
        read, written = (used.ru_inblock, used.ru_oublock) if LINUX else (0, 0)
        peak = used.ru_maxrss * MAXRSS_UNIT
        if self._inherited:
            peak = self._own_peak(peak, used.ru_minflt + used.ru_majflt)
        return Reading(
            time.monotonic(),
            used.ru_utime + used.ru_stime,
            read * BLOCK,
            written * BLOCK,
            peak,
        )

    def _own_peak(self, peak: int, faults: int) -> int:
        """The highest resident size of this program, where the system tells one from before it."""
        if peak > self._inherited:
            self._inherited = 0
            return peak
        if faults != self._faults:
            self._faults = faults
            self._high = _high_water()
        return self._high

    def children(self) -> float:
        used = self._usage(self._children)
        return used.ru_utime + used.ru_stime

    def thread(self) -> OfThread:
        cpu = time.thread_time()  # getrusage lags a tick behind for the running thread
        if self._thread is None:
            return OfThread(cpu)
        used = self._usage(self._thread)
        return OfThread(cpu, used.ru_inblock * BLOCK, used.ru_oublock * BLOCK)

    def resident(self) -> int:
        if not LINUX:
            return _resident()
        statm = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
        try:
            return int(os.read(statm, 256).split()[1]) * self._page
        finally:
            os.close(statm)


class PsutilGauge:
    """Where there is no getrusage. Windows counts all I/O of a process, not that of disks."""

    def __init__(self) -> None:
        self.tells_disk = False

    def process(self) -> Reading:
        return Reading(time.monotonic(), time.process_time(), 0, 0)

    def children(self) -> float:
        return 0.0

    def thread(self) -> OfThread:
        return OfThread(time.thread_time())

    def resident(self) -> int:
        return _resident()


def _inherited(peak: int) -> int:
    """The highest resident size so far as getrusage tells it, where that is not ours; else 0."""
    with contextlib.suppress(OSError, ValueError):  # sandboxes whose /proc tells less
        if LINUX and peak > _high_water():
            return peak
    return 0


def _high_water() -> int:
    """The highest resident size since the program began, bytes. Linux."""
    status = os.open("/proc/self/status", os.O_RDONLY | os.O_CLOEXEC)
    try:
        lines = os.read(status, 4096)
    finally:
        os.close(status)
    begin = lines.index(b"VmHWM:") + len(b"VmHWM:")
    return int(lines[begin : lines.index(b"kB", begin)]) * 1024


def _resident() -> int:
    import psutil

    return int(psutil.Process().memory_info().rss)
