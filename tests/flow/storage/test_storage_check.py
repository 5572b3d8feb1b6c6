"""Each alert rule fires where it must, and a healthy fleet is left alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from exectrail import queries
from exectrail.check import load_rules
from exectrail.conventions import names
from exectrail.launch import main
from exectrail.storage.client import Client

from .fleets import ended, now, silent_stuck_and_paused, spent, unusual, used
from .program import Program


@pytest.fixture
def check(store: Client, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Runs the command: exit code, and what fires, as (rule, subject, detail)."""

    def ask(*arguments: str) -> tuple[int, list[tuple[str, str, str]]]:
        where = ["--url", f"http://{store.address.removeprefix('http://')}"]
        code = main(["check", "--json", *where, *arguments])
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        return code, [(line["rule"], line["subject"], line["detail"]) for line in lines]

    return ask


def test_a_healthy_fleet_is_left_alone(
    store: Client, check: Callable[..., Any], canary: Callable[..., None]
) -> None:
    canary()
    ended(store, "flow", *["success"] * 19, "failed")
    used(store, calls=10, priced=10, cost=3.0)

    assert check() == (0, [])


@pytest.mark.parametrize(
    ("outcomes", "fires"),
    [
        (["abandoned"] * 2 + ["success"] * 8, {"abandonment_rate"}),
        (["abandoned"] * 1 + ["success"] * 9, set[str]()),
        (["abandoned"] * 2 + ["success"] * 2, set[str]()),
        (["failed"] * 6 + ["success"] * 4, {"success_rate"}),
        (["cancelled"] * 9 + ["success"] * 5, set[str]()),
        (["failed"] * 10 + ["success"] * 30, {"failure_burst"}),
    ],
    ids=["dying", "at the limit", "too few", "failing", "cancelled", "burst"],
)
def test_rates_fire_above_their_limits_and_not_for_few_runs(
    store: Client,
    check: Callable[..., Any],
    canary: Callable[..., None],
    outcomes: list[str],
    fires: set[str],
) -> None:
    canary()
    ended(store, "flow", *outcomes)
    ended(store, "calm", *["success"] * 20)

    assert check() == (bool(fires), [(rule, "flow", "") for rule in sorted(fires)])


def test_a_workflow_has_limits_of_its_own(
    store: Client, check: Callable[..., Any], canary: Callable[..., None], tmp_path: Path
) -> None:
    canary()
    for name in ("frag'ile", "flow"):
        ended(store, name, *["abandoned"] * 2, *["success"] * 8)
    settings = tmp_path / "alerts.toml"
    settings.write_text('[abandonment_rate.workflows]\n"frag\'ile" = 0.5\n')

    assert check("--settings", str(settings)) == (1, [("abandonment_rate", "flow", "")])


def test_money_fires_where_there_is_a_budget(
    store: Client, check: Callable[..., Any], canary: Callable[..., None], tmp_path: Path
) -> None:
    canary()
    ended(store, "flow", "success", cost=7.0)
    used(store, calls=10, priced=8, cost=30.0)
    settings = tmp_path / "alerts.toml"
    settings.write_text(
        "[cost_of_day]\nthreshold = 40\nworkflows = { flow = 20 }\n[cost_of_run]\nthreshold = 5\n"
        "[cost_predicted]\nenabled = false\n"
    )

    code, fired = check("--settings", str(settings))

    assert code == 1
    assert [(rule, subject) for rule, subject, _ in fired] == [
        ("cost_of_day", "flow"),
        ("cost_of_run", "flow"),
        ("unpriced_calls", "m-1"),
    ]


def test_who_is_silent_stuck_or_paused_is_named(
    store: Client,
    check: Callable[..., Any],
    canary: Callable[..., None],
    program: Callable[..., Program],
    send: Callable[..., None],
) -> None:
    canary(2 * 86_400.0 / 20)
    hung, waits = silent_stuck_and_paused(store, program, send)

    code, fired = check()

    assert code == 1
    assert fired == [
        ("stuck", "hung", hung),
        ("worker_silent", "svc", "gone pid 7"),
        ("paused_too_long", "waits", waits),
    ]


def test_a_silent_pipeline_fires(check: Callable[..., Any], canary: Callable[..., None]) -> None:
    canary(silent_for=100.0)

    assert check() == (1, [("no_data", "", "pipeline silent")])


def test_what_is_not_usual_fires(
    store: Client, check: Callable[..., Any], canary: Callable[..., None]
) -> None:
    canary()
    unusual(store)

    code, fired = check("--rule", "anomaly")

    assert (code, set(fired)) == (1, {("anomaly", "flow", m) for m in ("cost", "cost per run")})


NOW = datetime.now(UTC)
"""Of points of a counter: the same point may be told twice."""


def _dropped(
    store: Client, temporality: int, points: Sequence[tuple[float, float]], *, started: float = -9e4
) -> None:
    """Points of a program's counter of what it dropped: seconds from now, and what they say."""
    store.insert(
        "otel_metrics_sum",
        [
            {
                "MetricName": names.METRIC_TELEMETRY_DROPPED,
                "ResourceAttributes": {names.SERVICE_NAME: "svc", names.SERVICE_NAMESPACE: "shop"},
                "ServiceName": "svc",
                "Attributes": {names.TELEMETRY_SITE: "spool"},
                # A delta tells of the time since the one before.
                "StartTimeUnix": NOW + timedelta(seconds=at - 60 if temporality == 1 else started),
                "TimeUnix": NOW + timedelta(seconds=at),
                "Value": value,
                "AggregationTemporality": temporality,
                "IsMonotonic": True,
            }
            for at, value in points
        ],
    )


