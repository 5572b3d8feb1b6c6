"""Delivering spools, the workers' and the supervisor's own: steadily, and the rest at the end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, NamedTuple

from exectrail.guard import guard
from exectrail.spool import (
    Destination,
    Folder,
    Shipped,
    Shipper,
    Spool,
    Stream,
    ship_leftovers,
    ship_together,
    sweep,
)
from exectrail.spool.folder import Position
from exectrail.spool.shipping import backoff
from exectrail.spool.streams import SHIPPED_FIRST

_GUARD = guard("supervisor.delivery")
EVERY_S = 0.15
"""How long states gather for a request."""
OTHERS_EVERY_S = 1.0
"""How long spans, logs and metrics do."""
REQUESTS_S = 10.0
"""What a round may take."""
CLAIM_AGAIN_S = 0.5
MOST_RETRY_AFTER_S = 30.0
LEFTOVERS_AFTER_S = 3.0
LEFTOVERS_EVERY_S = 30.0
LEFTOVERS_AT_END_S = 0.5
SLOW_S = 8.0
"""What the program's end waits at most for a receiver that takes what it gets, but slowly."""
TROUBLE_S = 0.5
"""What it waits for one that failed just now: once more, and no longer."""


class Parcel:
    """A folder that is delivered.

    Args:
        folder: The folder; None where the supervisor has memory alone.
        own: The supervisor's own spool, which it ends itself.
    """

    def __init__(self, folder: Folder | None, own: Spool | None) -> None:
        self.folder = folder
        self.own = own
        self.dead = False
        self.claim: IO[bytes] | None = None
        self.claim_at = 0.0
        self.shipper: Shipper | None = None
        self.size = -1
        """Its size before all of that was delivered last."""


class Due(NamedTuple):
    """A folder of which something is to be delivered, as it was when a round began."""

    parcel: Parcel
    size: int
    ending: bool
    """Nothing was written to it any more, or it is the last round."""


class Rest:
    """Delivers all but states, in a thread of its own: word of a death waits for no spans.

    Args:
        destination: Where to; nobody else sends by it meanwhile.
        due: Of what.
        left: The folder of all spools, where what dead processes left is to be shipped next, for
            as long as others gather; None for not now.
        wanted: Asked before each request of those whether to go on.
    """

    def __init__(
        self,
        destination: Destination,
        due: Sequence[Due],
        left: Path | None,
        wanted: Callable[[], bool],
    ) -> None:
        self.due = due
        self.came = Shipped()
        """What came of the last request."""
        self.leaves_some = False
        """There may be more of what dead processes left."""
        self._destination = destination
        self._left = left
        self._wanted = wanted
        self._thread = threading.Thread(target=self._deliver, name="exectrail-rest", daemon=True)
        self._thread.start()

    def wait(self, seconds: float = 0.0) -> bool:
        """Whether it is done, within that time."""
        self._thread.join(max(0.0, seconds))
        return not self._thread.is_alive()

    def _deliver(self) -> None:
        with _GUARD:
            deadline = time.monotonic() + REQUESTS_S
            for came in _deliver_rest(self._destination, self.due, deadline):
                self.came = came
            if self._left is not None and not self.came.problem:
                until = time.monotonic() + OTHERS_EVERY_S

                def wanted() -> bool:
                    return self._wanted() and time.monotonic() < until

                for _ in ship_leftovers(self._left, self._destination, wanted=wanted):
                    pass
                self.leaves_some = not wanted()
                sweep(self._left)


