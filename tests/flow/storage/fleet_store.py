"""Puts a fleet into the store, as the pipeline does: in any order, and some of it twice."""

from __future__ import annotations

import random

from exectrail.conventions import names
from exectrail.judge import Judge
from exectrail.rollup import Fold
from exectrail.storage.client import Client
from exectrail.storage.runner import Runner

from .fleet_runs import Fleet

BATCH = 20_000
AHEAD = 1800
"""Seconds for which the pipeline's sign of life is told ahead, so that a test may take its time."""


def load(store: Client, fleet: Fleet, seed: int = 1) -> None:
    """Make the tables, insert all that was told, judge and fold once.

    Args:
        store: Of an empty database.
        fleet: What was told.
        seed: Another one gives another order.
    """
    Runner(store).apply()
    # Merges hide rows that are there twice; every question must be right without them.
    store.command("SYSTEM STOP MERGES")
    chance = random.Random(seed)
    records = [record for program in fleet.programs for record in program.records]
    records += chance.sample(records, len(records) // 20)
    chance.shuffle(records)
    for start in range(0, len(records), BATCH):
        store.insert("otel_logs", records[start : start + BATCH])
    store.insert(
        "otel_metrics_gauge",
        [
            {
                "MetricName": names.METRIC_PIPELINE_CANARY,
                "TimeUnix": fleet.at(second),
                "Received": fleet.at(second),
                "Value": 1.0,
            }
            for second in range(-16 * 3600, AHEAD, 5)
        ],
    )
    store.insert(
        "otel_metrics_sum",
        [
            {
                "MetricName": names.METRIC_TELEMETRY_DROPPED,
                "ResourceAttributes": {names.PROCESS_PID: str(number)},
                "StartTimeUnix": fleet.at(start),
                "TimeUnix": fleet.at(at),
                "Value": value,
                "AggregationTemporality": 2,
            }
            for number, (start, points) in enumerate(fleet.dropped)
            for at, value in points
        ],
    )
    judge = Judge(store)
    judge.learn()
    judge.run_once()
    for folded in Fold(store).run():
        done = folded.done
    assert done
