"""Watching the program's processes: who announced itself, who ended, what is told of them."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exectrail.config import Config, load
from exectrail.conventions import names
from exectrail.guard import guard
from exectrail.spool import Destination, Folder, LogLines, Spool, Stream, root_folder
from exectrail.spool.folder import ABOUT
from exectrail.supervisor.delivery import Delivery
from exectrail.supervisor.endings import UNKNOWN, Ending
from exectrail.supervisor.oom import OomKills
from exectrail.supervisor.output import Line
from exectrail.supervisor.roots import OpenRoots
from exectrail.supervisor.workers import Worker

if TYPE_CHECKING:
    from exectrail.resources import Usage

_GUARD = guard("supervisor.watching")
LOOK_S = 0.02
"""How often new processes are looked for."""
LISTED_AGAIN_S = 1.0
"""A folder's time is only as fine as the kernel's tick: it is listed again for so long."""
SLOWLY_S = 0.5
"""How often counters and locks are looked at."""
ENDING_S = 0.1
"""How long after its end it may take until it is known how a process ended."""
ENDINGS_KEPT = 4096
UNCLAIMED_S = 2.0
"""So long a line of output waits for the process that it may be from to announce itself."""


class Watching:
    """Watches, in a thread of its own, while the program runs.

    Args:
        child: The program's process id.
        supervisor_id: By which its processes announce themselves.
        environment: Of the program; its variables say where spools are, and where they go.
        say: Tells the user something, once.
        output: Lines of the program's output come here; None where they are not captured.
    """

    def __init__(
        self,
        child: int,
        supervisor_id: str,
        environment: Mapping[str, str],
        say: Callable[[str], None],
        output: deque[Line] | None,
    ) -> None:
        self._child = child
        self._id = supervisor_id
        self._environment = environment
        self._say = say
        self._endings: dict[int, Ending] = {}
        self._workers: dict[str, Worker] = {}
        self._others: set[str] = set()
        self._oom = OomKills()
        self._own_counter = self._oom.watch(os.getpid())
        self._listed = (0, 0.0)
        self._slowly_at = 0.0
        self._own: Spool | None = None
        self._root: Path | None = None
        self._delivery: Delivery | None = None
        self._output = output
        self._speaker: Worker | None = None
        self._roots: OpenRoots | None = None
        """Of the speaker, where output is captured."""
        self._measures = False
        self._stopping = False
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        self._thread = threading.Thread(target=self._live, name="exectrail-watch", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def reaped(self, pid: int, ending: Ending) -> None:
        """A child of ours has ended; called by whoever waits for them."""
        while len(self._endings) >= ENDINGS_KEPT:
            self._endings.pop(next(iter(self._endings)))
        self._endings.pop(pid, None)
        self._endings[pid] = ending
        self._wake()

    def finish(self) -> None:
        """The program has ended: tell how its processes ended, and deliver what is there.

        Processes that outlive it go on without us, and deliver for themselves.
        """
        self._stopping = True
        self._wake()
        self._thread.join(5.0)
        if self._delivery is not None and not self._thread.is_alive():
            with _GUARD:
                self._delivery.finish()
        if self._own is not None:
            with _GUARD:
                self._own.close()
                if self._own.folder is not None:
                    self._own.folder.remove_if_done()

    def _wake(self) -> None:
        with contextlib.suppress(OSError):
            os.write(self._wake_write, b"\0")

    # -- in the thread ---------------------------------------------------------------------------

    def _live(self) -> None:
        with _GUARD:
            self._root = self._usable_root()
            if self._root is not None:
                # The lock says that the supervisor lives: the program's processes look at it.
                self._own = self._own_spool(self._root)
                self._measures = load(self._environment).resources != "off"
        self._say("")
        if self._root is None:
            return
        while not self._stopping:
            with _GUARD:
                self._look()
            self._wait()
        with _GUARD:
            self._look_last()

    def _usable_root(self) -> Path | None:
        root = root_folder(self._environment)
        if root is None:
            if not self._environment.get("EXECTRAIL_QUIET"):
                self._say("EXECTRAIL_SPOOL is off, so the program's processes are not watched")
            return None
        try:
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not os.access(root, os.W_OK | os.X_OK):
                raise PermissionError(13, "Permission denied")
        except OSError as error:
            self._say(
                f"there can be no spool in {root} ({error.strerror}), so the program's processes "
                "are not watched; EXECTRAIL_SPOOL names another folder"
            )
            return None
        return root

    def _wait(self) -> None:
        """Until something happens, or it is time to look for what does not tell."""
        waiting = select.poll()
        waiting.register(self._wake_read, select.POLLIN)
        for worker in self._workers.values():
            if worker.pidfd >= 0 and not worker.ended_at:
                waiting.register(worker.pidfd, select.POLLIN)
        soon = any(worker.ended_at and not worker.told for worker in self._workers.values())
        waiting.poll(int(1000 * LOOK_S) if not soon else 2)
        with contextlib.suppress(OSError):
            os.read(self._wake_read, 4096)

    def _look_last(self) -> None:
        """The program has ended; those of its processes that did too are told of."""
        self._listed = (0, 0.0)
        until = time.monotonic() + 2 * ENDING_S
        while True:
            self._look()
            waits = any(worker.ended_at and not worker.told for worker in self._workers.values())
            if not waits or time.monotonic() > until:
                return
            self._wait()

    def _look(self) -> None:
        now = time.monotonic()
        for folder in self._announced():
            with _GUARD:
                self._welcome(folder)
        with _GUARD:
            self._keep_output()
        thoroughly = now >= self._slowly_at
        if thoroughly:
            self._slowly_at = now + SLOWLY_S
            self._oom.look()
        for worker in list(self._workers.values()):
            with _GUARD:
                self._attend(worker, now, thoroughly)

    def _announced(self) -> list[Folder]:
        """New folders of processes that are ours."""
        if self._root is None:
            return []
        changed = self._root.stat().st_mtime_ns
        before, at = self._listed
        if changed == before and time.monotonic() - at > LISTED_AGAIN_S:
            return []
        if changed != before:
            self._listed = (changed, time.monotonic())
        entries = {name for name in os.listdir(self._root) if not name.startswith(".")}  # noqa: PTH208
        self._others &= entries
        found: list[Folder] = []
        for name in sorted(entries - self._others - self._workers.keys() - {self._id}):
            if not (self._root / name / ABOUT).exists():
                continue  # not written yet, or gone again
            folder = Folder(self._root / name)
            if folder.about().get("supervisor") == self._id:
                found.append(folder)
            else:
                self._others.add(name)
        return found

    def _welcome(self, folder: Folder) -> None:
        worker = Worker(folder, folder.about(), _version(), self._child)
        self._workers[folder.worker_id] = worker
        if worker.pid == self._child or self._speaker is None:
            self._speaker = worker
            if self._output is not None:
                if self._roots is not None:
                    self._roots.close()
                self._roots = OpenRoots(folder)
        # One that ended before we saw it was most likely in our own control group.
        worker.oom_counter = self._own_counter
        if worker.pidfd >= 0:
            if worker.pid != self._child:
                self._endings.pop(worker.pid, None)  # of an earlier process with its id
            worker.oom_counter = self._oom.watch(worker.pid) or self._own_counter
        self._measure(worker)
        self._write(Stream.STATES, worker.beat())
        self._deliver().add(folder)

    def _attend(self, worker: Worker, now: float, thoroughly: bool) -> None:
        if worker.look(thoroughly):
            ending = worker.ending(self._endings.get(worker.pid))
            # Its parent, which is us, will hear in a moment what it has used.
            complete = ending.known and (ending.used is not None or worker.pid != self._child)
            if complete or now - worker.ended_at > ENDING_S:
                self._tell_end(worker, ending)
        elif worker.became_another():
            self._write(Stream.STATES, worker.exited(UNKNOWN, None))
            self._deliver().died(worker.folder)
        elif not worker.closed:
            if now >= min(worker.measure_at, worker.beat_at):
                self._measure(worker)
            if now >= worker.beat_at:
                self._write(Stream.STATES, worker.beat())

    def _tell_end(self, worker: Worker, ending: Ending) -> None:
        oom: bool | None = None
        if worker.oom_counter is not None:
            oom = False
            if ending.killed_by == signal.SIGKILL or not ending.known:
                oom = self._oom.claim(worker.oom_counter)
        if oom and not ending.known:
            ending = Ending(killed_by=int(signal.SIGKILL))  # that is how the kernel does it
        self._measure(worker, ending.used)
        self._write(Stream.STATES, worker.exited(ending, oom))
        worker.told = True
        if worker is self._speaker and self._roots is not None:
            self._roots.died()
        worker.forget_process()
        self._deliver().died(worker.folder)
        self._workers.pop(worker.folder.worker_id, None)
        self._others.add(worker.folder.worker_id)

    def _measure(self, worker: Worker, told: Usage | None = None) -> None:
        if self._measures:
            with _GUARD:
                worker.measure(told)

    def _keep_output(self) -> None:
        """Lines of output become log records of the process that they are most likely from."""
        if self._output is None:
            return
        count = len(self._output)  # what comes later may be of states that come later
        if self._roots is not None:
            self._roots.look()
        if not count:
            return
        # The program itself; or, as under a shell, the only process that announced itself.
        speaker = self._speaker
        waited = time.time_ns() - self._output[0][1] > UNCLAIMED_S * 1e9
        if speaker is None and not (waited or self._stopping):
            return
        from exectrail.signals.redaction import scrub

        lines = speaker and speaker.lines
        lines = lines or LogLines({names.HOST_NAME: socket.gethostname()}, _version())
        for _ in range(count):
            stream, at_ns, line = self._output.popleft()
            root = self._roots.at(at_ns) if self._roots is not None else {}
            self._write(
                Stream.LOGS,
                lines.line(
                    "",
                    at_ns,
                    "ERROR" if stream == "stderr" else "INFO",
                    {names.LOG_IOSTREAM: stream, **root},
                    body=scrub(line.decode(errors="replace"), len(line)),
                ),
            )

    # -- what is told, and how it goes ------------------------------------------------------------

    def _own_spool(self, root: Path) -> Spool:
        about: dict[str, Any] = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "lease": Config().lease,
            "started_ns": time.time_ns(),
            "supervisor": self._id,
            "endpoint": Destination.from_environment(self._environment).endpoint,
            "resource": {names.HOST_NAME: socket.gethostname()},
        }
        try:
            return Spool.create(root, self._id, about)
        except OSError:
            return Spool()  # the disk is full: what is told stays in memory

    def _write(self, stream: Stream, line: bytes) -> None:
        if self._own is not None:
            self._own.write(stream, line)
            self._deliver()

    def _deliver(self) -> Delivery:
        if self._delivery is None:
            self._delivery = Delivery(self._root or Path(), self._environment)
            if self._own is not None:
                self._delivery.add_own(self._own)
            self._delivery.start()
        return self._delivery


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(names.ROOT)
    except PackageNotFoundError:  # on the path without being installed
        return ""
