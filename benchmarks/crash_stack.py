"""The stack that the programs report to, and what its views show, as time goes by."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

from exectrail.receiver.state import read_state
from exectrail.storage.client import Client, StorageError, connect

EXECTRAIL: Final = (sys.executable, "-m", "exectrail")
QUESTION: Final = Path(__file__).with_name("crash_view.sql").read_text(encoding="utf-8")
ENDS: Final = Path(__file__).with_name("crash_ends.sql").read_text(encoding="utf-8")
LOOK_EVERY_S: Final = 2.0
"""From one look at all to the next; what has ended is asked for all the time."""
ENDS_EVERY_S: Final = 0.15


@dataclass(frozen=True, slots=True)
class Shown:
    """What the views show of an execution."""

    state: str
    reason: str
    parent: str | None
    """Key of its parent; '' for a run, None where the parent is not known."""
    exit_code: int | None
    signal: str
    oom: bool
    calls: int


@dataclass(slots=True)
class Story:
    """All that was shown of an execution, from the first look on: when that was asked, and what."""

    ids: set[str] = field(default_factory=set[str])
    shown: list[tuple[float, Shown]] = field(default_factory=list[tuple[float, Shown]])
    segments: set[str] = field(default_factory=set[str])
    answers: Mapping[float, float] = field(default_factory=dict[float, float])
    """When what was asked at a time was answered."""

    @property
    def last(self) -> Shown:
        """What was shown at last."""
        return self.shown[-1][1]


class Stack:
    """An embedded stack in a directory, on ports that stay the same when it is started again."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._ports = _free_ports(2)
        self.endpoint = f"http://127.0.0.1:{self._ports[0]}"
        self.clickhouse_url = f"http://127.0.0.1:{self._ports[1]}"

    def start(self) -> None:
        """Start it, and wait until it is ready."""
        otlp, clickhouse = map(str, self._ports)
        command = ["up", "--detach", "--path", str(self.directory)]
        run([*command, "--otlp-port", otlp, "--clickhouse-port", clickhouse], os.environ)

    def stop(self) -> None:
        """Stop it; nothing if it does not run."""
        run(["down", "--path", str(self.directory)], os.environ)

    def kill(self) -> None:
        """End it by SIGKILL."""
        state = read_state(self.directory)
        if state is None:
            raise RuntimeError("the stack does not run")
        os.kill(state.pid, signal.SIGKILL)
        while state.is_alive:
            time.sleep(0.01)


