"""Fleets that are made up by a seed: workflows by the hour, and what was broken in them when.

Five weeks of hours. Nothing is broken in the first three, so that every detector has a history; in
the last two weeks most workflows get one to three faults. What is usual has the shapes that fleets
have: seasons of the day and the week, growth, bursts, hours that are missing, hours with one run.

Written, with the seeds that nobody tunes on, before the detector that is scored by it.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

TUNING_SEEDS: Final = (1, 2, 3, 4)
"""What thresholds were chosen on."""
HELD_OUT_SEEDS: Final = (7_001, 7_002, 7_003, 7_004, 7_005, 7_006)
"""What is reported. Frozen: never look at one of these to choose a threshold."""
WEEKS: Final = 5
HOURS: Final = WEEKS * 7 * 24
CLEAN: Final = 3 * 7 * 24
"""Hours from the beginning in which nothing is broken."""
START: Final = datetime(2026, 9, 7, tzinfo=UTC)
"""A Monday."""
WORKFLOWS: Final = 30


@dataclass(frozen=True, slots=True)
class Hour:
    """What the runs of one workflow did that were made in one hour.

    Attributes:
        at: Hours since START.
        runs: How many; 0 is written, too, where it is told at all.
        failed: Of these.
        abandoned: Of these.
        cost: Of all, USD.
        tokens: Of all.
        duration_ms: Sum over those that ended.
        iterations: Of one run, on average.
    """

    at: int
    runs: int
    failed: int
    abandoned: int
    cost: float
    tokens: int
    duration_ms: float
    iterations: float


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that a detector should find; hours since START, `end` is the first good one."""

    kind: str
    measure: str
    start: int
    end: int


@dataclass(slots=True)
class Series:
    """One workflow."""

    name: str
    shape: str
    hours: list[Hour] = field(default_factory=list[Hour])
    faults: list[Fault] = field(default_factory=list[Fault])


@dataclass(frozen=True, slots=True)
class _Shape:
    """How a workflow behaves when nothing is wrong.

    Attributes:
        name: Of the shape.
        rate: Runs an hour, by hour of day, weekday (0 = Monday) and hours since START.
        burst: Chance of an hour with several times as many runs, as it belongs to this workflow.
        gaps: Whether stretches of hours were never told.
    """

    name: str
    rate: Callable[[int, int, int], float]
    burst: float = 0.0
    gaps: bool = False


def _day(hour: int, peak: int = 14, depth: float = 0.7) -> float:
    return 1 + depth * math.cos((hour - peak) / 24 * 2 * math.pi)


def _working(weekday: int, rest: float) -> float:
    return rest if weekday >= 5 else 1.0


_SHAPES: Final = (
    _Shape("steady", lambda h, d, t: 40.0),
    _Shape("busy day", lambda h, d, t: 120 * _day(h)),
    _Shape("working week", lambda h, d, t: 60 * _day(h) * _working(d, 0.15)),
    _Shape("office hours", lambda h, d, t: 30 * _working(d, 0.0) if 8 <= h < 18 else 0.0),
    _Shape("nightly batch", lambda h, d, t: 80.0 if h in (2, 3) else 0.2),
    _Shape("growing", lambda h, d, t: 25 * _day(h, depth=0.5) * math.exp(0.015 * t / 24)),
    _Shape("bursty", lambda h, d, t: 15 * _day(h, depth=0.3), burst=0.04),
    _Shape("gaps", lambda h, d, t: 30 * _day(h, depth=0.4), gaps=True),
    _Shape("low", lambda h, d, t: 1.2 * _day(h, depth=0.5)),
    _Shape("rare", lambda h, d, t: 0.15),
)


def fleet(seed: int, workflows: int = WORKFLOWS) -> list[Series]:
    """A fleet; the same for the same arguments.

    Args:
        seed: Of everything that is random.
        workflows: How many.
    """
    chance = random.Random(seed)
    return [
        _series(chance, f"flow-{number:02}", _SHAPES[number % len(_SHAPES)])
        for number in range(workflows)
    ]


def time_of(hour: int) -> datetime:
    """When an hour begins."""
    return START + timedelta(hours=hour)


