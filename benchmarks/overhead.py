"""What exectrail adds to a program, beside what plain OpenTelemetry adds for the same signals.

    python benchmarks/overhead.py              # some three minutes: the figures of the docs
    python benchmarks/overhead.py --quick      # under a minute
    python benchmarks/overhead.py --json       # one object per row
    python benchmarks/overhead.py --check      # exit 1 where a ratio's median is above 1.5

First the floor and exectrail must make the same spans and events, by name, parent and attribute
keys; else the difference is printed and the exit code is 1.

Then one process runs the program in all three configurations, in random order each round, so that
what else the machine does falls on all of them. In a round each one runs five times: once untimed,
after the switch, then timed. Batches are handed over between runs, outside the timed region. Added
time is that of a round's median over the bare one's. Intervals are a 90 % bootstrap over rounds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from time import perf_counter_ns
from typing import Final

CALLS: Final = ("invoke", "ainvoke")
LIMIT: Final = 1.5
ROUNDS: Final = 120
QUICK_ROUNDS: Final = 30
RUNS: Final = 4
WARM_UP: Final = 15
RESAMPLES: Final = 2000

_SETTINGS = ("OTEL_", "EXECTRAIL_", "LANGCHAIN_", "LANGSMITH_", "LANGGRAPH_")
for _name in [name for name in os.environ if name.startswith(_SETTINGS)]:
    del os.environ[_name]  # before anything reads them: the figures are those of the defaults

import workload  # noqa: E402
from configurations import Configuration, all_three  # noqa: E402
from sinks import Shape  # noqa: E402

from exectrail.guard import dropped  # noqa: E402

Timed = Callable[[], int]
"""Runs the program once and returns nanoseconds."""


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
    rounds = options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS)
    configurations = all_three()
    difference = _difference(configurations)
    if difference:
        print("The floor and exectrail do not make the same signals:", file=sys.stderr)
        print(difference, file=sys.stderr)
        return 1
    rows: list[Row] = []
    if not options.json:
        print(_HEAD)
    for size in (workload.SMALL, workload.LARGE):
        for call in CALLS:
            with asyncio.Runner() as loop:
                times = _measure(_timed(size, call, loop), configurations, rounds)
            rows.append(_row(size.name, call, times))
            print(json.dumps(asdict(rows[-1])) if options.json else _line(rows[-1]), flush=True)
    _assert_counts(configurations, rounds * len(rows))
    slow = [row for row in rows if row.ratio > LIMIT]
    if options.check and slow:
        cells = ", ".join(f"{row.size} {row.call} {row.ratio:.2f}" for row in slow)
        print(f"Added time is above {LIMIT} times the floor's: {cells}", file=sys.stderr)
        return 1
    return 0


# -- the same signals ----------------------------------------------------------------------------


def _difference(configurations: Sequence[Configuration]) -> str:
    """What the floor and exectrail make differently in one run, by `invoke` and by `ainvoke`."""
    found: list[str] = []
    _, *both = configurations
    for call in CALLS:
        with asyncio.Runner() as loop:
            timed = _timed(workload.SMALL, call, loop)
            floor, ours = (_shapes(one, timed) for one in both)
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


def _shapes(configuration: Configuration, timed: Timed) -> tuple[Shape, Shape]:
    spans, events = configuration.spans, configuration.events
    spans.kept, events.kept = [], []
    configuration.on()
    timed()
    configuration.off()
    configuration.flush()
    shapes = spans.shape(), events.shape()
    spans.kept, events.kept = None, None
    return shapes


def _assert_counts(configurations: Sequence[Configuration], rounds: int) -> None:
    """Switched on was on and switched off was off: no signal is missing, none is too many."""
    runs = rounds * (RUNS + 1) + 4 * WARM_UP + 2
    for one in configurations:
        wanted = (0, 0) if one.name == "bare" else (runs * workload.SPANS, runs * workload.EVENTS)
        counted = (one.spans.count, one.events.count)
        if counted != wanted:
            raise SystemExit(f"{one.name} exported {counted} spans and events, not {wanted}")
    if dropped():
        raise SystemExit(f"exectrail dropped something: {dropped()}")


# -- time ------------------------------------------------------------------------------------------


def _timed(size: workload.Size, call: str, loop: asyncio.Runner) -> Timed:
    return _sync(size) if call == "invoke" else _async(size, loop)


def _sync(size: workload.Size) -> Timed:
    program = workload.run(size)

    def timed() -> int:
        began = perf_counter_ns()
        program()
        return perf_counter_ns() - began

    return timed


def _async(size: workload.Size, loop: asyncio.Runner) -> Timed:
    program = workload.arun(size)

    async def once() -> int:
        began = perf_counter_ns()
        await program()
        return perf_counter_ns() - began

    return lambda: loop.run(once())


def _measure(
    timed: Timed, configurations: Sequence[Configuration], rounds: int
) -> list[tuple[float, ...]]:
    """Milliseconds of each configuration, round by round."""
    for one in configurations:
        _block(one, timed, WARM_UP)
    times: list[tuple[float, ...]] = []
    order = list(configurations)
    for _ in range(rounds):
        random.shuffle(order)
        taken = {one.name: _block(one, timed, RUNS + 1) for one in order}
        times.append(tuple(taken[one.name] for one in configurations))
    return times


def _block(configuration: Configuration, timed: Timed, runs: int) -> float:
    """Median milliseconds of some runs, without the first one after the switch."""
    taken: list[int] = []
    configuration.on()
    for _ in range(runs):
        taken.append(timed())
        configuration.flush()
    configuration.off()
    return statistics.median(taken[1:]) / 1e6


def _row(size: str, call: str, times: list[tuple[float, ...]]) -> Row:
    bare, floor, ours = (statistics.median(column) for column in zip(*times, strict=True))
    ratios = sorted(_ratio(random.choices(times, k=len(times))) for _ in range(RESAMPLES))
    floor_added, ours_added = _added(times)
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


def _added(times: Sequence[tuple[float, ...]]) -> tuple[float, float]:
    """Milliseconds that the floor and exectrail add.

    As parts of the bare time of the same round, since the machine is faster in one round than in
    another, and those parts of the median bare time.
    """
    bare = statistics.median(bare for bare, _, _ in times)
    floor = statistics.median(floor / bare - 1 for bare, floor, _ in times)
    ours = statistics.median(ours / bare - 1 for bare, _, ours in times)
    return floor * bare, ours * bare


def _ratio(times: Sequence[tuple[float, ...]]) -> float:
    floor, ours = _added(times)
    return ours / floor


# -- the table -------------------------------------------------------------------------------------

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
        "--check", action="store_true", help=f"exit 1 above {LIMIT} times the floor"
    )
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
