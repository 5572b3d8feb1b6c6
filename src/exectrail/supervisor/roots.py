"""Which root executions of a worker are open, by the changes of state in its spool."""

from __future__ import annotations

import contextlib
import json
import time
from collections import deque
from collections.abc import Iterator, Mapping
from typing import IO, Any, Final, NamedTuple

from exectrail.conventions import names
from exectrail.conventions.names import State
from exectrail.spool import Folder, Stream
from exectrail.spool.streams import file_name

_CHANGED: Final = f'"{names.EVENT_EXECUTION_STATE_CHANGED}"'.encode()
_FINAL: Final = frozenset({State.COMPLETED, State.FAILED, State.CANCELLED})
_ABOUT: Final = (
    names.EXECUTION_ID,
    names.EXECUTION_ROOT_ID,
    names.EXECUTION_KIND,
    names.EXECUTION_NAME,
)
JUST_NOW_NS: Final = 100_000
"""What is written right before an execution ends is read a moment after: measured, half of it 25 µs
after its end, while what is written right behind the end is read 130 µs after it or later."""
AFTER_DEATH_NS: Final = 200_000_000
"""So long what is read may still be of a worker that was told to have ended."""
LEFT_BEHIND_NS: Final = 1_000_000_000
"""Changes that old are taken in, whether somebody asked about that time or not."""
MOST_OPEN: Final = 100_000


class Change(NamedTuple):
    """A change of state of one execution."""

    at_ns: int
    """Nanoseconds since the epoch; never after it was seen."""
    execution_id: str
    parent_id: str
    open: bool
    """Whether the worker goes on with it."""
    about: Mapping[str, Any]


class OpenRoots:
    """Follows what one worker writes.

    Args:
        folder: Its spool, just announced.
    """

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._file: IO[bytes] | None = None
        self._number = 0
        self._rest = b""
        self._changes: deque[Change] = deque()
        self._open: dict[str, bool] = {}
        """All open executions; whether each is a root."""
        self._roots: dict[str, Mapping[str, Any]] = {}
        self._ended: tuple[int, Mapping[str, Any]] = (0, {})
        """When the last root ended, and which one that was."""
        self._others_ended_ns = 0
        """When the one before it ended, if that was another one."""
        self._lost = False
        self._died_ns = 0

    def look(self) -> None:
        """Take in what was written since the last look."""
        seen = time.time_ns()
        for line in self._lines():
            if _CHANGED in line:
                with contextlib.suppress(ValueError, KeyError, TypeError, IndexError):
                    self._changes += _changes(line, seen)
        self._until(seen - LEFT_BEHIND_NS)

    def at(self, at_ns: int) -> Mapping[str, Any]:
        """The only root that was open at a time.

        Args:
            at_ns: Nanoseconds since the epoch; asked for in order.

        Returns:
            The attributes that say which it is; none where none was open, several, or that is not
            to be known.
        """
        self._until(at_ns)
        died = self._died_ns and at_ns > self._died_ns + AFTER_DEATH_NS
        if self._lost or died or len(self._roots) > 1:
            return {}
        if self._roots:
            return next(iter(self._roots.values()))
        ended_ns, about = self._ended
        alone = self._others_ended_ns < at_ns - JUST_NOW_NS
        return about if alone and at_ns - JUST_NOW_NS <= ended_ns else {}

    def died(self) -> None:
        """Its process has ended."""
        self._died_ns = time.time_ns()

    def close(self) -> None:
        """Follow it no longer."""
        if self._file is not None:
            self._file.close()

    def _lines(self) -> list[bytes]:
        """Whole lines that are new. A file that was shipped is gone; what we have open is not."""
        found: list[bytes] = []
        while not self._lost:
            later = [n for n in self._folder.numbers(Stream.STATES) if n > self._number]
            if self._file is not None:
                # Read after it was seen that it is no longer written, where it is not.
                *lines, self._rest = (self._rest + self._file.read()).split(b"\n")
                found += lines
            if not later:
                break
            self._lost = later[0] != self._number + 1
            self.close()
            self._file, self._rest = None, b""
            self._number = later[0]
            try:
                path = self._folder.path / file_name(Stream.STATES, self._number)
                self._file = path.open("rb", buffering=0)
            except OSError:
                self._lost = True
        return found

    def _until(self, at_ns: int) -> None:
        while self._changes and self._changes[0].at_ns <= at_ns:
            self._take(self._changes.popleft())

    def _take(self, change: Change) -> None:
        known = self._open.get(change.execution_id)
        if change.open:
            if known is None:
                self._lost = self._lost or len(self._open) >= MOST_OPEN
                root = change.parent_id not in self._open
                self._open[change.execution_id] = root
                if root:
                    self._roots[change.execution_id] = change.about
            return
        self._open.pop(change.execution_id, None)
        if self._roots.pop(change.execution_id, None) is not None:
            self._others_ended_ns = self._ended[0]
            self._ended = change.at_ns, change.about


def _changes(line: bytes, seen_ns: int) -> Iterator[Change]:
    """The change that a line tells; none where it was not a legal one, which moves nothing."""
    record = json.loads(line)["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]
    told = {pair["key"]: next(iter(pair["value"].values())) for pair in record["attributes"]}
    state = told[names.EXECUTION_STATE]
    if told.get(names.EXECUTION_VALID, True) is False:
        return
    leaves = state == State.PAUSED and names.EXECUTION_RESUME_KEY in told
    yield Change(
        min(seen_ns, int(record["timeUnixNano"])),
        told[names.EXECUTION_ID],
        told.get(names.EXECUTION_PARENT_ID, ""),
        state not in _FINAL and not leaves,
        {name: told[name] for name in _ABOUT if name in told},
    )
