"""Whether the kernel's out-of-memory killer took a process: the counters of its control group.

The kernel counts before it kills. Version 1 of control groups has the counter `oom_kill` in
memory.oom_control, version 2 in memory.events; where neither is to be seen, /proc/vmstat counts for
the whole machine. Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

KEPT_S = 5.0
"""So long after the counter rose a killed process may be the one that it rose for."""
_MACHINE = Path("/proc/vmstat")
_ADJUSTMENT = Path("/proc/self/oom_score_adj")
SPARED = -998
"""What runs containers adjusts its own score by: taken after everything else that may be."""


def be_spared() -> None:
    """Ask the kernel to take others first: who is to tell how they went is of no use dead.

    Only who may lower his own score can (CAP_SYS_RESOURCE, as root has). What was started before
    keeps its own; proc_pid_oom_score_adj(5).
    """
    with contextlib.suppress(OSError, ValueError):
        if int(_ADJUSTMENT.read_text()) > SPARED:
            _ADJUSTMENT.write_text(str(SPARED))


class OomKills:
    """Counts the kills of control groups, and gives each to one process."""

    def __init__(self) -> None:
        self._seen: dict[Path, int] = {}
        self._rises: dict[Path, list[float]] = {}

    def watch(self, pid: int) -> Path | None:
        """Watch a process's control group from now on.

        Returns:
            The file with its counter; None where there is none, as on other systems than Linux.
        """
        for file in (*_files_of(pid), _MACHINE):
            count = _count(file)
            if count is not None:
                self._seen.setdefault(file, count)
                return file
        return None

    def look(self) -> None:
        """Note which counters rose."""
        now = time.monotonic()
        for file, before in self._seen.items():
            count = _count(file)
            if count is not None and count > before:
                self._seen[file] = count
                self._rises.setdefault(file, []).extend([now] * min(count - before, 1000))

    def claim(self, file: Path) -> bool:
        """Whether a process of that group, killed just now, was killed for want of memory."""
        self.look()
        since = time.monotonic() - KEPT_S
        recent = [at for at in self._rises.pop(file, []) if at >= since]
        if recent:
            self._rises[file] = recent[1:]
        return bool(recent)


def _count(file: Path) -> int | None:
    with contextlib.suppress(OSError, ValueError):
        for line in file.read_text().splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return None


def _files_of(pid: int) -> list[Path]:
    """The counters of a process's control group: version 1, version 2."""
    found: list[Path] = []
    with contextlib.suppress(OSError, ValueError):
        for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
            number, controllers, group = line.split(":", 2)
            if "memory" in controllers.split(","):
                found += _in_mounts(group, "memory", "memory.oom_control")
            elif number == "0":
                found += _in_mounts(group, "", "memory.events")
    return found


def _in_mounts(group: str, controller: str, name: str) -> list[Path]:
    """A file of a control group, wherever its hierarchy is mounted; proc_pid_mountinfo(5)."""
    found: list[Path] = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, behind = line.partition(" - ")
        kind, _, options = behind.split(" ", 2)
        if kind != ("cgroup" if controller else "cgroup2"):
            continue
        if controller and controller not in options.split(","):
            continue
        root, mount = before.split(" ")[3:5]
        inside = os.path.relpath(group, root)
        # In a container that sees only its own part, the group may be named from further up.
        found.append(Path(mount, name) if inside.startswith("..") else Path(mount, inside, name))
    return found
