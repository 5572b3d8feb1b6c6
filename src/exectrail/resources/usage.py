"""What a whole process has used, this one or another: for whoever watches it from outside."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    import resource

LINUX: Final = sys.platform == "linux"
MAXRSS_UNIT: Final = 1 if sys.platform == "darwin" else 1024
"""Bytes in one unit of `ru_maxrss`: getrusage(2) of macOS counts bytes, others kilobytes."""
BLOCK: Final = 512
"""Bytes in one unit of `ru_inblock` and `ru_oublock` on Linux: the task's `read_bytes` and
`write_bytes`, shifted by 9 (include/linux/task_io_accounting_ops.h). Elsewhere they count
operations, which says nothing of bytes."""


class Usage(NamedTuple):
    """What a process has used since it began; None where the system does not say."""

    cpu_seconds: float | None = None
    """User and system, the process's threads and the children that it waited for."""
    memory_peak_bytes: int | None = None
    """The highest resident size so far."""
    disk_read_bytes: int | None = None
    """What storage was read for: what came from the page cache does not count."""
    disk_write_bytes: int | None = None
    """What was handed to the page cache to be stored; what goes to a tmpfs or a pipe is not."""


def of_rusage(used: resource.struct_rusage) -> Usage:
    """The usage that wait4(2) returns with a process: its own and that of its waited-for children.

    The peak is that of the largest of them, and on Linux that of what the process was before it
    executed its program, where that was larger: after a vfork(2), of its parent. `process_usage`
    of the living process does not have that in it.
    """
    return Usage(
        used.ru_utime + used.ru_stime,
        used.ru_maxrss * MAXRSS_UNIT or None,
        used.ru_inblock * BLOCK if LINUX else None,
        used.ru_oublock * BLOCK if LINUX else None,
    )


def process_usage(pid: int) -> Usage | None:
    """What a process has used so far, by proc_pid_stat(5), proc_pid_status(5) and proc_pid_io(5).

    A zombie still tells its CPU time and disk use, so whoever has not reaped it yet can ask.

    Args:
        pid: Its id.

    Returns:
        None where there is no such process, or nothing of it may be seen. Never raises.
    """
    if LINUX:
        with contextlib.suppress(OSError, ValueError, IndexError, KeyError):
            return _of_proc(Path(f"/proc/{pid}"))
        return None
    return _of_psutil(pid)


def _of_proc(folder: Path) -> Usage:
    stat = (folder / "stat").read_bytes()
    # Fields 14 to 17 of proc_pid_stat(5): utime, stime, cutime, cstime. The name may hold anything.
    fields = stat[stat.rindex(b")") + 2 :].split()
    ticks = sum(int(field) for field in fields[11:15])
    peak: int | None = None
    for line in (folder / "status").read_bytes().splitlines():
        if line.startswith(b"VmHWM:"):
            peak = int(line.split()[1]) * 1024
    read: int | None = None
    written: int | None = None
    with contextlib.suppress(OSError, ValueError, KeyError):  # another user's: not to be seen
        lines = (line.split(b":") for line in (folder / "io").read_bytes().splitlines())
        found = {name: int(value) for name, value in lines}
        read, written = found[b"read_bytes"], found[b"write_bytes"]
    return Usage(ticks / os.sysconf("SC_CLK_TCK"), peak, read, written)


def _of_psutil(pid: int) -> Usage | None:
    try:
        import psutil

        process = psutil.Process(pid)
        times = process.cpu_times()
        memory: Any = process.memory_info()
    except Exception:  # noqa: BLE001  not there, not ours to see, or no psutil: all the same
        return None
    # psutil tells no children's time on Windows; the peak on Windows alone.
    cpu = times.user + times.system
    cpu += getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
    return Usage(cpu, getattr(memory, "peak_wset", None), None, None)
