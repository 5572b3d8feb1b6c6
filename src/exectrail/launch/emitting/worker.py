"""The worker of what is reported by the command: the process that a script says it depends on.

Each (process id, start time) is one worker, with a file beneath the spool. Whoever watches the
process holds that file's lock; a call that finds it free starts a watcher.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from exectrail.conventions import names
from exectrail.execution.ids import uuid7
from exectrail.launch.emitting import processes
from exectrail.launch.emitting.kept import PROCESS
from exectrail.launch.emitting.processes import NoProcessError

_READ_S: Final = 2.0
"""How long another call may take to write the file that it has just made."""


@dataclass(frozen=True, slots=True)
class Worker:
    """A watched process, or a name for what no process stands for."""

    id: str
    """UUIDv7."""
    pid: int
    """0 where there is none to watch."""
    lease: float
    """Seconds."""
    resource: Mapping[str, Any]
    claim: Path | None = None
    """Its file; None where there is no process."""
    watchers: int = 0
    """How many watchers it has had, this one included."""

    @property
    def pid_started(self) -> str:
        """When the process started; empty where there is none."""
        return self.claim.stem.rpartition("-")[2] if self.claim is not None else ""


class Claim:
    """What a watcher holds: the lock of the worker's file, and the process itself."""

    def __init__(self, worker: Worker, lock: int, process: int) -> None:
        self.worker = worker
        self.lock = lock
        self.process = process
        """A descriptor that is readable once it has ended; -1 where the system has none."""

    def close(self) -> None:
        """Let go of it here; a watcher that has it keeps it."""
        for descriptor in (self.lock, self.process):
            if descriptor >= 0:
                os.close(descriptor)


def without_process(lease: float, environment: Mapping[str, str]) -> Worker:
    """A worker that no process stands for: alive for as long as something is heard of it."""
    worker_id = uuid7(time.time_ns())
    return Worker(worker_id, 0, lease, resource(worker_id, 0, lease, environment))


def find(
    folder: Path, pid: int, lease: float, environment: Mapping[str, str]
) -> tuple[Worker, Claim | None]:
    """The worker that a process is.

    Args:
        folder: Where the files are.
        pid: The process.
        lease: Seconds that it may be silent, where it is not known yet.
        environment: Says which service it is, where it is not known yet.

    Returns:
        The worker; and the claim to watch it, where nobody does.

    Raises:
        NoProcessError: It has ended.
        OSError: The file cannot be used.
    """
    start = processes.started(pid)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{PROCESS}{pid}-{start}.json"
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return _written(path), None
    process = -1
    try:
        if hasattr(os, "pidfd_open"):
            with contextlib.suppress(ProcessLookupError):
                process = os.pidfd_open(pid)
            if process < 0 or processes.started(pid) != start:
                raise NoProcessError(f"process {pid} has ended")
        worker = _known(path) or _new(path, pid, lease, environment)
        worker = Worker(
            worker.id, pid, worker.lease, worker.resource, path, watchers=worker.watchers + 1
        )
        _write(lock, worker)
    except BaseException:
        os.close(lock)
        if process >= 0:
            os.close(process)
        raise
    return worker, Claim(worker, lock, process)


def _new(path: Path, pid: int, lease: float, environment: Mapping[str, str]) -> Worker:
    worker_id = uuid7(time.time_ns())
    return Worker(worker_id, pid, lease, resource(worker_id, pid, lease, environment), path)


def _write(lock: int, worker: Worker) -> None:
    text = json.dumps(
        {
            "id": worker.id,
            "pid": worker.pid,
            "lease": worker.lease,
            "resource": dict(worker.resource),
            "watchers": worker.watchers,
        }
    ).encode()
    os.pwrite(lock, text, 0)
    os.ftruncate(lock, len(text))


def _known(path: Path) -> Worker | None:
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        found = json.loads(path.read_bytes())
        return Worker(
            found["id"],
            found["pid"],
            found["lease"],
            found["resource"],
            path,
            found["watchers"],
        )
    return None


def _written(path: Path) -> Worker:
    deadline = time.monotonic() + _READ_S
    while (worker := _known(path)) is None:
        if time.monotonic() > deadline:
            raise OSError(f"{path} cannot be read")
        time.sleep(0.005)
    return worker


def resource(
    worker_id: str, pid: int, lease: float, environment: Mapping[str, str]
) -> dict[str, Any]:
    """Which service, host and worker it is.

    OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME win, but not over the worker and the process:
    https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/

    Args:
        worker_id: UUIDv7.
        pid: The process; 0 for none.
        lease: Seconds.
        environment: Variables.
    """
    known: dict[str, Any] = {names.HOST_NAME: os.uname().nodename}
    for part in environment.get("OTEL_RESOURCE_ATTRIBUTES", "").split(","):
        key, equals, value = part.partition("=")
        if equals and key.strip():
            known[unquote(key.strip())] = unquote(value.strip())
    if name := environment.get("OTEL_SERVICE_NAME", "").strip():
        known[names.SERVICE_NAME] = name
    if not known.get(names.SERVICE_NAME):
        known[names.SERVICE_NAME] = (processes.program(pid) if pid else "") or names.ROOT
    known[names.WORKER_ID] = worker_id
    known[names.WORKER_LEASE] = lease
    known.pop(names.PROCESS_PID, None)
    if pid:
        known[names.PROCESS_PID] = pid
    return known
