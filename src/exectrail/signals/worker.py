"""The worker: this process, its beat, and its end.

One beat each third of the lease, however many executions it holds: being watched does not grow with
the work. In-process beats starve in long C calls; a supervisor beats better from outside.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from itertools import count
from typing import Final

from exectrail.conventions import names
from exectrail.guard import guard
from exectrail.signals.attributes import Attributes
from exectrail.signals.events import Events

_GUARD = guard("signals.worker")
BEATS_PER_LEASE: Final = 3
LOOK_S: Final = 3.0
"""Seconds between two looks, at most."""


def _nothing() -> None:
    """Nothing is looked at."""


class Worker:
    """Tells that this process began, lives and ended.

    Args:
        events: Where its events go.
        lease: Seconds it may be silent.
        now_ns: Clock, nanoseconds since the epoch.
        open_count: How many executions are open.
        background: Run once in the thread, before the first beat: what should not cost the program.
        farewell: Run in the thread when the worker stops, after its last event.
        look: Run in the thread on each beat, and each few seconds between two.
    """

    def __init__(
        self,
        events: Events,
        lease: float,
        now_ns: Callable[[], int],
        open_count: Callable[[], int],
        background: Callable[[], None],
        farewell: Callable[[], None],
        look: Callable[[], None] = _nothing,
    ) -> None:
        self._events = events
        self._interval = lease / BEATS_PER_LEASE
        self._now_ns = now_ns
        self._open_count = open_count
        self._background = background
        self._farewell = farewell
        self._look = look
        self._sequence = count(1)
        self._stopping = threading.Event()
        # Nothing of this worker comes after its end. Re-entrant: a signal may come in.
        self._order = threading.RLock()
        self._thread = threading.Thread(target=self._live, name="exectrail-worker", daemon=True)

    def start(self) -> None:
        """Tell that the process began, and beat from now on."""
        with _GUARD:
            self._tell(names.EVENT_WORKER_STARTED)
        self._thread.start()

    def stop(self, timeout: float, signal: str = "") -> bool:
        """Tell that the process ends, and hand everything over.

        Args:
            timeout: Seconds the program waits for that, at most.
            signal: Name of the signal that ends it, as `SIGTERM`.

        Returns:
            Whether all was handed over in time.
        """
        with _GUARD, self._order:
            if not self._stopping.is_set():
                self._stopping.set()
                self._tell(names.EVENT_WORKER_EXITED, signal)
        if self._thread.ident is None:  # it could not be started: no more threads to be had
            return False
        self._thread.join(timeout)
        return not self._thread.is_alive()

    @property
    def alive(self) -> bool:
        """Whether it beats, or is still handing over."""
        return self._thread.is_alive()

    def _live(self) -> None:
        with _GUARD:
            self._background()
        looks = math.ceil(self._interval / LOOK_S)
        for turn in count(1):
            if self._stopping.wait(self._interval / looks):
                break
            with _GUARD:
                self._look()
            if turn % looks:
                continue
            with _GUARD, self._order:
                if not self._stopping.is_set():
                    self._tell(names.EVENT_WORKER_HEARTBEAT)
        with _GUARD:
            self._farewell()

    def _tell(self, event: str, signal: str = "") -> None:
        attributes: Attributes = {
            names.WORKER_SEQUENCE: next(self._sequence),
            names.WORKER_OPEN_EXECUTIONS: self._open_count(),
        }
        if signal:
            attributes[names.WORKER_SIGNAL] = signal
        self._events.emit(event, self._now_ns(), attributes)
