"""What really happened, by the programs' own word: the log that exectrail is held to.

Each process appends lines to a file of its own by one `write` each, which the kernel keeps whatever
becomes of the process. Of each execution it tells four moments: `begin` (the next call starts it),
`started` (that call has returned), `ending` (the next call ends it), `ended` (that one has
returned). What an execution is called here is the driver's own: nothing of it comes from exectrail.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

BEGIN: Final = "begin"
STARTED: Final = "started"
ENDING: Final = "ending"
ENDED: Final = "ended"
CALL: Final = "call"
"""A model call has returned."""
CUT: Final = "cut"
"""What the row is about was done to it, just now."""
OVER: Final = "over"
"""The program's code has come to its end; the interpreter's own follows."""
PROCESS: Final = "process"
"""The first line of a process."""

OPEN: Final = "open"
UNWOUND: Final = "unwound"
UNWOUND_ASYNC: Final = "unwound_async"
BESIDE: Final = "beside"

OBSERVER: Final[ContextVar[Callable[[str, str], None] | None]] = ContextVar(
    "observer", default=None
)
"""Hears of each moment that the running task tells."""


class Log:
    """Appends to a process's file. Threads may share it; a fork must make its own."""

    def __init__(self, directory: Path, role: str, place: str = OPEN) -> None:
        """Begin the log of this process.

        Args:
            directory: Of the trial.
            role: What the process is to the trial: `main`, `child`, `worker`, `second`.
            place: Which entry of the table tells what becomes of what it leaves open.
        """
        self.directory = directory
        self.place = place
        self._file = os.open(
            directory / f"{role}-{os.getpid()}.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT
        )
        self.tell(PROCESS, "", pid=os.getpid(), role=role)

    def tell(self, moment: str, key: str, **about: Any) -> None:
        """Append a line: when, which moment, of which execution, and what else there is to say."""
        line = json.dumps({"t": time.time(), "m": moment, "k": key, **about})
        os.write(self._file, line.encode() + b"\n")
        if (observe := OBSERVER.get()) is not None:
            observe(moment, key)


@dataclass(slots=True)
class Fate:
    """What is known of an execution from the logs of the processes that had a part in it."""

    key: str
    parent: str | None = None
    """Key of the execution around it; None where the log does not say."""
    place: str = OPEN
    """Which entry of the table holds, if it was left open."""
    moment: str = BEGIN
    """The latest one."""
    started_at: float = 0.0
    state: str = ""
    """The end it came to, or was about to."""
    reason: str = ""
    was_cut: bool = False
    cut_at: float = 0.0
    calls: int = 0
    """Model calls that have returned."""
    pid: int = 0
    """The process that had it last."""
    before: tuple[str, str] | None = None
    """State and reason in which an earlier process had left it, paused."""

    @property
    def certain(self) -> bool:
        """Whether it has started for sure."""
        return self.moment != BEGIN or self.before is not None


@dataclass(slots=True)
class Told:
    """The log of one process."""

    role: str
    pid: int
    began: float
    """Time of its first line."""
    over: float | None = None
    """Time at which its code came to its end, if it got there."""
    fates: dict[str, Fate] = field(default_factory=dict[str, Fate])

    @property
    def has_started(self) -> bool:
        """Whether it has started an execution."""
        return any(fate.certain for fate in self.fates.values())


def read(file: Path) -> Told | None:
    """Read a process's log; None where it has not told anything yet."""
    lines = [json.loads(line) for line in file.read_bytes().split(b"\n")[:-1]]
    if not lines:
        return None
    told = Told(lines[0]["role"], lines[0]["pid"], lines[0]["t"])
    for line in lines[1:]:
        if line["m"] == OVER:
            told.over = line["t"]
            continue
        fate = told.fates.setdefault(line["k"], Fate(line["k"], pid=told.pid))
        _note(fate, line)
    return told


def _note(fate: Fate, line: Mapping[str, Any]) -> None:
    match line["m"]:
        case "begin":
            if fate.moment == ENDED:
                fate.before = (fate.state, fate.reason)
            fate.moment = BEGIN
            fate.parent = line.get("p", fate.parent)
            fate.place = line.get("c", fate.place)
        case "call":
            fate.calls += 1
        case "cut":
            fate.was_cut, fate.cut_at = True, line["t"]
        case moment:
            fate.moment = moment
            if moment == STARTED:
                fate.started_at = line["t"]
            fate.state = line.get("s", fate.state)
            fate.reason = line.get("r", fate.reason)


def merged(logs: Iterable[Told]) -> dict[str, Fate]:
    """The fates of all executions of a trial, its processes in the order in which they began."""
    fates: dict[str, Fate] = {}
    for told in sorted(logs, key=lambda told: told.began):
        for key, fate in told.fates.items():
            earlier = fates.get(key)
            if earlier is not None:
                fate.calls += earlier.calls
                if fate.before is None and earlier.moment == ENDED:
                    fate.before = (earlier.state, earlier.reason)
                if fate.parent is None:
                    fate.parent = earlier.parent
            fates[key] = fate
    return fates
