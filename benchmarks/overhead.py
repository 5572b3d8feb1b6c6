"""What exectrail adds to a program, beside what plain OpenTelemetry adds for the same signals.

    python benchmarks/overhead.py              # some three minutes: the figures of the docs
    python benchmarks/overhead.py --quick      # under a minute
    python benchmarks/overhead.py --json       # one object per row
    python benchmarks/overhead.py --check      # exit 1 where a ratio's median is above 1.5
    python benchmarks/overhead.py --spool      # and what it takes to outlive a kill

First the floor and exectrail must make the same spans and events, by name, parent and attribute
keys; else the difference is printed and the exit code is 1. Then `timing` takes the times. A ratio
is the time that exectrail adds over the one that the floor adds; its interval is a 90 % bootstrap
over rounds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final

import workload
from configurations import (
    Bare,
    Configuration,
    Exectrail,
    Floor,
    durable,
    forget_settings,
    resource,
)
from sinks import Shape
from timing import CALLS, Timed, Times, added_ms, measure, median_ms, runs_of, timed

from exectrail.guard import dropped

LIMIT: Final = 1.5
SPOOL_LIMIT: Final = 2.5
"""With the spool: the floor neither encodes nor writes, and loses what a killed process had."""
PASSES: Final = 3
ROUNDS: Final = 120
QUICK_ROUNDS: Final = 30
RESAMPLES: Final = 2000

Cell = tuple[workload.Size, str]
"""What is measured apart: size of the messages and call."""


@dataclass(frozen=True, slots=True)
class Row:
    """The figures of one cell."""

    size: str
    call: str
    bare_ms: float
    floor_ms: float
    exectrail_ms: float
    floor_added_ms: float
    exectrail_added_ms: float
    ratio: float
    ratio_low: float
    ratio_high: float
    floor_us_per_span: float
    exectrail_us_per_span: float
    rounds: int


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; the exit code is 1 where signals differ or a limit is passed."""
    options = _parser().parse_args(arguments)
    rounds = max(PASSES, options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS))
    forget_settings()
    about = resource()
    limit = SPOOL_LIMIT if options.spool else LIMIT
    same = Bare(), Floor(about), Exectrail(about)
    difference = _difference(same)
    if difference:
        print("The floor and exectrail do not make the same signals:", file=sys.stderr)
        print(difference, file=sys.stderr)
        return 1
    configurations = same
    if options.spool:
        configurations = Bare(), Floor(about), Exectrail(about, providers=durable)
    times = _all_times(configurations, rounds)
    rows = _rows(times)
    if options.check and _slow(rows, limit):  # more of it, lest a busy machine decides
        for cell, more in _all_times(configurations, rounds).items():
            times[cell] += more
        rows = _rows(times)
    if not options.json:
        print(_HEAD)
    for row in rows:
        print(json.dumps(asdict(row)) if options.json else _line(row))
    passes = sum(row.rounds for row in rows) // (rounds // PASSES)
    shown = 0 if options.spool else len(CALLS)
    _assert_counts(configurations[2:], passes * runs_of(rounds // PASSES) + shown)
    if options.check and (slow := _slow(rows, limit)):
        cells = ", ".join(f"{row.size} {row.call} {row.ratio:.2f}" for row in slow)
        print(f"Added time is above {limit} times the floor's: {cells}", file=sys.stderr)
        return 1
    return 0


# -- the same signals ----------------------------------------------------------------------------


def _difference(configurations: Sequence[Configuration]) -> str:
    """What the floor and exectrail make differently in one run, by `invoke` and by `ainvoke`."""
    found: list[str] = []
    _, *both = configurations
    for call in CALLS:
        with asyncio.Runner() as loop:
            run = timed(workload.SMALL, call, loop)
            floor, ours = (_shapes(one, run) for one in both)
        for by_hand, by_us in zip(floor, ours, strict=True):
            found += [f"{call}: floor only, {n} x {item}" for item, n in (by_hand - by_us).items()]
            found += [
                f"{call}: exectrail only, {n} x {item}" for item, n in (by_us - by_hand).items()
            ]
        counts = [shape.total() for shape in (*floor, *ours)]
        if counts != [workload.SPANS, workload.EVENTS] * 2:
            found.append(
                f"{call}: {counts} spans and events, not twice {workload.SPANS}, {workload.EVENTS}"
            )
    return "\n".join(found)


def _shapes(configuration: Configuration, run: Timed) -> tuple[Shape, Shape]:
    spans, events = configuration.spans, configuration.events
    spans.kept, events.kept = [], []
    configuration.on()
    run()
    configuration.off()
    configuration.flush()
    shapes = spans.shape(), events.shape()
    spans.kept, events.kept = None, None
    return shapes


def _assert_counts(configurations: Sequence[Configuration], runs: int) -> None:
    """Switched on was on and switched off was off: no signal is missing, none is too many."""
    for one in configurations:
        wanted = (0, 0) if one.name == "bare" else (runs * workload.SPANS, runs * workload.EVENTS)
        counted = (one.spans.count, one.events.count)
        if counted != wanted:
            raise SystemExit(f"{one.name} exported {counted} spans and events, not {wanted}")
        measured = runs * (1 + len(workload.AGENTS)) if one.name == "exectrail" else 0
        if one.events.measured != measured:
            raise SystemExit(f"{one.name} measured {one.events.measured} times, not {measured}")
    if dropped():
        raise SystemExit(f"exectrail dropped something: {dropped()}")


def _all_times(
    configurations: Sequence[Configuration], rounds: int
) -> dict[Cell, list[tuple[float, ...]]]:
    """Times of each cell, taken in several passes: what else runs here falls on all cells too."""
    cells = [(size, call) for size in (workload.SMALL, workload.LARGE) for call in CALLS]
    times: dict[Cell, list[tuple[float, ...]]] = {cell: [] for cell in cells}
    with asyncio.Runner() as loop:
        programs = [timed(size, call, loop) for size, call in cells]
        for _ in range(PASSES):
            for cell, run in zip(cells, programs, strict=True):
                times[cell] += measure(run, configurations, rounds // PASSES)
    return times


# -- figures ---------------------------------------------------------------------------------------


def _rows(times: Mapping[Cell, Times]) -> list[Row]:
    return [_row(size.name, call, taken) for (size, call), taken in times.items()]


def _slow(rows: Sequence[Row], limit: float) -> list[Row]:
    return [row for row in rows if row.ratio > limit]


def _row(size: str, call: str, times: Times) -> Row:
    bare, floor, ours = median_ms(times)
    floor_added, ours_added = added_ms(times)
    ratios = sorted(_ratio(random.choices(times, k=len(times))) for _ in range(RESAMPLES))
    return Row(
        size=size,
        call=call,
        bare_ms=round(bare, 2),
        floor_ms=round(floor, 2),
        exectrail_ms=round(ours, 2),
        floor_added_ms=round(floor_added, 2),
        exectrail_added_ms=round(ours_added, 2),
        ratio=round(ours_added / floor_added, 2),
        ratio_low=round(ratios[RESAMPLES // 20], 2),
        ratio_high=round(ratios[-RESAMPLES // 20], 2),
        floor_us_per_span=round(floor_added / workload.SPANS * 1000, 1),
        exectrail_us_per_span=round(ours_added / workload.SPANS * 1000, 1),
        rounds=len(times),
    )


def _ratio(times: Times) -> float:
    floor, ours = added_ms(times)
    return ours / floor


_HEAD = (
    "messages  call      bare ms   floor added ms   exectrail added ms   "
    "ratio  [90 %]         µs/span  floor"
)


def _line(row: Row) -> str:
    interval = f"[{row.ratio_low:.2f}-{row.ratio_high:.2f}]"
    return (
        f"{row.size:<8}  {row.call:<8}  {row.bare_ms:7.2f}   {row.floor_added_ms:14.2f}   "
        f"{row.exectrail_added_ms:18.2f}   {row.ratio:5.2f}  {interval:<13}  "
        f"{row.exectrail_us_per_span:7.1f}  {row.floor_us_per_span:5.1f}"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer rounds: under a minute")
    parser.add_argument("--rounds", type=int, help=f"rounds of each cell, {ROUNDS} if left out")
    parser.add_argument("--json", action="store_true", help="one JSON object per row")
    parser.add_argument(
        "--check",
        action="store_true",
        help=f"exit 1 above {LIMIT} times the floor, or {SPOOL_LIMIT} with --spool",
    )
    parser.add_argument(
        "--spool",
        action="store_true",
        help="with all of it written to the spool, as it is by default",
    )
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
