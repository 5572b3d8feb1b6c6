"""What the parts of exectrail cost, each with all that stand above it.

python benchmarks/parts.py
"""

from __future__ import annotations

import argparse
import asyncio

import workload
from configurations import (
    Bare,
    Exectrail,
    Floor,
    Idle,
    durable,
    forget_settings,
    programs,
    resource,
    sampled_out,
)
from timing import CALLS, added_ms, measure, timed


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=80, help="80 if left out")
    rounds = parser.parse_args().rounds
    forget_settings()
    about = resource()
    configurations = (
        Bare(),
        Idle(),
        Exectrail(
            about, "hooks and executions, nobody told of them", recording=False, measuring=False
        ),
        Exectrail(
            about,
            "with events and metrics, spans sampled out",
            providers=sampled_out,
            measuring=False,
        ),
        Exectrail(about, "with spans", measuring=False),
        Exectrail(about, "with resources measured"),
        Exectrail(about, "written to the spool: all of it", providers=durable),
        Exectrail(about, "all of it, on the program's own providers", providers=programs),
        Floor(about),
    )
    print(f"{'added ms per run, small messages':<44}" + " ".join(f"{call:>9}" for call in CALLS))
    columns: list[tuple[float, ...]] = []
    for call in CALLS:
        with asyncio.Runner() as loop:
            run = timed(workload.SMALL, call, loop)
            columns.append(added_ms(measure(run, configurations, rounds)))
    for one, figures in zip(configurations[1:], zip(*columns, strict=True), strict=True):
        print(f"{one.name:<44}" + " ".join(f"{figure:9.2f}" for figure in figures))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
