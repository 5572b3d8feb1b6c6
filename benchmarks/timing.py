"""How the time of a program is taken in several configurations, and what each adds.

One process runs the program in every configuration, in random order each round, so that what else
the machine does falls on all of them. In a round each one runs five times: once untimed, after the
switch, then timed. Batches are handed over between runs, outside the timed region.
"""

from __future__ import annotations

import asyncio
import random
import statistics
from collections.abc import Callable, Sequence
from time import perf_counter_ns
from typing import Final

import workload
from configurations import Configuration

CALLS: Final = ("invoke", "ainvoke")
RUNS: Final = 4
WARM_UP: Final = 8

Timed = Callable[[], int]
"""Runs the program once and returns nanoseconds."""
Times = Sequence[tuple[float, ...]]
"""Round by round, milliseconds of each configuration; the bare one is the first."""


def timed(size: workload.Size, call: str, loop: asyncio.Runner) -> Timed:
    """The program as something to measure.

    Args:
        size: How much text it carries.
        call: `invoke` or `ainvoke`.
        loop: Runs the asynchronous one.
    """
    if call == "ainvoke":
        return _async(size, loop)
    program = workload.run(size)

    def once() -> int:
        began = perf_counter_ns()
        program()
        return perf_counter_ns() - began

    return once


def _async(size: workload.Size, loop: asyncio.Runner) -> Timed:
    program = workload.arun(size)

    async def once() -> int:
        began = perf_counter_ns()
        await program()
        return perf_counter_ns() - began

    return lambda: loop.run(once())


def measure(
    run: Timed, configurations: Sequence[Configuration], rounds: int
) -> list[tuple[float, ...]]:
    """Take the times, after some rounds that are not counted."""
    for one in configurations:
        _block(one, run, WARM_UP)
    times: list[tuple[float, ...]] = []
    order = list(configurations)
    for _ in range(rounds):
        random.shuffle(order)
        taken = {one.name: _block(one, run, RUNS + 1) for one in order}
        times.append(tuple(taken[one.name] for one in configurations))
    return times


def runs_of(rounds: int) -> int:
    """How often `measure` runs the program in each configuration."""
    return WARM_UP + rounds * (RUNS + 1)


def _block(configuration: Configuration, run: Timed, runs: int) -> float:
    """Median milliseconds of some runs, without the first one after the switch."""
    taken: list[int] = []
    configuration.on()
    for _ in range(runs):
        taken.append(run())
        configuration.flush()
    configuration.off()
    return statistics.median(taken[1:]) / 1e6


def median_ms(times: Times) -> tuple[float, ...]:
    """What each configuration takes."""
    return tuple(statistics.median(column) for column in zip(*times, strict=True))


def added_ms(times: Times) -> tuple[float, ...]:
    """What each configuration but the bare one adds.

    As parts of the bare time of the same round, since the machine is faster in one round than in
    another; and those parts of the median bare time.
    """
    bare, *others = zip(*times, strict=True)
    whole = statistics.median(bare)
    return tuple(
        whole * statistics.median(one / base - 1 for one, base in zip(column, bare, strict=True))
        for column in others
    )
