"""The watcher of one process: gathers what calls wrote for it, sends it, beats, tells of its end.

It ends when that process has ended. Its own spool folder is the worker's: what calls left in
folders of theirs is put there, so that thousands of calls leave no thousands of folders behind
while nobody takes what they tell.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
import time
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from exectrail.conventions import names
from exectrail.execution.ids import uuid7
from exectrail.guard import guard
from exectrail.launch.emitting import processes
from exectrail.launch.emitting.processes import NoProcessError
from exectrail.spool import Destination, Folder, LogLines, Shipper, Spool, Stream, folders
from exectrail.spool.shipping import backoff

if TYPE_CHECKING:
    from exectrail.launch.emitting.worker import Claim

FOR_WORKER: Final = "for_worker"
"""In `worker.json` of a call's folder: the worker that it tells of."""
BEATS_PER_LEASE: Final = 3
LOOK_S: Final = 0.2
"""How often it looks for what calls wrote."""
SHIP_S: Final = 15.0
"""Seconds that one round of sending may take; longer than one request may."""
FAREWELL_S: Final = 1.0
"""Seconds that it stays to send what is left, when the process has ended."""
ALONE_S: Final = 10.0
"""Seconds that what no watcher gathers is tried to be sent."""
_PER_GENERATION: Final = 1 << 20
"""Numbers for the events of one watcher; the next one of the same process goes on behind them."""
_GUARD: Final = guard("emit.watch")


def about(resource: Mapping[str, Any], pid: int, lease: float) -> dict[str, Any]:
    """What `worker.json` of a spool folder says of a worker that is reported for."""
    return {
        "pid": pid,
        "host": resource.get(names.HOST_NAME, ""),
        "lease": lease,
        "started_ns": time.time_ns(),
        # None, under `exectrail run` too: it would take the lock's holder for the process meant,
        # and beat for it after its end.
        "supervisor": "",
        "endpoint": Destination.from_environment().endpoint,
        "resource": dict(resource),
    }


def ship_alone(path: Path) -> None:
    """Send what one call wrote, where no watcher does; try again for a while."""
    folder, destination = Folder(path), Destination.from_environment()
    deadline = time.monotonic() + ALONE_S
    for tries in count():
        with folder.claimed() as ours:
            if not ours:
                return
            shipped = Shipper(folder, destination).ship(deadline)
            if folder.remove_if_done() or not shipped.problem:
                return
        wait = max(backoff(tries), shipped.retry_after_s)
        if time.monotonic() + wait > deadline:
            return
        time.sleep(wait)


def watch(root: Path, claim: Claim) -> None:
    """Watch a process until it ends. Runs in a process of its own (`processes.apart`).

    Args:
        root: The folder of all spools.
        claim: The process, and the lock that says that it is watched.
    """
    os.umask(0o077)
    Watcher(root, claim).live()


