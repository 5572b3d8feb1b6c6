"""How good a detector is: precision, recall and delay, and the rule to be compared with.

Hits of one series that lie no more than three hours apart are one episode: what somebody would be
called for once. An episode is right if it overlaps a fault of its series, or the two hours after
its end. A fault is found if an episode's hit lies in it, or in the two hours after it.
"""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from anomaly_fleets import Fault, Series

APART: Final = 3
AFTER: Final = 2
SIGMAS: Final = 3.0
BACK: Final = 14 * 24
"""Hours that the naive rule looks back."""
LEAST: Final = 3 * 24
"""Hours that it must have seen."""
Hits = Mapping[str, Iterable[int]]
"""Hours by name of series."""


@dataclass(frozen=True, slots=True)
class Score:
    """What came of a detector on some series.

    Attributes:
        episodes: How often somebody would have been called.
        right: Of these, how often there was something.
        faults: How many there were.
        found: Of these.
        delays: Of those that were found: hours from the beginning to the first hit.
        by_kind: Found, and how many there were, by kind of fault.
        fine_hours: Hours without a fault, for the rate of false calls.
    """

    episodes: int
    right: int
    faults: int
    found: int
    delays: Sequence[int]
    by_kind: Mapping[str, tuple[int, int]]
    fine_hours: int

    @property
    def precision(self) -> float:
        return self.right / self.episodes if self.episodes else 1.0

    @property
    def recall(self) -> float:
        return self.found / self.faults if self.faults else 1.0

    @property
    def delay(self) -> float:
        """Hours, in the median."""
        return statistics.median(self.delays) if self.delays else float("nan")

    @property
    def false_per_week(self) -> float:
        """Wrong calls per series in a week without faults."""
        return (self.episodes - self.right) / max(self.fine_hours, 1) * 168

    def __add__(self, other: Score) -> Score:
        kinds: dict[str, tuple[int, int]] = dict(self.by_kind)
        for kind, (found, of) in other.by_kind.items():
            before = kinds.get(kind, (0, 0))
            kinds[kind] = (before[0] + found, before[1] + of)
        return Score(
            self.episodes + other.episodes,
            self.right + other.right,
            self.faults + other.faults,
            self.found + other.found,
            [*self.delays, *other.delays],
            kinds,
            self.fine_hours + other.fine_hours,
        )


NOTHING: Final = Score(0, 0, 0, 0, (), {}, 0)


def score(series: Sequence[Series], hits: Hits, since: int) -> Score:
    """How well hits agree with what was broken.

    Args:
        series: What was looked at.
        hits: What a detector said.
        since: Hours before this one are history, and not scored.
    """
    return sum(
        (_one(s, [h for h in hits.get(s.name, ()) if h >= since], since) for s in series), NOTHING
    )


def _one(series: Series, hits: Sequence[int], since: int) -> Score:
    faults = [fault for fault in series.faults if fault.end > since]
    episodes: list[list[int]] = []
    for hour in sorted(set(hits)):
        if episodes and hour - episodes[-1][-1] <= APART:
            episodes[-1].append(hour)
        else:
            episodes.append([hour])
    right = sum(any(_covers(f, h) for f in faults for h in episode) for episode in episodes)
    kinds: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    delays: list[int] = []
    for fault in faults:
        first = min((hour for hour in hits if _covers(fault, hour)), default=None)
        kinds[fault.kind][1] += 1
        if first is not None:
            kinds[fault.kind][0] += 1
            delays.append(first - fault.start)
    fine = sum(
        h.at >= since and not any(_covers(fault, h.at) for fault in faults) for h in series.hours
    )
    return Score(
        len(episodes),
        right,
        len(faults),
        len(delays),
        delays,
        {kind: (found, of) for kind, (found, of) in kinds.items()},
        fine,
    )


def _covers(fault: Fault, hour: int) -> bool:
    return fault.start <= hour < fault.end + AFTER


def naive(series: Sequence[Series]) -> dict[str, set[int]]:
    """Hits of the rule that everybody writes first: three standard deviations from the mean.

    Over the fourteen days before, each measure by itself, whatever the hour.
    """
    found: dict[str, set[int]] = defaultdict(set)
    for one in series:
        measures = [
            [(h.at, float(h.runs)) for h in one.hours],
            [(h.at, h.cost) for h in one.hours],
            [(h.at, h.duration_ms / h.runs) for h in one.hours if h.runs],
            [(h.at, h.iterations) for h in one.hours if h.runs],
            [(h.at, h.failed / h.runs) for h in one.hours if h.runs],
            [(h.at, h.abandoned / h.runs) for h in one.hours if h.runs],
        ]
        for points in measures:
            found[one.name] |= _three_sigma(points)
    return found


def _three_sigma(points: Sequence[tuple[int, float]]) -> set[int]:
    found: set[int] = set()
    sums = [0.0, *accumulate(v for _, v in points)]
    squares = [0.0, *accumulate(v * v for _, v in points)]
    first = 0
    for at, (hour, value) in enumerate(points):
        while points[first][0] < hour - BACK:
            first += 1
        count = at - first
        if count < 2 or hour - points[0][0] < LEAST:
            continue
        mean = (sums[at] - sums[first]) / count
        variance = (squares[at] - squares[first]) / count - mean * mean
        # What is left of rounding is no deviation.
        if variance > 1e-9 * mean * mean and abs(value - mean) > SIGMAS * math.sqrt(variance):
            found.add(hour)
    return found
