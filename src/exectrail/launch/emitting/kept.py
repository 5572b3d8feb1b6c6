"""An execution between two calls of the command: a locked file with its state and sequence."""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import json
import os
import re
import time
from collections.abc import Callable, Generator
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from exectrail.conventions.names import Kind, State
from exectrail.execution import About, Execution, Executions, Recorder

FOLDER: Final = "emit"
"""Beneath the folder of all spools."""
PROCESS: Final = "pid-"
"""How the names of the files of watched processes begin."""
ENDED_KEPT_S: Final = 86_400.0
"""How long an execution that ended is still known, so that what comes late is told apart."""
OPEN_KEPT_S: Final = 90 * 86_400.0
"""How long one is known that never ended."""
_ID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


class UnknownExecutionError(LookupError):
    """No such execution was started here, or it ended long ago; the text says so."""


@dataclass(slots=True)
class Kept:
    """What is kept of an execution. Ids of spans and traces are hex."""

    id: str
    kind: str
    name: str
    root_id: str
    started_ns: int
    parent_id: str = ""
    workflow: str = ""
    agent: str = ""
    attempt: int = 1
    iteration: int = 0
    state: str = ""
    state_ns: int = 0
    reason: str = ""
    resume_key: str = ""
    checkpoint_id: str = ""
    resumed: bool = False
    closed: bool = False
    sequence: int = 0
    """The last one that was given."""
    trace_id: str = ""
    span_id: str = ""
    parent_span_id: str = ""
    flags: int = 1
    pid: int = 0
    """The process that it depends on; 0 for none."""
    pid_started: str = ""
    lease: float = 0.0
    worker_id: str = ""
    resource: dict[str, Any] = field(default_factory=dict[str, Any])
    about: dict[str, Any] = field(default_factory=dict[str, Any])

    def execution(self, recorder: Recorder, now_ns: Callable[[], int]) -> Execution:
        """The execution as the last call left it.

        Args:
            recorder: Where it reports.
            now_ns: Clock, nanoseconds since the epoch.
        """
        about = dict(self.about)
        if deadline := about.get("deadline"):
            about["deadline"] = datetime.fromisoformat(deadline)
        engine = Executions(recorder, now_ns=now_ns)
        execution = Execution(
            engine, self.id, Kind(self.kind), self.name, None, About(**about), self.started_ns
        )
        execution.parent_id = self.parent_id
        execution.root_id = self.root_id
        execution.workflow = self.workflow
        execution.agent = self.agent
        execution.attempt = self.attempt
        execution.iteration = self.iteration
        execution.state = State(self.state) if self.state else None
        execution.reason = self.reason
        execution.resume_key = self.resume_key
        execution.checkpoint_id = self.checkpoint_id
        execution.resumed = self.resumed
        execution.closed = self.closed
        execution._state_ns = self.state_ns or self.started_ns
        execution._sequence = itertools.count(self.sequence + 1)
        return execution

    def note(self, execution: Execution) -> None:
        """Take over what a call changed. The execution gives no more numbers after this."""
        self.state = execution.state.value if execution.state is not None else ""
        self.state_ns = execution._state_ns
        self.reason = execution.reason
        self.resume_key = execution.resume_key
        self.checkpoint_id = execution.checkpoint_id
        self.closed = execution.closed
        self.sequence = execution.next_sequence() - 1


def about_json(about: About) -> dict[str, Any]:
    """What is known of an execution, as JSON; what is not known stays away."""
    known = {key: value for key, value in asdict(about).items() if value}
    if about.deadline is not None:
        known["deadline"] = about.deadline.isoformat()
    return known


class Keeper:
    """The files of the executions that were started here.

    Args:
        root: The folder of all spools.
    """

    def __init__(self, root: Path) -> None:
        self.folder = root / FOLDER

    def path(self, execution_id: str) -> Path:
        """The file of an execution.

        Raises:
            UnknownExecutionError: That is no id.
        """
        if not _ID.fullmatch(execution_id):
            raise UnknownExecutionError(f"{execution_id!r} is not the id of an execution")
        return self.folder / f"{execution_id}.json"

    def find(self, execution_id: str) -> Kept | None:
        """What is kept of an execution now, if it is known here; nothing is locked."""
        with contextlib.suppress(OSError, UnknownExecutionError, ValueError, TypeError):
            return _read(self.path(execution_id).read_bytes())
        return None

    @contextlib.contextmanager
    def held(self, execution_id: str) -> Generator[Kept]:
        """What is kept of an execution; no other call gets it within the block.

        Raises:
            UnknownExecutionError: It is not known here.
            OSError: Its file cannot be read.
        """
        path = self.path(execution_id)
        while True:
            try:
                descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            except FileNotFoundError:
                raise UnknownExecutionError(
                    f"no execution {execution_id} was started here with this spool folder"
                ) from None
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                # Who held it before put a new file in its place.
                if _same(descriptor, path):
                    text = os.read(descriptor, os.fstat(descriptor).st_size)
                    try:
                        kept = _read(text)
                    except (ValueError, TypeError):
                        raise UnknownExecutionError(f"{path} cannot be read") from None
                    yield kept
                    return
            finally:
                os.close(descriptor)

    def save(self, kept: Kept) -> None:
        """Keep it. Whoever reads sees the former file or the new one, whole.

        Raises:
            OSError: It cannot be kept.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.path(kept.id)
        beside = path.with_suffix(".new")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            json.dump(asdict(kept), file, separators=(",", ":"))
        beside.replace(path)

    def forget_old(self) -> None:
        """Remove what is not needed any more."""
        with contextlib.suppress(OSError):
            now = time.time()
            for entry in os.scandir(self.folder):
                with contextlib.suppress(OSError, ValueError, TypeError):
                    age = now - entry.stat().st_mtime
                    path = Path(entry.path)
                    if age > ENDED_KEPT_S and (
                        _unused(path)
                        if entry.name.startswith(PROCESS)
                        else age > OPEN_KEPT_S or _read(path.read_bytes()).closed
                    ):
                        path.unlink()


def _unused(path: Path) -> bool:
    """Whether the process of that file is watched by nobody."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def _same(descriptor: int, path: Path) -> bool:
    try:
        now = path.stat()
    except FileNotFoundError:
        return False
    mine = os.fstat(descriptor)
    return (mine.st_dev, mine.st_ino) == (now.st_dev, now.st_ino)


_FIELDS: Final = frozenset(item.name for item in fields(Kept))


def _read(text: bytes) -> Kept:
    found = json.loads(text)
    return Kept(**{key: value for key, value in found.items() if key in _FIELDS})
