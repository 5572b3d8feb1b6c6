"""One fold after the other, in pieces."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol, TypeVar

from exectrail import queries
from exectrail.queries import Beginning, Query, TouchedHour

R = TypeVar("R")

FOLD_EVERY: Final = 15.0
"""Seconds from the beginning of one fold to the next."""
AGAIN: Final = timedelta(minutes=2)
"""What came within this before the latest fold is looked at again: so long an insert may take from
its stamp to its being seen. The same span stands in the view `open_segments`."""
IDLE: Final = timedelta(minutes=10)
"""After which a fold that found nothing is written down: the next one looks less far back."""
RUNS_AT_ONCE: Final = 4000
"""How many runs one piece takes that names each."""
IDS_AT_ONCE: Final = 6000
"""How many ids one statement names: they stand in the address of a request, of 1 MiB at most."""
CROWD: Final = 500
"""From so many runs on, all between the first and the last are written, where that is not twice as
many: after a first load, or a long time in which nobody folded."""
CROWD_AT_ONCE: Final = 20_000
"""How many runs one piece takes that names the first and the last. Most of what it costs is the
same for one run; more of them take more memory."""
SETTLE_EVERY: Final = 600.0
"""Seconds from one time that is written down of what nothing more is to be said to the next."""
HOURS_AT_ONCE: Final = 48
AT_WORK: Final = 0.25
"""Seconds after which `attend` begins no further piece: others want the processor too."""
_REST: Final = 4
"""How many times as long as it was at work `attend` rests."""


class Store(Protocol):
    """What a fold needs of a database client (`exectrail.storage.client.Client` has it)."""

    def fetch(self, statement: Query[R], /) -> list[R]: ...

    def command(self, sql: str, parameters: Mapping[str, object], /) -> None: ...


@dataclass(frozen=True, slots=True)
class Folded:
    """How far a fold has come.

    Attributes:
        runs: How many runs were written anew until now.
        of: How many there are to write.
        hours: How many hours' roll-ups were written anew until now.
        done: Whether it is through.
    """

    runs: int
    of: int
    hours: int
    done: bool


class Fold:
    """Folds what there is news of, again and again.

    A fold that is broken off is begun anew by whoever folds next: nothing is marked as done before
    all of it is. Two at once do the same work twice, and no harm.

    Args:
        store: Where the runs are and the rows go.
        monotonic: Seconds, for the pauses.
    """

    def __init__(self, store: Store, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._monotonic = monotonic
        self._pieces: Iterator[Folded] | None = None
        self._next_fold = self._next_piece = self._next_settling = float("-inf")
        self._seen: dict[str, int] = {}

    def attend(self) -> Folded | None:
        """Do a little of what is due by now; to be called again and again, each half second or so.

        Returns:
            How far it came; None where nothing was due.

        Raises:
            Exception: What the store raises; the fold begins anew the next time.
        """
        now = self._monotonic()
        if now < self._next_piece:
            return None
        if self._pieces is None:
            if now < self._next_fold:
                return None
            self._next_fold = now + FOLD_EVERY
            self._pieces = self.run()
        pieces, self._pieces = self._pieces, None
        folded = next(pieces)
        while not folded.done and self._monotonic() < now + AT_WORK:
            folded = next(pieces)
        if not folded.done:
            self._pieces = pieces
        # However much there is: a fifth of the time it folds, at most.
        after = self._monotonic()
        self._next_piece = after + (after - now) * _REST
        return folded

    def run(self) -> Iterator[Folded]:
        """One fold, piece by piece, each of them one statement; only the last piece is `done`.

        Raises:
            Exception: What the store raises; what was not marked as done is folded again.
        """
        [begins] = self._store.fetch(queries.fold_begins())
        since = begins.last - AGAIN
        touched = self._store.fetch(queries.fold_touched(since))
        seen = {one.root_id: one.latest_us for one in touched}
        news = [root_id for root_id, at in seen.items() if self._seen.get(root_id) != at]
        told = Folded(0, len(news), 0, done=False)
        if news or begins.now - begins.last > IDLE:
            # First, for with this every look at what is open reads less, and so does each piece.
            yield from self._write(queries.fold_open(begins.now), told)
            for folded in self._fold(begins, news, since, told):
                yield (told := folded)
            yield from self._write([queries.fold_done(begins.now)], told)
            # By its news a run is known for as long as the span that is looked at again.
            recent = int((begins.now - AGAIN).timestamp() * 1e6)
            self._seen = {root_id: at for root_id, at in seen.items() if at > recent}
        if self._monotonic() >= self._next_settling:
            self._next_settling = self._monotonic() + SETTLE_EVERY
            [later] = self._store.fetch(queries.fold_begins())
            yield from self._write([queries.fold_settled(later.now)], told)
        yield replace(told, done=True)

    def rebuild(self, since: datetime, until: datetime) -> Iterator[Folded]:
        """Write the roll-ups of all hours of a time range anew in which there is anything.

        Hours of which rows were archived and dropped, or have grown too old, stay as they are.

        Args:
            since: Aware; the hour that it lies in is the first.
            until: Aware; the hour that it lies in is the last.

        Raises:
            Exception: What the store raises.
        """
        there = self._store.fetch(
            queries.rebuild_hours(since.astimezone(UTC), until.astimezone(UTC))
        )
        written = 0
        for written in self.write_hours(_by_what(there)):
            yield Folded(0, 0, written, done=False)
        yield Folded(0, 0, written, done=True)

    def write_hours(self, behind: Mapping[str, Sequence[datetime]]) -> Iterator[int]:
        """Write the roll-ups of some hours anew, of which all rows are there.

        Args:
            behind: Beginnings of hours (UTC), by what was told in them: runs or usage.

        Yields:
            How many hours were written until now.

        Raises:
            Exception: What the store raises.
        """
        [begins] = self._store.fetch(queries.fold_begins())
        written: set[datetime] = set()
        for one in self._store.fetch(queries.fold_complete()):
            there = sorted({hour for hour in behind.get(one.what, ()) if hour >= one.since})
            for some in _chunks(there, HOURS_AT_ONCE):
                for statement in queries.fold_rollups(one.what, some, begins.now):
                    self._store.command(statement.sql, statement.parameters)
                    yield len(written)
                written.update(some)
                yield len(written)

    def _fold(
        self, begins: Beginning, news: Sequence[str], since: datetime, told: Folded
    ) -> Iterator[Folded]:
        for some, whole in self._parts(news):
            found = self._store.fetch(queries.fold_shown(some, whole))
            ids = sorted({*some, *(one.root_id for one in found)})
            for few in [ids] if whole else _chunks(ids, IDS_AT_ONCE):
                yield from self._write(queries.fold_runs(few, begins.now, whole=whole), told)
            told = replace(told, runs=told.runs + len(some))
            yield told
        behind = self._store.fetch(queries.fold_hours(since, begins.now))
        for hours in self.write_hours(_by_what(behind)):
            told = replace(told, hours=hours)
            yield told

    def _parts(self, news: Sequence[str]) -> Iterator[tuple[Sequence[str], tuple[str, str] | None]]:
        """Runs that are written at once, and the first and the last where that is all between."""
        for many in _chunks(news, CROWD_AT_ONCE):
            if whole := self._crowd(many):
                yield many, whole
                continue
            for some in _chunks(many, RUNS_AT_ONCE):
                yield some, self._crowd(some)

    def _crowd(self, root_ids: Sequence[str]) -> tuple[str, str] | None:
        """The first and the last of some, where there are hardly any other runs between them."""
        first, last = root_ids[0], root_ids[-1]
        if len(root_ids) < CROWD:
            return None
        most = 2 * len(root_ids)
        [between] = self._store.fetch(queries.fold_between(first, last, most))
        return (first, last) if between.runs < most else None

    def _write(self, statements: Iterable[Query[R]], told: Folded) -> Iterator[Folded]:
        for statement in statements:
            self._store.command(statement.sql, statement.parameters)
            yield told


def _by_what(hours: Sequence[TouchedHour]) -> dict[str, list[datetime]]:
    return {what: [one.hour for one in hours if one.what == what] for what in queries.ROLLUPS}


def _chunks(values: Sequence[R], size: int) -> Iterator[Sequence[R]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]
