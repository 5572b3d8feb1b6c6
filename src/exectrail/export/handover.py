"""Handing the spool over to the receiver, from within the program, by a thread of ours.

Under a supervisor that is the supervisor's work: then this thread only waits for the day that it
dies. Whoever holds the folder's claim ships it.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import IO, Final

from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, attach, set_value

from exectrail.export.exporters import quietly
from exectrail.guard import guard
from exectrail.spool import Destination, Shipped, Shipper, Spool, Stream, ship_leftovers, sweep
from exectrail.spool.shipping import backoff

_GUARD: Final = guard("export.handover")
GATHER_S: Final = 0.2
"""How long lines gather for a request."""
GRACE_S: Final = 1.0
"""A supervisor has so long to claim the folder."""
CLAIM_AGAIN_S: Final = 0.2
"""How soon a folder is asked for again; its supervisor may have gone, and nobody is to think that
this process has."""
LEFTOVERS_AFTER_S: Final = 3.0
LEFTOVERS_EVERY_S: Final = 30.0
"""When what other processes left is looked at: a program that ends at once does not begin it.
Where its own work came between, it is looked at again as soon as at first."""
EARLIER_S: Final = 1.0
"""How long the end of a program waits for whoever ships what it wrote before the disk was full."""
MOST_RETRY_AFTER_S: Final = 30.0
"""What a receiver may ask us to wait."""
FLUSH_S: Final = 10.0
"""How long `flush` waits for the receiver, at most."""


class Handover:
    """Ships this process's spool, and when that is done what dead processes left.

    Args:
        spool: What this process writes.
        destination: Where to.
        root: The folder of all spools; None where there is memory alone.
        supervised: Somebody else is expected to ship.
    """

    def __init__(
        self, spool: Spool, destination: Destination, root: Path | None, *, supervised: bool
    ) -> None:
        self._spool = spool
        self._destination = destination
        self._root = root
        self._supervised = supervised
        self._some = threading.Event()
        self._stopping = threading.Event()
        self._hurry = threading.Event()
        """No more waiting: the program wants to know, or to end."""
        self._aborted = False
        self._deadline = 0.0
        self._trouble = False
        self._claim: IO[bytes] | None = None
        self._passes = 0
        """Goes up with each time that all there was has been tried."""
        self._passed = threading.Condition()
        self._leftovers_at = time.monotonic() + LEFTOVERS_AFTER_S
        self._thread = threading.Thread(target=self._live, name="exectrail-ship", daemon=True)
        spool.written = self._wake

    def start(self) -> None:
        """Start the thread."""
        with _GUARD:
            self._thread.start()

    @property
    def troubled(self) -> bool:
        """Whether the last try failed."""
        return self._trouble

    @property
    def durable(self) -> bool:
        """Whether what is not sent yet outlives this process."""
        return self._spool.folder is not None and not self._spool.in_memory

    def flush(self) -> None:
        """Wait until what was written by now is delivered, or the receiver fails."""
        if not self._thread.is_alive() or (self._supervised and self._claim is None):
            return
        with self._passed:
            # Two passes: the one that runs may have read before the last line was written.
            before = self._passes
            end = time.monotonic() + FLUSH_S
            while self._passes < before + 2 and time.monotonic() < end:
                if self._trouble and self._passes > before:
                    return
                self._hurry.set()
                self._some.set()
                self._passed.wait(0.05)

    def close(self, wait: float) -> None:
        """Try once more, for so many seconds; what is left stays in the spool.

        Called in a thread that the program may stop waiting for.
        """
        self._deadline = time.monotonic() + wait
        self._stopping.set()
        self._hurry.set()
        self._some.set()
        if self._thread.is_alive():
            self._thread.join(wait)
        if not self._thread.is_alive():
            self._end()

    def abort(self) -> None:
        """Stop trying."""
        self._aborted = True

    def _wake(self) -> None:
        if not self._some.is_set():
            self._some.set()

    # -- in the thread -----------------------------------------------------------------------------

    def _live(self) -> None:
        with _GUARD:  # what the user instruments is not to see our requests
            attach(set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))
        with _GUARD, quietly():
            if self._supervised and self._wait_for_claim(GRACE_S):
                return
            ends = False
            while self._spool.folder is not None:
                self._claim = self._spool.folder.claim()
                if self._claim is not None:
                    break
                if ends:
                    return
                ends = self._wait_for_claim(CLAIM_AGAIN_S)
            self._ship_on()

    def _wait_for_claim(self, seconds: float) -> bool:
        """Wait until it is time to ask for the folder; whether the program ends meanwhile.

        Whoever else ships the folder does not see what the disk did not take: that is sent here,
        after what was written before it. Else the word of the end would overtake what had ended.
        """
        memory = Shipper(None, self._destination, self._spool)
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            stopping = self._stopping.wait(min(left, GATHER_S))
            if self._spool.in_memory and not self._aborted:
                if stopping:
                    self._wait_for_earlier()
                if stopping or self._earlier_is_sent():
                    self._ship_once(memory, self._deadline if stopping else None)
            if stopping:
                return True
        return False

    def _wait_for_earlier(self) -> None:
        until = min(self._deadline, time.monotonic() + EARLIER_S)
        while not self._earlier_is_sent() and time.monotonic() < until and not self._aborted:
            time.sleep(0.01)

    def _earlier_is_sent(self) -> bool:
        """Whether the states in the folder were delivered."""
        folder = self._spool.folder
        if folder is None:
            return True
        return folder.acknowledged()[Stream.STATES] >= folder.end(Stream.STATES)

    def _ship_on(self) -> None:
        shipper = Shipper(self._spool.folder, self._destination, self._spool)
        tries = 0
        while not self._stopping.is_set():
            self._some.wait(LEFTOVERS_EVERY_S if self._root is not None else None)
            self._hurry.wait(GATHER_S)
            self._some.clear()
            self._hurry.clear()
            done = self._ship_once(shipper, None)
            if done.problem and not self._stopping.is_set():
                pause = max(backoff(tries), min(done.retry_after_s, MOST_RETRY_AFTER_S))
                tries += 1
                self._some.set()
                self._hurry.wait(pause)
            elif not done.problem:
                tries = 0
                self._ship_leftovers()
        if not self._aborted:
            self._ship_once(shipper, self._deadline)

    def _ship_once(self, shipper: Shipper, deadline: float | None) -> Shipped:
        done = Shipped(problem="it could not be read")
        with _GUARD:
            done = shipper.ship(deadline)
        self._trouble = bool(done.problem)
        with self._passed:
            self._passes += 1
            self._passed.notify_all()
        return done

    def _ship_leftovers(self) -> None:
        """A request at a time, and none while there is something of our own."""
        if self._root is None or time.monotonic() < self._leftovers_at:
            return
        with _GUARD:
            for _leftover in ship_leftovers(self._root, self._destination, wanted=self._idle):
                pass
            sweep(self._root)
        wait = LEFTOVERS_EVERY_S if self._idle() else LEFTOVERS_AFTER_S
        self._leftovers_at = time.monotonic() + wait

    def _idle(self) -> bool:
        return not self._stopping.is_set() and not self._some.is_set()

    def _end(self) -> None:
        """Let go of the spool; remove it if nothing is left in it."""
        with _GUARD:
            folder = self._spool.folder
            self._spool.close()
            if self._claim is not None and folder is not None:
                folder.remove_if_done()
            if self._claim is not None:
                self._claim.close()
            self._destination.close()
