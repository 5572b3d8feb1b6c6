"""What was not as usual is found, with the reason in words, and what was is left alone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from exectrail import queries
from exectrail.storage.client import Client

DAYS = 20
NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


def _hour(back: int, workflow: str, **more: Any) -> dict[str, Any]:
    """An hour of a workflow, so many hours ago; cost and tokens waver a little."""
    waver = 1 + 0.02 * (back * 7 % 5 - 2)
    runs = more.pop("runs", 40)
    return {
        "hour": NOW - timedelta(hours=back),
        "workflow": workflow,
        "name": workflow,
        "folded": NOW,
        "runs": runs,
        "success": runs,
        "failed": 0,
        "abandoned": 0,
        "input_tokens": int(1000 * runs * waver),
        "duration_ms": 3000.0 * runs * waver,
        "cpu_runs": runs // 2,
        "cpu_seconds": 2.0 * (runs // 2) * waver,
        "memory_runs": runs // 4,
        "memory_peak_bytes": 2e8 * (runs // 4) * waver,
        "cost": round(0.1 * runs * waver, 4),
    } | more


def _load(store: Client, workflow: str, **last: Any) -> None:
    hours = [_hour(back, workflow) for back in range(2, DAYS * 24)]
    store.insert("runs_hourly", [*hours, *([_hour(1, workflow, **last)] if last else [])])


def _found(store: Client) -> dict[str, set[str]]:
    hits = store.fetch(queries.anomaly_hits(NOW - timedelta(hours=24), NOW))
    return {
        name: {hit.measure for hit in hits if hit.subject == name}
        for name in {hit.subject for hit in hits}
    }


@pytest.mark.parametrize(
    ("last", "measures"),
    [
        ({"runs": 41}, set[str]()),
        ({"cost": 30.0}, {"cost", "cost per run"}),
        ({"duration_ms": 40 * 30_000.0}, {"duration"}),
        ({"input_tokens": 400_000}, {"tokens per run"}),
        ({"cpu_seconds": 20 * 12.0}, {"CPU"}),
        ({"cpu_seconds": 20 * 0.2}, {"CPU"}),
        ({"memory_peak_bytes": 10 * 9e8}, {"peak memory"}),
        ({"cpu_runs": 4, "cpu_seconds": 8.0, "memory_runs": 4, "memory_peak_bytes": 8e8}, set()),
        ({"cpu_runs": 0, "cpu_seconds": 0.0, "memory_runs": 0, "memory_peak_bytes": 0.0}, set()),
        ({"failed": 20, "success": 20}, {"error rate"}),
        ({"abandoned": 20, "success": 20}, {"abandonment rate"}),
        ({}, {"runs", "cost"}),
    ],
    ids=[
        "usual",
        "dear",
        "slow",
        "wordy",
        "busy",
        "idle",
        "large",
        "few told",
        "none told",
        "failing",
        "dying",
        "gone",
    ],
)
def test_an_hour_is_told_by_what_was_not_as_usual_in_it(
    store: Client, last: dict[str, Any], measures: set[str]
) -> None:
    _load(store, "flow", **last)
    _load(store, "calm", runs=40)

    assert _found(store) == ({"flow": measures} if measures else {})


def test_the_reason_says_what_is_usual_and_over_how_many_days(store: Client) -> None:
    _load(store, "flow", cost=30.0)

    [hit] = store.fetch(
        queries.anomaly_hits(NOW - timedelta(hours=24), NOW, measure="cost", workflow="flow")
    )

    at = NOW - timedelta(hours=1)
    assert (hit.hour.replace(tzinfo=UTC), hit.value, hit.history) == (at, 30.0, 14)
    assert hit.words.startswith(f"cost 30 USD in this hour; usual at {at:%H}:00 is ")
    assert hit.words.endswith(" over 14 days")


@pytest.mark.parametrize(
    ("last", "measure", "was", "unit"),
    [
        ({"cpu_seconds": 20 * 12.0}, "CPU", "12", "s"),
        ({"memory_peak_bytes": 10 * 9.123456e8}, "peak memory", "870.08", "MiB"),
    ],
)
def test_the_reason_has_the_unit_of_what_was_taken_of_the_machine(
    store: Client, last: dict[str, Any], measure: str, was: str, unit: str
) -> None:
    _load(store, "flow", **last)

    [hit] = store.fetch(queries.anomaly_hits(NOW - timedelta(hours=24), NOW, measure=measure))

    usual = {"CPU": 2.0, "peak memory": 2e8 / 2**20}[measure]
    assert hit.value == pytest.approx(float(was) * (2**20 if unit == "MiB" else 1), rel=1e-5)
    assert hit.words.startswith(f"{measure} {was} {unit} in this hour; usual at ")
    told = re.search(rf" is ([0-9.]+)(?: to ([0-9.]+))? {unit} \+- [0-9.]+ {unit} over ", hit.words)
    assert told is not None, hit.words
    assert [float(one) for one in told.groups() if one] == pytest.approx(
        [usual] * sum(one is not None for one in told.groups()), rel=0.05
    )


def test_what_never_told_is_not_judged_by_nothing(store: Client) -> None:
    """It told for a day and had told nothing before, and tells again: there is no usual of it."""
    none = {"cpu_runs": 0, "cpu_seconds": 0.0, "memory_runs": 0, "memory_peak_bytes": 0.0}
    hours = [_hour(back, "flow", **(none if back > 24 else {})) for back in range(2, DAYS * 24)]
    store.insert("runs_hourly", [*hours, _hour(1, "flow", cpu_seconds=2000.0)])

    assert _found(store) == {}


def test_nothing_is_said_before_there_is_a_week_to_go_by(store: Client) -> None:
    hours = [_hour(back, "young") for back in range(2, 6 * 24)]
    store.insert("runs_hourly", [*hours, _hour(1, "young", cost=300.0, failed=30)])

    assert _found(store) == {}
