"""What panels have to show is put together from this: a fleet's notes within the time shown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from .fleet_runs import Call, Fleet, Node, Run, money

K = TypeVar("K", bound=Hashable)
Row = dict[str, Any]
Points = dict[tuple[datetime, str], Any]


@dataclass(frozen=True)
class Between:
    """A figure that goes on while one looks, or that is told about."""

    low: float
    high: float

    def __eq__(self, other: object) -> bool:
        return isinstance(other, int | float) and self.low <= other <= self.high

    __hash__ = None  # type: ignore[assignment]  # nothing that is about equal can be hashed


@dataclass(frozen=True, repr=False)
class Window:
    """What is looked at: a fleet since some seconds ago, and on one dashboard a run, or two."""

    fleet: Fleet
    since: int
    run: Run
    other: Run
    interval_s: int

    def time(self, at: int) -> datetime:
        """The interval that a moment lies in."""
        seconds = int(self.fleet.at(at).timestamp())
        return self.fleet.base + timedelta(
            seconds=seconds - seconds % self.interval_s - int(self.fleet.base.timestamp())
        )

    @property
    def runs(self) -> list[Run]:
        """Made in it, the latest first."""
        made = [run for run in self.fleet.runs if run.made >= self.since]
        return sorted(made, key=lambda run: run.id, reverse=True)

    @property
    def runs_by_hour(self) -> list[Run]:
        """Made in it or in the hour that it begins in."""
        first = self.time(self.since)
        return [run for run in self.fleet.runs if self.time(run.made) >= first]

    @property
    def open(self) -> list[Run]:
        return [run for run in self.fleet.runs if run.root.ended is None]

    @property
    def ill(self) -> list[Run]:
        """Died in it, or open and flagged."""
        died = [
            run
            for run in self.fleet.runs
            if run.outcome == "abandoned" and (run.root.ended or 0) >= self.since
        ]
        return died + [run for run in self.open if run.flags]

    @property
    def calls_by_hour(self) -> list[tuple[Run, Node, Call]]:
        first = self.time(self.since)
        return [told for told in self.fleet.calls() if self.time(told[2].at) >= first]

    def takes_part(self, runs: Iterable[Run]) -> list[tuple[Run, str, list[Node]]]:
        return [(run, name, nodes) for run in runs for name, nodes in run.agents.items()]


def of(parts: Iterable[Any], whole: Iterable[Any]) -> float | None:
    """Share; None of nothing."""
    count = len(list(whole))
    return len(list(parts)) / count if count else None


def quantile(level: float, values: Sequence[float]) -> float:
    """As ClickHouse's `quantile`: between its neighbours by its place."""
    ordered = sorted(values)
    place = level * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def about(level: float, values: Sequence[float]) -> Between:
    """As a digest tells a quantile: what lies near it."""
    ordered = sorted(values)
    place = level * (len(ordered) - 1)
    slack = 1 + 0.02 * len(ordered)
    low = ordered[max(0, int(place - slack))]
    return Between(low, ordered[min(len(ordered) - 1, int(place + slack + 1))])


def grouped(items: Iterable[Any], key: Callable[[Any], K]) -> dict[K, list[Any]]:
    found: dict[K, list[Any]] = defaultdict(list)
    for item in items:
        found[key(item)].append(item)
    return found


def ended(runs: Iterable[Run]) -> list[Run]:
    return [run for run in runs if run.outcome]


def spent(runs: Iterable[Run]) -> float | None:
    return money([call for run in runs for call in run.calls])


def wasted(runs: Iterable[Run]) -> list[Run]:
    return [run for run in runs if run.outcome in ("failed", "partial", "abandoned")]