class Watch:
    """Looks at the views all the time, and keeps what it saw of each execution by its key."""

    def __init__(self, stack: Stack) -> None:
        self._url = stack.clickhouse_url
        self._keys: dict[str, str] = {}
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._watch, args=words, daemon=True)
            for words in (
                (QUESTION, LOOK_EVERY_S, self._note),
                (ENDS, ENDS_EVERY_S, self._note_ends),
            )
        ]
        self._lock = threading.Lock()
        self._stories: dict[str, Story] = {}
        self._ends: dict[str, list[tuple[float, Shown]]] = {}
        self._answers: dict[float, float] = {}
        self.unknown: set[str] = set()
        """Ids of what no log told of."""
        self.looks: list[float] = []
        """Seconds that each look at what has ended took."""

    def __enter__(self) -> Watch:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def stories(self) -> dict[str, Story]:
        """By key, what was shown until now."""
        with self._lock:
            return {key: self._with_ends(story) for key, story in self._stories.items()}

    def _with_ends(self, story: Story) -> Story:
        ends = [end for segment in story.segments for end in self._ends.get(segment, [])]
        at_last, shown = story.shown[-1]
        earlier = [(at, end) for at, end in ends if at < at_last]
        return Story(
            set(story.ids),
            [*sorted([*story.shown[:-1], *earlier], key=itemgetter(0)), (at_last, shown)],
            answers=self._answers,
        )

    def _watch(
        self, question: str, every: float, note: Callable[[list[dict[str, Any]], float], None]
    ) -> None:
        client: Client | None = None
        while not self._over.wait(every):
            asked = time.time()
            try:
                client = client or connect(self._url)
                rows = client.query(question)
            except StorageError:
                client = None
                continue
            self._answers[asked] = time.time()
            note(rows, asked)

    def _note_ends(self, rows: list[dict[str, Any]], asked: float) -> None:
        self.looks.append(time.time() - asked)
        with self._lock:
            for row in rows:
                shown = Shown(
                    row["state"],
                    row["reason"],
                    None,
                    row["exit_code"],
                    row["signal"],
                    bool(row["oom"]),
                    0,
                )
                said = self._ends.setdefault(row["execution_id"], [])
                if not said or said[-1][1] != shown:
                    said.append((asked, shown))

    def _note(self, rows: list[dict[str, Any]], asked: float) -> None:
        by_id = {row["execution_id"]: row for row in rows}
        with self._lock:
            self.unknown = set()
            for row in rows:
                key = self._key(row, by_id)
                if not row["effective_state"]:
                    continue
                if key is None:
                    self.unknown.add(f"{row['name']} {row['execution_id']}")
                    continue
                parent = by_id.get(row["parent_id"])
                shown = Shown(
                    row["effective_state"],
                    row["reason"],
                    self._key(parent, by_id) if parent else (None if row["parent_id"] else ""),
                    row["exit_code"],
                    row["signal"],
                    bool(row["oom"]),
                    row["calls"],
                )
                story = self._stories.setdefault(key, Story())
                story.ids.add(row["execution_id"])
                story.segments.update(row["segments"])
                if not story.shown or story.shown[-1][1] != shown:
                    story.shown.append((asked, shown))

    def _key(self, row: Mapping[str, Any], by_id: Mapping[str, Mapping[str, Any]]) -> str | None:
        """The driver's own name: that of a block, of a thread, or of a place beneath one."""
        known = self._keys.get(row["execution_id"])
        if known is not None:
            return known
        parent = by_id.get(row["parent_id"])
        if parent is None and row["parent_id"] and not row["external_id"].startswith("cm:"):
            return None  # what is beneath may be told of before what is above
        above = self._key(parent, by_id) if parent is not None else None
        thread = row["conversation_id"]
        if row["external_id"].startswith("cm:"):
            key = row["external_id"]
        elif thread.startswith("cm:") and (above is None or not _within(above, thread)):
            key = thread
        elif above is not None:
            place = f"@{row['iteration']}" if row["iteration"] else ""
            again = f"#{row['attempt']}" if row["attempt"] > 1 else ""
            key = f"{above}/{row['name']}{place}{again}"
        else:
            return None
        if row[
            "effective_state"
        ]:  # what it is called comes with its first state; other events may be quicker
            self._keys[row["execution_id"]] = key
        return key


def _within(key: str, thread: str) -> bool:
    return key == thread or key.startswith(f"{thread}/")


class Sidecar:
    """Runs `exectrail ship` for a spool after each death, as the next program would."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._due = threading.Event()
        self._over = False
        self._thread = threading.Thread(target=self._ship, daemon=True)

    def __enter__(self) -> Sidecar:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over = True
        self._due.set()
        self._thread.join()

    def died(self) -> None:
        """A process has ended."""
        self._due.set()

    def _ship(self) -> None:
        while self._due.wait() and not self._over:
            self._due.clear()
            run(["ship"], self._environment, check=False)


def run(words: Iterable[str], environment: Mapping[str, str], *, check: bool = True) -> str:
    """Run an exectrail command to its end.

    Raises:
        RuntimeError: It failed, and `check`.
    """
    done = subprocess.run(
        [*EXECTRAIL, *words], env=dict(environment), capture_output=True, text=True, timeout=120
    )
    if check and done.returncode != 0:
        raise RuntimeError(f"exectrail {' '.join(words)}: {done.stdout}{done.stderr}")
    return done.stdout


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
