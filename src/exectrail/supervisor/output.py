"""`--capture-output`: the program's output passes through byte for byte, and its lines are kept.

The program writes to a pseudo-terminal where we have a terminal, and to a pipe where we have none,
so that it sees what it would see without us. The standby process holds the reading ends too: when
the supervisor is gone it passes on what comes, and the program never notices.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from exectrail.guard import report
from exectrail.supervisor.standby import Passing, Standby

PART = 65536
"""Bytes passed on at a time, at most: what a pipe holds."""
LONGEST_LINE = 16_384
"""Bytes kept of a line."""
NAMES = ("stdout", "stderr")
LEFT_BYTES = 1 << 20
"""What is passed on, at most, once the program has ended: no pipe holds more."""

MOST_LINES = 10_000
"""Lines that may wait to be kept; the oldest go first."""

Line = tuple[str, int, bytes]
"""The stream's name, nanoseconds since the epoch, the line without its end."""


class Stream:
    """One stream: the program's end of it, ours, and where it goes."""

    def __init__(self, name: str, target: int) -> None:
        self.name = name
        self.target = target
        """The descriptor in the program, and at first in us."""
        self.is_terminal = os.isatty(target)
        self.source, self.writer = _terminal(target) if self.is_terminal else os.pipe()
        self.sink = os.dup(target)


class Output:
    """The program's stdout and stderr. Made by `open`, before the program is started."""

    def __init__(self, streams: Sequence[Stream]) -> None:
        self.lines: deque[Line] = deque(maxlen=MOST_LINES)
        """The lines that passed; whoever keeps them takes them."""
        self._streams = list(streams)
        self._threads: list[threading.Thread] = []
        self._ended = threading.Event()
        self._wake_read, self._wake_write = os.pipe()

    @classmethod
    def open(cls) -> Output:
        """Make the streams; one that is closed in us stays closed in the program."""
        streams: list[Stream] = []
        for name, target in zip(NAMES, (1, 2), strict=True):
            with contextlib.suppress(OSError):
                streams.append(Stream(name, target))
        return cls(streams)

    @property
    def writers(self) -> dict[int, int]:
        """The program's descriptors, and ours that they are to be."""
        return {stream.target: stream.writer for stream in self._streams}

    def started(self) -> list[Passing]:
        """The program has its ends: let go of them.

        Returns:
            What the standby process is to hold.
        """
        for stream in self._streams:
            os.close(stream.writer)
        return [Passing(stream.source, stream.sink) for stream in self._streams]

    def pass_through(self, standby: Standby | None) -> None:
        """Begin to pass on."""
        for index, stream in enumerate(self._streams):
            thread = threading.Thread(
                target=self._pass,
                args=(stream, index, standby),
                name=f"exectrail-{stream.name}",
                daemon=True,
            )
            thread.start()
            self._threads.append(thread)

    def resized(self) -> bool:
        """The terminal has another size: so has the program's, if it has one."""
        for stream in self._streams:
            if stream.is_terminal:
                _copy_size(stream.sink, stream.source)
        return any(stream.is_terminal for stream in self._streams)

    def finish(self) -> None:
        """The program has ended: pass on what it left. What a child of it still writes is the
        standby process's to pass on."""
        self._ended.set()
        with contextlib.suppress(OSError):
            os.write(self._wake_write, b"\0")
        for thread in self._threads:
            thread.join()

    def _pass(self, stream: Stream, index: int, standby: Standby | None) -> None:
        lines = Lines(stream.name, self._keep)
        waiting = select.poll()
        waiting.register(stream.source, select.POLLIN)
        waiting.register(self._wake_read, select.POLLIN)
        left = LEFT_BYTES
        while left > 0:
            ready = {descriptor for descriptor, _ in waiting.poll()}
            if stream.source not in ready:
                break  # the program has ended, and nothing more is there
            part = read_part(stream.source)
            if not part:
                break
            if not write_all(stream.sink, part):
                # Nobody takes it any more: the program is to learn that as it would without us.
                os.close(stream.source)
                if standby is not None:
                    standby.close_stream(index)
                break
            lines.add(part)
            left -= len(part) if self._ended.is_set() else 0
        lines.end()

    def _keep(self, line: Line) -> None:
        if len(self.lines) == MOST_LINES:
            report("supervisor.output")
        self.lines.append(line)


class Lines:
    """Cuts a stream into lines.

    Args:
        name: Of the stream.
        keep: Told of each line.
    """

    def __init__(self, name: str, keep: Callable[[Line], None]) -> None:
        self._name = name
        self._keep = keep
        self._open = b""
        self._too_long = False

    def add(self, part: bytes) -> None:
        """Take the next bytes of the stream."""
        at = time.time_ns()
        *whole, rest = (self._open + part).split(b"\n")
        for line in whole:
            self._one(at, line)
            self._too_long = False
        if len(rest) > LONGEST_LINE:
            if not self._too_long:
                self._one(at, rest)
            self._too_long, rest = True, b""
        self._open = rest

    def end(self) -> None:
        """The stream has ended, perhaps amid a line."""
        if self._open:
            self._one(time.time_ns(), self._open)
            self._open = b""

    def _one(self, at: int, line: bytes) -> None:
        line = line.rstrip(b"\r")
        if line and not self._too_long:
            self._keep((self._name, at, line[:LONGEST_LINE]))


def pass_on(streams: Sequence[Passing]) -> None:
    """Pass streams on until they end; in the standby process."""
    left = {passing.source: passing.sink for passing in streams}
    waiting = select.poll()
    for source in left:
        waiting.register(source, select.POLLIN)
    while left:
        for source, _ in waiting.poll():
            part = read_part(source)
            if not part or not write_all(left[source], part):
                waiting.unregister(source)
                os.close(source)
                del left[source]


def read_part(source: int) -> bytes:
    """The next bytes; none at the end, which a pseudo-terminal tells by EIO."""
    try:
        return os.read(source, PART)
    except OSError:
        return b""


def write_all(sink: int, part: bytes) -> bool:
    """Write it all, however long that takes; whether somebody takes it."""
    view = memoryview(part)
    while view:
        try:
            view = view[os.write(sink, view) :]
        except BlockingIOError:  # somebody set the user's terminal or pipe so
            select.select([], [sink], [])
        except OSError:
            return False
    return True


def _terminal(like: int) -> tuple[int, int]:
    """A pseudo-terminal with the settings and the size of another; it changes no byte."""
    import termios
    import tty

    source, writer = os.openpty()
    with contextlib.suppress(termios.error):
        modes: list[Any] = termios.tcgetattr(like)
        # What the program writes is passed on as it is: the real terminal does the rest, once.
        modes[tty.OFLAG] &= ~termios.OPOST
        termios.tcsetattr(writer, termios.TCSANOW, modes)
    _copy_size(like, source)
    return source, writer


def _copy_size(of: int, to: int) -> None:
    import fcntl
    import termios

    with contextlib.suppress(OSError):
        fcntl.ioctl(to, termios.TIOCSWINSZ, fcntl.ioctl(of, termios.TIOCGWINSZ, bytes(8)))