class Watcher:
    """Watches one process.

    Args:
        root: The folder of all spools.
        claim: The process, and the lock that says that it is watched.
    """

    def __init__(self, root: Path, claim: Claim) -> None:
        worker = claim.worker
        first = worker.watchers == 1
        self._root = root
        self._claim = claim
        self._worker = worker
        self._lines = LogLines(worker.resource)
        # The name must be free: after a watcher that was killed the worker's own folder is left.
        folder = worker.id if first else uuid7(time.time_ns())
        known = about(worker.resource, worker.pid, worker.lease)
        self._spool = Spool.create(root, folder, {**known, "worker_id": worker.id})
        self._numbers = count(1 + (worker.watchers - 1) * _PER_GENERATION)
        self._seen = -1
        self._foreign: set[str] = set()
        self._sending = Sending(self._spool)
        if first:
            self._tell(names.EVENT_WORKER_STARTED)

    def live(self) -> None:
        """Until the process has ended."""
        self._sending.start()
        interval = self._worker.lease / BEATS_PER_LEASE
        beat = time.monotonic() + interval
        while not self._ended(LOOK_S):
            with _GUARD:
                self._gather()
                if time.monotonic() >= beat:
                    beat += interval
                    self._tell(names.EVENT_WORKER_HEARTBEAT)
        with _GUARD:
            self._seen = -1
            self._gather()
        with _GUARD:
            self._tell(names.EVENT_WORKER_EXITED, self._ending())
        self._sending.end(FAREWELL_S)
        self._spool.close()
        with _GUARD:
            if self._spool.folder is not None:
                self._spool.folder.remove_if_done()
        if self._worker.claim is not None:
            with contextlib.suppress(OSError):
                self._worker.claim.unlink()

    def _ended(self, wait: float) -> bool:
        if self._claim.process >= 0:
            waiting = select.poll()
            waiting.register(self._claim.process, select.POLLIN)
            return bool(waiting.poll(wait * 1000))
        time.sleep(wait)  # no descriptors of processes here: by its id and start time
        try:
            start = processes.started(self._worker.pid)
        except NoProcessError:
            return True
        return start != self._worker.pid_started

    def _ending(self) -> dict[str, Any]:
        """How it ended, where the kernel says so."""
        if self._claim.process < 0:
            return {}
        from exectrail.supervisor.endings import of_stranger

        ending = of_stranger(self._worker.pid, self._claim.process)
        told: dict[str, Any] = {}
        if ending.code is not None:
            told[names.WORKER_EXIT_CODE] = ending.code
        if ending.signal_name:
            told[names.WORKER_SIGNAL] = ending.signal_name
        return told

    def _tell(self, event: str, extra: dict[str, Any] | None = None) -> None:
        attributes: dict[str, Any] = {
            names.WORKER_SEQUENCE: next(self._numbers),
            names.EVENT_NAME: event,
            **(extra or {}),
        }
        level = names.EVENT_SEVERITY[event]
        self._spool.write(Stream.STATES, self._lines.line(event, time.time_ns(), level, attributes))

    def _gather(self) -> None:
        """Put what calls wrote for this worker into its own folder."""
        changed = self._root.stat().st_mtime_ns
        if changed == self._seen:
            return
        again = False
        for folder in folders(self._root):
            if folder.worker_id in self._foreign or folder.path == self._path:
                continue
            if folder.about().get(FOR_WORKER) != self._worker.id:
                self._foreign.add(folder.worker_id)
            elif folder.alive() or not self._take(folder):
                again = True  # a call that still writes, or a folder that somebody else ships
        self._foreign &= {folder.worker_id for folder in folders(self._root)}
        self._seen = -1 if again else changed

    @property
    def _path(self) -> Path | None:
        return self._spool.folder.path if self._spool.folder is not None else None

    def _take(self, folder: Folder) -> bool:
        with folder.claimed() as ours:
            if not ours:
                return False
            positions = folder.acknowledged()
            for stream in Stream:
                while (chunk := folder.read(stream, positions[stream], 1 << 20)) is not None:
                    for line in chunk.lines:
                        self._spool.write(stream, line + b"\n")
                    positions[stream] = chunk.after
            folder.acknowledge(positions)
            return folder.remove_if_done()


class Sending:
    """Sends a spool in a thread, so that a receiver that hangs does not hide the process's end.

    Args:
        spool: Ours.
    """

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._news = threading.Event()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._live, name="exectrail-emit", daemon=True)
        spool.written = self._news.set

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def end(self, wait: float) -> None:
        """Send what is left, for so many seconds at most."""
        self._ending.set()
        self._news.set()
        self._thread.join(wait)

    def _live(self) -> None:
        destination = Destination.from_environment()
        folder = self._spool.folder
        claim = None
        tries = 0
        while True:
            self._news.wait()
            self._news.clear()
            last = self._ending.is_set()
            with _GUARD:
                claim = claim or (folder.claim() if folder is not None else None)
                if claim is not None:  # else somebody else ships it just now
                    shipper = Shipper(folder, destination, self._spool)
                    shipped = shipper.ship(time.monotonic() + (FAREWELL_S if last else SHIP_S))
                    tries = tries + 1 if shipped.problem else 0
                else:
                    tries = 1
            if last:
                return
            if tries:
                self._ending.wait(backoff(tries))
                self._news.set()