def _series(chance: random.Random, name: str, shape: _Shape) -> Series:
    size = math.exp(chance.gauss(0, 0.4))
    price = math.exp(chance.gauss(-2.5, 1))
    seconds = math.exp(chance.gauss(3.5, 1))
    turns = chance.uniform(8, 30)
    errors = chance.choice((0.005, 0.02, 0.05))
    deaths = chance.choice((0.0, 0.002, 0.01))
    rates = [size * shape.rate(t % 24, t // 24 % 7, t) for t in range(HOURS)]
    missing = _gaps(chance) if shape.gaps else set[int]()
    series = Series(name, shape.name)
    if chance.random() < 0.75:
        series.faults = _faults(chance, rates, missing)
    for t, usual in enumerate(rates):
        now = {fault.measure: _strength(fault, t) for fault in series.faults if _within(fault, t)}
        rate = usual * math.exp(chance.gauss(0, 0.1))
        if shape.burst and chance.random() < shape.burst:
            rate *= chance.uniform(2, 4)
        runs = _poisson(chance, rate * now.get("runs", 1.0))
        failed = _binomial(chance, runs, now.get("errors", errors))
        dead = _binomial(chance, runs - failed, now.get("abandoned", deaths))
        spread = [math.exp(chance.gauss(-0.18, 0.6)) for _ in range(runs)]
        took = [math.exp(chance.gauss(-0.125, 0.5)) for _ in range(runs)]
        round_ = [math.exp(chance.gauss(-0.045, 0.3)) for _ in range(runs)]
        used = sum(spread) * now.get("cost", 1.0)
        if t in missing:
            continue
        series.hours.append(
            Hour(
                at=t,
                runs=runs,
                failed=failed,
                abandoned=dead,
                cost=price * used,
                tokens=round(price * used * 200_000),
                duration_ms=1000 * seconds * sum(took) * now.get("duration", 1.0),
                iterations=turns * now.get("iterations", 1.0) * sum(round_) / max(runs, 1),
            )
        )
    return series


_KINDS: Final = ("spike", "shift", "drift", "drop", "errors")


def _faults(chance: random.Random, rates: Sequence[float], missing: set[int]) -> list[Fault]:
    found: list[Fault] = []
    for _ in range(chance.randint(1, 3)):
        for _attempt in range(20):
            fault = _fault(chance, chance.choice(_KINDS))
            alone = all(
                fault.end + 36 < other.start or other.end + 36 < fault.start for other in found
            )
            expected = sum(rates[fault.start : fault.end])
            seen = missing.isdisjoint(range(fault.start, fault.end))
            # What nobody could tell from chance is no fault: there must be something to see it by.
            if alone and seen and expected >= 10 and rates[fault.start] >= 0.5:
                found.append(fault)
                break
    return sorted(found, key=lambda fault: fault.start)


def _fault(chance: random.Random, kind: str) -> Fault:
    hours, measures = {
        "spike": (chance.randint(1, 3), ("cost", "runs", "duration", "iterations")),
        "shift": (chance.randint(24, 48), ("cost", "duration", "iterations", "runs")),
        "drift": (72, ("cost", "duration")),
        "drop": (chance.randint(3, 8), ("runs",)),
        "errors": (chance.randint(1, 4), ("errors", "abandoned")),
    }[kind]
    start = chance.randrange(CLEAN, HOURS - hours)
    return Fault(kind, chance.choice(measures), start, start + hours)


def _within(fault: Fault, t: int) -> bool:
    return fault.start <= t < fault.end


def _strength(fault: Fault, t: int) -> float:
    """What a measure is multiplied by; of errors, and of runs that die, their share."""
    own = random.Random(f"{fault.start} {fault.end} {fault.measure}")
    if fault.kind == "drop":
        return 0.0
    if fault.kind == "errors":
        return own.uniform(0.35, 0.8)
    if fault.kind == "spike":
        return own.uniform(4, 8)
    if fault.kind == "shift":
        return own.uniform(2, 3)
    return 1 + 1.5 * (t - fault.start) / (fault.end - fault.start)


def _gaps(chance: random.Random) -> set[int]:
    found: set[int] = set()
    for _ in range(6):
        start = chance.randrange(HOURS)
        found |= set(range(start, start + chance.randint(1, 30)))
    return found


def _poisson(chance: random.Random, mean: float) -> int:
    if mean > 60:
        return max(0, round(chance.gauss(mean, math.sqrt(mean))))
    limit, count, product = math.exp(-mean), 0, chance.random()
    while product > limit:
        count += 1
        product *= chance.random()
    return count


def _binomial(chance: random.Random, of: int, share: float) -> int:
    return sum(chance.random() < share for _ in range(of))
