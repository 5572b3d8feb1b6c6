"""A spool folder as others see it: whose it is, whether that process lives, what is left in it."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

from exectrail.spool.streams import SHIPPED_FIRST, Stream, file_name, file_number

try:
    import fcntl
except ImportError:  # Windows has no flock: there is no spool there, memory alone
    fcntl = None

OFF: Final = frozenset({"off", "false", "no", "none", "0"})
LOCK: Final = "lock"
"""Held by the process for as long as it lives."""
SHIPPING: Final = "shipping"
"""Held by whoever ships the folder."""
ABOUT: Final = "worker.json"
ACKNOWLEDGED: Final = "shipped.json"


def root_folder(environment: Mapping[str, str] | None = None) -> Path | None:
    """Where the spools of a host's processes are; it need not exist yet.

    Args:
        environment: Variables; those of the process if left out. `EXECTRAIL_SPOOL` names the
            folder or is `off`; else it is in the user's state directory by the XDG base directory
            specification, or beneath the directory for temporary files where there is no home.

    Returns:
        The folder, or None where there is to be no spool.
    """
    env = os.environ if environment is None else environment
    named = env.get("EXECTRAIL_SPOOL", "").strip()
    if named.lower() in OFF or fcntl is None:
        return None
    if named:
        return Path(named).absolute()
    state = env.get("XDG_STATE_HOME", "")
    if not Path(state).is_absolute():
        home = env.get("HOME", "")
        if not Path(home).is_absolute() or not os.access(home, os.W_OK | os.X_OK):
            return Path(tempfile.gettempdir()) / f"exectrail-{os.getuid()}" / "spool"
        state = str(Path(home) / ".local" / "state")
    return Path(state) / "exectrail" / "spool"


def folders(root: Path) -> list[Folder]:
    """The spool folders beneath a root, oldest process first (their names are UUIDv7)."""
    with contextlib.suppress(OSError):
        entries = sorted(entry.name for entry in os.scandir(root) if entry.is_dir())
        return [Folder(root / name) for name in entries if (root / name / LOCK).exists()]
    return []


class Position(NamedTuple):
    """How far a stream was acknowledged."""

    number: int = 1
    offset: int = 0


class Chunk(NamedTuple):
    """Whole lines of a stream."""

    lines: list[bytes]
    """Without the line's end."""
    after: Position
    """The position behind them."""
    in_memory: list[bytes] | None = None
    """The same lines, where they are in memory instead of a file."""


class Folder:
    """The spool of one process."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def worker_id(self) -> str:
        """The worker whose it is."""
        return self.path.name

    def about(self) -> dict[str, Any]:
        """What `worker.json` says; nothing where it cannot be read."""
        with contextlib.suppress(OSError, ValueError):
            found = json.loads((self.path / ABOUT).read_bytes())
            if isinstance(found, dict):
                return found
        return {}

    def alive(self) -> bool:
        """Whether its process lives: it holds the lock until the kernel takes it back."""
        if fcntl is None:
            return True
        try:
            with (self.path / LOCK).open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    @contextlib.contextmanager
    def claimed(self) -> Generator[bool]:
        """Whether nobody else ships it; nobody else will within the block."""
        held = self.claim()
        try:
            yield held is not None
        finally:
            if held is not None:
                held.close()

    def claim(self) -> IO[bytes] | None:
        """Be who ships it until that file is closed; None where somebody else is."""
        if fcntl is None:
            return None
        try:
            held = (self.path / SHIPPING).open("ab")
        except OSError:
            return None
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            held.close()
            return None
        return held

    def numbers(self, stream: Stream) -> list[int]:
        """The numbers of the files that a stream has now."""
        with contextlib.suppress(OSError):
            found = (file_number(entry.name, stream) for entry in os.scandir(self.path))
            return sorted(number for number in found if number is not None)
        return []

    def end(self, stream: Stream) -> Position:
        """Where a stream ends now."""
        numbers = self.numbers(stream)
        if not numbers:
            return Position()
        try:
            size = (self.path / file_name(stream, numbers[-1])).stat().st_size
        except OSError:
            size = 0
        return Position(numbers[-1], size)

    def acknowledged(self) -> dict[Stream, Position]:
        """How far each stream was shipped."""
        positions = dict.fromkeys(Stream, Position())
        with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
            kept = json.loads((self.path / ACKNOWLEDGED).read_bytes())
            for stream in Stream:
                number, offset = kept.get(stream.value, (1, 0))
                positions[stream] = Position(int(number), int(offset))
        return positions

    def acknowledge(self, positions: Mapping[Stream, Position]) -> None:
        """Note how far each stream was shipped. Where that fails, some of it is sent again."""
        text = json.dumps({stream.value: list(at) for stream, at in positions.items()})
        kept = self.path / ACKNOWLEDGED
        beside = self.path / f"{ACKNOWLEDGED}.new"
        try:
            beside.write_text(text, encoding="ascii")
            beside.replace(kept)
        except OSError:  # the disk is full: the file has its block already
            with contextlib.suppress(OSError):
                beside.unlink()
            with contextlib.suppress(OSError), kept.open("r+", encoding="ascii") as file:
                file.write(text.ljust(kept.stat().st_size))

    def read(self, stream: Stream, position: Position, most: int) -> Chunk | None:
        """The next whole lines of a stream; None where there are none yet.

        Args:
            stream: Which.
            position: Where to begin.
            most: Bytes, at most, but at least one line.
        """
        for number in self.numbers(stream):
            if number < position.number:
                continue
            offset = position.offset if number == position.number else 0
            lines, end = _whole_lines(self.path / file_name(stream, number), offset, most)
            if lines:
                return Chunk(lines, Position(number, end))
        return None

    def remove_shipped(self, positions: Mapping[Stream, Position]) -> None:
        """Remove the files that a stream is past."""
        for stream, position in positions.items():
            for number in self.numbers(stream):
                if number < position.number:
                    with contextlib.suppress(OSError):
                        (self.path / file_name(stream, number)).unlink()

    def remove_if_done(self) -> bool:
        """Remove the folder if its process is dead and all of it was shipped."""
        if self.alive() or self.left():
            return False
        with contextlib.suppress(OSError):
            # The lock goes last: a folder without one is none.
            for path in sorted(self.path.iterdir(), key=lambda path: path.name == LOCK):
                path.unlink()
            self.path.rmdir()
            return True
        return False

    def left(self) -> int:
        """Lines that were not shipped yet."""
        positions = self.acknowledged()
        count = 0
        for stream in SHIPPED_FIRST:
            at: Position = positions[stream]
            while (chunk := self.read(stream, at, 1 << 22)) is not None:
                count += len(chunk.lines)
                at = chunk.after
        return count

    def size(self) -> int:
        """Bytes that its files take."""
        with contextlib.suppress(OSError):
            return sum(entry.stat().st_size for entry in os.scandir(self.path))
        return 0


def _whole_lines(file: Path, offset: int, most: int) -> tuple[list[bytes], int]:
    """Whole lines behind an offset, and the offset behind them. A line cut short is no line."""
    try:
        with file.open("rb") as source:
            source.seek(offset)
            data = source.read(most)
            if len(data) == most and b"\n" not in data:
                data += source.readline()
    except OSError:
        return [], offset
    end = data.rfind(b"\n") + 1
    return [line for line in data[:end].split(b"\n") if line], offset + end
