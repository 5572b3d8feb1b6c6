"""A second, idle process of ours, beside the program and in its process group.

It tells what the supervisor cannot know alone: whether a signal was sent to the whole group (a job
of a shell, `timeout`, a service manager that ends everything), so that the program has it already
and must not get it again. It blocks every signal, so those that reach it stay visible as pending.

And it holds the streams that the supervisor passes through, if any, and passes them on itself when
the supervisor is gone, so that the program never writes to a pipe that nobody reads.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

TITLE = b"standby"
"""How it is called in lists of processes: who ends all that are called as we are means us, and the
program has to get that from us."""
SECOND_LOOK_S = 0.005
"""Who signals processes one by one needs this long from one to the next."""
_CLOSE = 0x80
"""Command: close the stream with that number. Below it stand signals to forget."""


class Passing(NamedTuple):
    """A stream that is passed through: read here, written there."""

    source: int
    sink: int


class Standby:
    """The supervisor's side. Made by `fork`."""

    def __init__(self, pid: int, control: int) -> None:
        self.pid = pid
        self._control = control

    @classmethod
    def fork(cls, streams: Sequence[Passing] = ()) -> Standby | None:
        """Start it, before there are threads and with all signals blocked.

        Args:
            streams: What it takes over at the end. All its other descriptors are closed.

        Returns:
            None where no process is to be had.
        """
        ours, its = -1, -1
        try:
            its, ours = os.pipe()
            pid = os.fork()
        except OSError:
            for descriptor in (ours, its):
                if descriptor >= 0:
                    os.close(descriptor)
            return None
        if pid == 0:
            code = 1
            try:
                _be(its, streams)
                code = 0
            finally:
                os._exit(code)
        os.close(its)
        os.set_blocking(ours, False)
        return cls(pid, ours)

    def had(self, number: int) -> bool:
        """Whether it got a signal too since this was asked last."""
        pending = self._pending(number)
        if not pending:
            with contextlib.suppress(InterruptedError):
                select.select([], [], [], SECOND_LOOK_S)
            pending = self._pending(number)
        if pending:
            self._tell(number)
            # Seen again is not sent again: wait until it is forgotten, some microseconds.
            for _ in range(100):
                if not self._pending(number):
                    break
                select.select([], [], [], 0.0005)
        return pending

    def close_stream(self, index: int) -> None:
        """Nobody takes that stream any more: close it there too."""
        self._tell(_CLOSE | index)

    def end(self) -> None:
        """Let it go: it ends, or first passes on what still comes."""
        with contextlib.suppress(OSError):
            os.close(self._control)

    def _pending(self, number: int) -> bool:
        with contextlib.suppress(OSError, ValueError):
            for line in Path(f"/proc/{self.pid}/status").read_bytes().splitlines():
                if line.startswith(b"ShdPnd:"):
                    return bool(int(line.split()[1], 16) >> (number - 1) & 1)
        return False

    def _tell(self, command: int) -> None:
        with contextlib.suppress(OSError):
            os.write(self._control, bytes((command,)))


def _be(control: int, streams: Sequence[Passing]) -> None:
    """The process itself: wait for commands, and for the end of the supervisor."""
    keep = {control, *(end for passing in streams for end in passing)}
    close_all_but(keep)
    _entitle()
    passed = dict(enumerate(streams))
    while command := os.read(control, 1):
        number = command[0]
        if number & _CLOSE:
            _close(passed.pop(number & ~_CLOSE, None))
        elif hasattr(signal, "sigtimedwait"):
            while signal.sigtimedwait([number], 0) is not None:
                pass
    if passed:
        from exectrail.supervisor.output import pass_on

        pass_on(list(passed.values()))


def _entitle() -> None:
    with contextlib.suppress(OSError, ValueError, IndexError):
        Path("/proc/self/comm").write_bytes(TITLE)
        text = Path("/proc/self/stat").read_bytes()
        # Where the words of the command line stand in our memory; proc_pid_stat(5).
        start, end = map(int, text[text.rindex(b")") + 2 :].split()[45:47])
        with open("/proc/self/mem", "r+b", buffering=0) as memory:  # noqa: PTH123
            memory.seek(start)
            memory.write(TITLE.ljust(end - start, b"\0")[: end - start])


def _close(passing: Passing | None) -> None:
    for descriptor in passing or ():
        with contextlib.suppress(OSError):
            os.close(descriptor)


def close_all_but(keep: set[int]) -> None:
    """Close every descriptor but these; the standard streams lead nowhere then."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in {0, 1, 2} - keep:
        os.dup2(nowhere, standard)
    limit = max(*keep, *open_descriptors(), 3) + 1
    below = 3
    for kept in sorted({*keep, limit}):
        os.closerange(below, kept)
        below = max(below, kept + 1)


def open_descriptors() -> list[int]:
    """The descriptors that are open in this process."""
    for folder in ("/proc/self/fd", "/dev/fd"):
        with contextlib.suppress(OSError, ValueError):
            return [int(name) for name in os.listdir(folder)]  # noqa: PTH208  numbers, not paths
    return list(range(256))