class Delivery:
    """Delivers folders, in a thread of its own.

    Args:
        root: The folder of all spools.
        environment: Its variables say where to.
    """

    def __init__(self, root: Path, environment: Mapping[str, str]) -> None:
        self.destination = Destination.from_environment(environment)
        self._aside = Destination.from_environment(environment)
        """The same, by connections of its own: for what is delivered beside states."""
        self._root = root
        self._parcels: dict[str, Parcel] = {}
        self._lock = threading.Lock()
        self._some = threading.Event()
        self._stopping = threading.Event()
        self._deadline = 0.0
        self._tries = 0
        self._trouble = False
        self._leftovers_at = time.monotonic() + LEFTOVERS_AFTER_S
        self._rest: Rest | None = None
        self._rest_at = 0.0
        self._rest_tries = 0
        self._thread = threading.Thread(target=self._live, name="exectrail-deliver", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def add(self, folder: Folder) -> None:
        """Deliver a worker's folder from now on."""
        with self._lock:
            self._parcels.setdefault(folder.worker_id, Parcel(folder, None))

    def add_own(self, spool: Spool) -> None:
        """Deliver the supervisor's own spool from now on."""
        with self._lock:
            self._parcels[""] = Parcel(spool.folder, spool)

    def died(self, folder: Folder) -> None:
        """Its process has ended: deliver it at once, and remove it."""
        with self._lock:
            parcel = self._parcels.get(folder.worker_id)
        if parcel is not None:
            parcel.dead = True
        self._some.set()

    def finish(self) -> None:
        """Deliver what there is, for a bounded time; what is left stays for the next one."""
        began = time.monotonic()
        self._deadline = began + (TROUBLE_S if self._trouble else SLOW_S)
        self._stopping.set()
        self._some.set()
        while self._thread.is_alive() and time.monotonic() < self._deadline:
            self._thread.join(0.02)
            if self._trouble and time.monotonic() > began + TROUBLE_S:
                return

    # -- in the thread ---------------------------------------------------------------------------

    def _live(self) -> None:
        while not self._stopping.is_set():
            self._some.wait(EVERY_S)
            self._some.clear()
            wait = 0.0
            with _GUARD:
                wait = self._round(time.monotonic() + REQUESTS_S)
            if wait:
                self._stopping.wait(wait)
        with _GUARD:
            self._last_round(self._deadline)
        with _GUARD:
            if self._parcels and not self._trouble:
                end = min(self._deadline, time.monotonic() + LEFTOVERS_AT_END_S)
                for _ in ship_leftovers(self._root, self.destination, deadline=end):
                    pass
        for parcel in self._parcels.values():
            if parcel.claim is not None:
                parcel.claim.close()

    def _round(self, deadline: float) -> float:
        """Deliver what there is now: states at once, the rest aside now and then.

        Returns:
            Seconds to wait before the next round, where the receiver fails.
        """
        self._see_to_rest()
        due = self._all_due()
        if due:
            wait = self._see_to_states(deadline)
            if wait:
                return wait
        now = time.monotonic()
        left = self._root if self._parcels and now >= self._leftovers_at else None
        if self._rest is None and now >= self._rest_at and (due or left is not None):
            self._rest_at = now + OTHERS_EVERY_S
            if left is not None:
                self._leftovers_at = now + LEFTOVERS_EVERY_S
            self._rest = Rest(self._aside, due, left, lambda: not self._stopping.is_set())
        return 0.0

    def _last_round(self, deadline: float) -> None:
        """Deliver all that there is, but of processes that go on: those do it for themselves.

        They are let go as soon as can be, and heard until then: nobody is to think them dead.
        """
        while True:
            if self._see_to_states(deadline):
                return
            self._see_to_rest(min(EVERY_S, deadline - time.monotonic()))
            if self._rest is None or time.monotonic() > deadline:
                break
        self._let_go()
        due = self._all_due()
        if self._see_to_states(deadline):
            return
        for done in _deliver_rest(self.destination, due, deadline):
            if done.problem:
                self._pause(done)
                return
        self._delivered(due)

    def _let_go(self) -> None:
        """Leave the folders of processes that live to them."""
        with self._lock:
            living = [
                parcel.folder.worker_id
                for parcel in self._parcels.values()
                if parcel.own is None and parcel.folder is not None and not parcel.dead
                if parcel.folder.alive()
            ]
            parcels = [self._parcels.pop(worker_id) for worker_id in living]
        for parcel in parcels:
            if parcel.claim is not None:
                parcel.claim.close()

    def _see_to_states(self, deadline: float) -> float:
        """Deliver states.

        Returns:
            Seconds to wait, where the receiver fails.
        """
        for done in self._deliver_states(deadline):
            if done.problem:
                return self._pause(done)
            self._tries = 0
            self._trouble = self._rest_tries > 0
        return 0.0

    def _see_to_rest(self, seconds: float = 0.0) -> None:
        """Take note of what came of the rest, if it is done within that time."""
        rest = self._rest
        if rest is None or not rest.wait(seconds):
            return
        self._rest = None
        if rest.leaves_some:
            self._leftovers_at = time.monotonic() + LEFTOVERS_AFTER_S
        if rest.came.problem:
            wait = max(backoff(self._rest_tries), min(rest.came.retry_after_s, MOST_RETRY_AFTER_S))
            self._rest_at = time.monotonic() + wait
            self._rest_tries += 1
            self._trouble = True
        else:
            self._rest_tries = 0
            self._delivered(rest.due)

    def _deliver_states(self, deadline: float) -> Iterator[Shipped]:
        """What we tell of a process goes with what it had told itself by then, or after it.

        So its last words are there when it is said to have ended, and nothing looks abandoned that
        was not. That is why ours is read before the others are listed, and sent last.
        """
        with self._lock:
            own = self._parcels.get("")
        if own is not None and own.shipper is None:
            self._claim(own)
        ours = own.shipper if own is not None else None
        end = ours.end(Stream.STATES) if ours is not None else Position()
        while True:
            told = ours.waiting(Stream.STATES) if ours is not None else None
            workers = [parcel for parcel in self._everyone() if parcel is not own]
            for parcel in workers:
                if parcel.shipper is None:
                    self._claim(parcel)
            last = (ours, told) if ours is not None and told is not None else None
            shippers = _shippers(workers)
            yield from ship_together(self.destination, Stream.STATES, shippers, deadline, last=last)
            if ours is None or told is None or ours.is_past(Stream.STATES, end):
                return

    def _everyone(self) -> list[Parcel]:
        """All parcels, those of dead processes first."""
        with self._lock:
            return sorted(self._parcels.values(), key=lambda parcel: not parcel.dead)

    def _all_due(self) -> list[Due]:
        """All that there may be something of to deliver."""
        return [found for parcel in self._everyone() if (found := self._due(parcel)) is not None]

    def _due(self, parcel: Parcel) -> Due | None:
        """It, where there may be something to deliver."""
        due = Due(parcel, _size(parcel), ending=parcel.dead or self._stopping.is_set())
        if not due.ending and due.size == parcel.size:
            return None
        if parcel.shipper is None:
            self._claim(parcel)
        return due if parcel.shipper is not None else None

    def _pause(self, failed: Shipped) -> float:
        """How long to wait after a failure."""
        self._trouble = True
        wait = max(backoff(self._tries), min(failed.retry_after_s, MOST_RETRY_AFTER_S))
        self._tries += 1
        return wait

    def _delivered(self, due: Sequence[Due]) -> None:
        """All of it was delivered that was there when the round began."""
        for parcel, size, ending in due:
            parcel.size = size
            if parcel.folder is None or parcel.own is not None:
                continue
            if ending:
                parcel.folder.remove_if_done()
            if ending and parcel.dead and parcel.claim is not None:
                parcel.claim.close()
                with self._lock:
                    self._parcels.pop(parcel.folder.worker_id, None)

    def _claim(self, parcel: Parcel) -> None:
        now = time.monotonic()
        if now < parcel.claim_at and not parcel.dead:
            return
        parcel.claim_at = now + CLAIM_AGAIN_S
        folder = parcel.folder
        if folder is not None:
            if parcel.own is None and folder.about().get("endpoint") != self.destination.endpoint:
                return  # it goes elsewhere, and sees to that itself
            parcel.claim = folder.claim()
            if parcel.claim is None:
                return
        parcel.shipper = Shipper(folder, self.destination, parcel.own)


def _deliver_rest(
    destination: Destination, due: Sequence[Due], deadline: float
) -> Iterator[Shipped]:
    """Deliver all but states; where that fails, the last one tells why."""
    shippers = _shippers(each.parcel for each in due)
    for stream in SHIPPED_FIRST:
        if stream is Stream.STATES:
            continue
        for done in ship_together(destination, stream, shippers, deadline):
            yield done
            if done.problem:
                return


def _shippers(parcels: Iterable[Parcel]) -> list[Shipper]:
    return [parcel.shipper for parcel in parcels if parcel.shipper is not None]


def _size(parcel: Parcel) -> int:
    on_disk = parcel.folder.size() if parcel.folder is not None else 0
    return on_disk + (parcel.own.in_memory if parcel.own is not None else 0)
