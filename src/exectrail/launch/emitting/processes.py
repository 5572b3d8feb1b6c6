"""Processes of this host, by id and start time; and processes of ours that nobody waits for."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final

LAUNCHERS: Final = frozenset({"uv", "uvx", "pipx", "poetry", "hatch", "pdm", "rye", "pixi"})
"""They start the command and end with it: who called them is meant."""


class NoProcessError(ProcessLookupError):
    """There is no process with that id."""


def caller() -> int:
    """The process that called the command: its parent, or whose launcher that is."""
    pid = os.getppid()
    while (parent := _launched_by(pid)) > 1:
        pid = parent
    return pid


def _launched_by(pid: int) -> int:
    """The parent of a process that only launches others; 0 for any other process."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        if (Path("/proc") / str(pid) / "comm").read_text().strip() in LAUNCHERS:
            return int(_stat(pid)[1])
    return 0


def started(pid: int) -> str:
    """When a process started, in words of its system: with its id it names one process.

    Raises:
        NoProcessError: There is none, or it has ended and waits to be collected.
    """
    try:
        if Path("/proc/self/stat").exists():
            fields = _stat(pid)  # from field 3 on: state, parent ... 22: start time
            state, start = fields[0], fields[19]
        else:
            done = subprocess.run(
                ["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True
            )
            state, start = done.stdout.split(maxsplit=1)
    except (OSError, ValueError, IndexError):
        raise NoProcessError(f"there is no process {pid}") from None
    if state[0] in "ZX":
        raise NoProcessError(f"process {pid} has ended")
    return "".join(filter(str.isalnum, start))


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat behind the name, which may hold anything."""
    return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()


def program(pid: int) -> str:
    """A name for what a process runs: its script, else its program; empty where unknown."""
    with contextlib.suppress(OSError):
        words = (Path("/proc") / str(pid) / "cmdline").read_bytes().decode(errors="replace")
        first, *others = words.split("\0")
        runs = Path(first.lstrip("-")).name
        if runs in {"sh", "bash", "dash", "zsh", "ksh", "ash", "fish"}:
            for word in others:
                if word == "-c":
                    break
                if word and not word.startswith("-"):
                    return Path(word).stem
        return Path(runs).stem
    return ""


def apart(work: Callable[[], None], keep: Collection[int] = ()) -> None:
    """Do something in a process of its own that nothing of this one's world knows or waits for.

    It has a session of its own, no terminal, and none of the files that are open here: neither the
    pipe that a shell reads to its end nor a lock that a script holds by a descriptor.

    Args:
        work: What to do there.
        keep: Descriptors that stay open there.

    Raises:
        OSError: No process could be made.
    """
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    between = os.fork()
    if between:
        os.waitpid(between, 0)
        return
    try:
        os.setsid()
        if os.fork() == 0:
            _leave_everything(keep)
            work()
    finally:  # whatever happened: never back into the command
        os._exit(0)


def _leave_everything(keep: Collection[int]) -> None:
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.chdir("/")
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    for name in os.listdir("/dev/fd"):  # noqa: PTH208  names are what is needed
        if int(name) > 2 and int(name) not in keep:
            with contextlib.suppress(OSError):
                os.close(int(name))
