"""How a process ended, whoever's child it is."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from exectrail.resources import Usage

_GET_INFO = 0xC040FF0B
"""PIDFD_GET_INFO with the first version of its structure, 64 bytes; Linux 6.13, linux/pidfd.h."""
_WITH_EXIT = 1 << 3
"""PIDFD_INFO_EXIT, Linux 6.15: how a process ended that its parent has reaped already."""
_EXIT_CODE_AT = 60


class Ending(NamedTuple):
    """How a process ended."""

    code: int | None = None
    """Its exit code; None where it was killed or nobody knows."""
    killed_by: int | None = None
    """Number of the signal that killed it."""
    used: Usage | None = None
    """All that it used, where we are the parent that was told so."""

    @property
    def known(self) -> bool:
        """Whether anything is."""
        return self.code is not None or self.killed_by is not None

    @property
    def shell_code(self) -> int:
        """The exit code as a shell tells it: 128 + signal for one that was killed."""
        if self.killed_by is not None:
            return 128 + self.killed_by
        return self.code or 0

    @property
    def signal_name(self) -> str:
        """`SIGKILL` and the like; empty if none killed it."""
        if self.killed_by is None:
            return ""
        try:
            return signal.Signals(self.killed_by).name
        except ValueError:  # a real-time signal
            return f"SIGRTMIN+{self.killed_by - signal.SIGRTMIN}"


UNKNOWN = Ending()


def of_status(status: int) -> Ending:
    """An ending by the status word of wait(2)."""
    if os.WIFSIGNALED(status):
        return Ending(killed_by=os.WTERMSIG(status))
    return Ending(code=os.WEXITSTATUS(status))


def of_stranger(pid: int, pidfd: int) -> Ending:
    """How a process ended that is no child of ours.

    Args:
        pid: Its id. While its parent has not reaped it, the kernel still shows its status.
        pidfd: Of the same process. Where the parent was faster, newer kernels tell it by this.

    Returns:
        `UNKNOWN` where neither knows (yet).
    """
    with contextlib.suppress(OSError, ValueError, IndexError):
        text = Path(f"/proc/{pid}/stat").read_bytes()
        fields = text[text.rindex(b")") + 2 :].split()
        # Field 3 is the state, field 52 the status of wait(2); proc_pid_stat(5).
        if fields[0] == b"Z" and is_same(pid, pidfd) and _may_see(pid):
            return of_status(int(fields[49]))
    with contextlib.suppress(OSError):
        import fcntl

        info = bytearray(64)
        info[:8] = _WITH_EXIT.to_bytes(8, "little")
        fcntl.ioctl(pidfd, _GET_INFO, info)
        if int.from_bytes(info[:8], "little") & _WITH_EXIT:
            return of_status(int.from_bytes(info[_EXIT_CODE_AT:64], "little", signed=True))
    return UNKNOWN


def is_same(pid: int, pidfd: int) -> bool:
    """Whether an id still is the process of the descriptor, which may have ended.

    Raises:
        OSError: There is no /proc.
    """
    for line in Path(f"/proc/self/fdinfo/{pidfd}").read_text().splitlines():
        if line.startswith("Pid:"):
            return int(line.split()[1]) == pid
    return False


def _may_see(pid: int) -> bool:
    """Whether the status is shown to us; where not, it reads 0."""
    if os.geteuid() == 0:
        return True
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("Uid:"):
            return set(line.split()[1:]) == {str(os.geteuid())}
    return False