@pytest.mark.parametrize(
    ("temporality", "points", "lost"),
    [
        (2, [(-7000.0, 5.0), (-3700.0, 5.0), (-1800.0, 5.0), (-60.0, 5.0)], 0),
        (2, [(-7000.0, 5.0), (-1800.0, 6.0), (-1800.0, 6.0), (-60.0, 9.0)], 4),
        (2, [(-60.0, 3.0)], 3),
        (1, [(-7000.0, 5.0), (-3700.0, 2.0)], 0),
        (1, [(-7000.0, 5.0), (-1800.0, 1.0), (-1800.0, 1.0), (-60.0, 2.0)], 3),
    ],
    ids=["of before", "grows", "first of all", "deltas of before", "deltas"],
)
def test_what_a_program_dropped_counts_once_and_only_in_its_hour(
    store: Client,
    canary: Callable[..., None],
    temporality: int,
    points: list[tuple[float, float]],
    lost: int,
) -> None:
    canary()
    _dropped(store, temporality, points)

    [rule] = [rule for rule in load_rules() if rule.name == "telemetry_lost"]
    question = queries.alert(
        rule.name, threshold=1, own={}, window_s=rule.window_s, least=rule.least
    )
    found = [(a.project, a.subject, a.detail, a.value) for a in store.fetch(question)]

    assert found == [("shop", "svc", "dropped by the program: spool", lost)] * bool(lost)


def test_a_program_that_was_started_anew_counts_from_nothing(
    store: Client, check: Callable[..., Any], canary: Callable[..., None]
) -> None:
    canary()
    _dropped(store, 2, [(-7000.0, 50.0), (-3700.0, 50.0)])
    _dropped(store, 2, [(-600.0, 1.0), (-60.0, 2.0)], started=-700.0)

    assert check() == (1, [("telemetry_lost", "svc", "dropped by the program: spool")])


def _predicted(store: Client, budget: float, least: float = 5) -> list[tuple[str, float]]:
    question = queries.alert(
        "cost_predicted", threshold=0, own={"flow": budget}, window_s=14 * 86_400, least=least
    )
    return [(alert.detail, alert.value) for alert in store.fetch(question)]


def _at_work() -> None:
    if datetime.now(UTC).hour in (0, 23):
        pytest.skip("of a day that has just begun, or is as good as over, nothing is predicted")


def test_a_budget_that_will_not_last_is_told_while_it_holds(store: Client) -> None:
    _at_work()
    for back in range(1, 7):
        spent(store, back, {0: 5.0, 23: 5.0})
    spent(store, 7, {0: 400.0})  # one day that is not as usual moves no median
    spent(store, 0, {0: 8.0})

    # Half of a day's cost comes in its first hour: 8 so far are 16 by the end.
    assert _predicted(store, 15.0) == [("workflow flow", pytest.approx(16.0))]
    assert _predicted(store, 17.0) == []
    # Over it already is the business of cost_of_day; no budget is none.
    assert _predicted(store, 7.0) == []
    assert _predicted(store, 0.0) == []


def test_what_comes_at_the_end_of_a_day_is_no_reason_to_worry_at_its_beginning(
    store: Client,
) -> None:
    _at_work()
    for back in range(1, 7):
        spent(store, back, {0: 9.5, 23: 0.5})
    spent(store, 0, {0: 9.0})

    # By the clock alone 9 would become up to 40 or more.
    assert _predicted(store, 9.6) == []
    # With too little history there is but the clock.
    gone = (
        datetime.now(UTC) - now().replace(hour=0, minute=0, second=0, microsecond=0)
    ) / timedelta(days=1)
    by_the_clock = _predicted(store, 9.2, least=20)
    assert by_the_clock == (
        [("workflow flow", pytest.approx(9.0 / gone, rel=0.01))] if gone > 0.2 else []
    )


def test_what_is_mostly_spent_later_is_not_predicted(store: Client) -> None:
    _at_work()
    for back in range(1, 7):
        spent(store, back, {0: 1.0, 23: 9.0})
    spent(store, 0, {0: 5.0})

    assert _predicted(store, 6.0) == []


def test_rejects_fire(
    store: Client, check: Callable[..., Any], canary: Callable[..., None]
) -> None:
    canary()
    store.insert(
        "rejects", [{"fingerprint": 1, "reject": "no id", "service": "svc", "received": now()}]
    )

    assert check() == (1, [("telemetry_lost", "svc", "no id")])


@pytest.mark.parametrize(
    "text", ["[nothing]\n", "[stuck]\nthreshold = -1\n", "[stuck]\nsummary = 'x'\n", "["]
)
def test_settings_that_mean_nothing_are_refused(
    check: Callable[..., Any], tmp_path: Path, text: str
) -> None:
    settings = tmp_path / "alerts.toml"
    settings.write_text(text)

    assert check("--settings", str(settings)) == (2, [])


def test_what_cannot_be_asked_is_no_silence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--url", "http://127.0.0.1:9"]) == 2
    assert main(["check", "--rule", "nothing"]) == 2
    assert "there is no rule nothing" in capsys.readouterr().err
