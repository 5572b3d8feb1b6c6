"""What a fold asks and writes; how, stands in the files `fold_*.sql` and `rollup_*.sql`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from exectrail.queries.query import Query, question
from exectrail.queries.times import LATEST, NO_TIME, made

ROLLUPS: Final = {"runs": ("runs", "agents"), "usage": ("usage",)}
"""What is written anew by the hour and the day, by what changed."""
_TICK: Final = timedelta(microseconds=1)
_CLOCKS: Final = timedelta(days=1)
"""By how much clocks of processes that work on one run may differ, at most."""
_EARLIEST: Final = NO_TIME + timedelta(days=2)
"""So much after the epoch that there is a time before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """The store's time, and when the latest fold began that was done; 1970 where none was."""

    now: datetime
    last: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """A run of which there is news; `latest_us` is when it came: since 1970, the store's clock."""

    root_id: str
    latest_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """An id under which a run is shown, or may have been."""

    root_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Between:
    """How many runs there are from one id to another."""

    runs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TouchedHour:
    """An hour (UTC) of which the roll-ups of `what`, runs or usage, are behind."""

    what: str
    hour: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Complete:
    """From when on (UTC) all rows are there that roll-ups of `what`, runs or usage, stand for."""

    what: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Nothing:
    """What a statement returns that writes."""


def fold_begins() -> Query[Beginning]:
    """One row: what time it is, and up to when everything was folded."""
    return question("fold_begins", Beginning)


def fold_touched(since: datetime) -> Query[Touched]:
    """Runs of which there is news since a time, by the store's clock."""
    return question("fold_touched", Touched, since=_time(since))


def fold_shown(root_ids: Sequence[str], whole: tuple[str, str] | None = None) -> Query[Shown]:
    """Under which ids what belongs to some runs is shown, or may have been shown before.

    Args:
        root_ids: Ids of runs, as their parts state them.
        whole: See `fold_runs`.
    """
    return question("fold_shown", Shown, roots=_roots(root_ids, whole))


def fold_between(first: str, last: str, most: int) -> Query[Between]:
    """One row: how many runs there are.

    Args:
        first: Id of a run, in the order of texts.
        last: Another one; both count.
        most: No more are counted.
    """
    return question("fold_between", Between, first=first, last=last, most=most)


def fold_complete() -> Query[Complete]:
    """From when on roll-ups can be written anew: two rows."""
    return question("fold_complete", Complete)


def fold_hours(since: datetime, folded: datetime) -> Query[TouchedHour]:
    """Hours in which something changed.

    Args:
        since: Of calls: that came after it, by the store's clock.
        folded: Of runs: that were written at or after it.
    """
    return question("fold_hours", TouchedHour, since=_time(since), folded=_time(folded))


def rebuild_hours(since: datetime, until: datetime) -> Query[TouchedHour]:
    """Hours of which there are rows, or roll-ups, from the one of a time to the one of another."""
    first, last = (min(max(at, NO_TIME), LATEST) for at in (since, until))
    return question("rebuild_hours", TouchedHour, since=_time(first), until=_time(last))


def fold_runs(
    root_ids: Sequence[str], folded: datetime, *, whole: tuple[str, str] | None = None
) -> Iterator[Query[Nothing]]:
    """Statements that write some runs anew; readers see the old rows or the new ones.

    Args:
        root_ids: Ids of runs, and of what may have been shown as one.
        folded: The time that they get; greater than that of any fold before.
        whole: An id and a later one; all runs between are written, whether `root_ids` names them
            or not. A plan that has a few ids in it is made much sooner than one that has thousands.
    """
    roots, asked = ",".join(root_ids), _roots(root_ids, whole)
    since = max(_EARLIEST, min(map(made, root_ids))) - _CLOCKS
    for name in ("fold_runs", "fold_agents"):
        yield question(name, Nothing, roots=asked, since=_time(since), folded=_time(folded))
    # What was not written anew just now is older than this, and has gone.
    for name in ("fold_runs_gone", "fold_agents_gone"):
        yield question(name, Nothing, roots=roots, folded=_time(folded - _TICK))


def _roots(root_ids: Sequence[str], whole: tuple[str, str] | None) -> str:
    """Runs as the views (segments_of) are told them."""
    if whole is None:
        return ",".join(root_ids)
    first, last = whole
    outside = [root_id for root_id in root_ids if not first <= root_id <= last]
    return ",".join([f"{first}..{last}", *outside])


def fold_rollups(
    what: str, hours: Sequence[datetime], folded: datetime
) -> Iterator[Query[Nothing]]:
    """Statements that write the roll-ups of some hours, and of their days, anew.

    Args:
        what: A key of `ROLLUPS`.
        hours: Beginnings of hours, UTC; at least one.
        folded: As of `fold_runs`.
    """
    texts = [f"{hour:%Y-%m-%d %H:%M:%S}" for hour in hours]
    for name in ROLLUPS[what]:
        for unit in ("hourly", "daily"):
            table = f"rollup_{name}_{unit}"
            yield question(table, Nothing, hours=texts, folded=_time(folded))
            yield question(f"{table}_gone", Nothing, hours=texts, folded=_time(folded - _TICK))


def fold_open(began: datetime) -> Iterator[Query[Nothing]]:
    """Statements that write down what is open now, and what is not any more; and pauses by keys.

    Args:
        began: When the fold began that does it.
    """
    yield question("fold_open", Nothing, found=_time(began))
    yield question("fold_keyed", Nothing, found=_time(began))
    yield question("fold_done", Nothing, began=_time(began), done=0)


def fold_settled(found: datetime) -> Query[Nothing]:
    """Writes down of what nothing more is to be said, with what is known of it."""
    return question("fold_settled", Nothing, found=_time(found))


def fold_done(began: datetime) -> Query[Nothing]:
    """Writes down that all was folded that had come when this one began."""
    return question("fold_done", Nothing, began=_time(began), done=1)


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S.%f}"
