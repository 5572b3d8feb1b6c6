"""Each alert rule fires where it must, and a healthy fleet is left alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from exectrail.conventions import names
from exectrail.launch import main
from exectrail.rollup import Fold
from exectrail.storage.client import Client

from .conftest import Program, new_id

NOW = datetime.now(UTC)


@pytest.fixture
def check(store: Client, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Runs the command: exit code, and what fires, as (rule, subject, detail)."""

    def ask(*arguments: str) -> tuple[int, list[tuple[str, str, str]]]:
        where = ["--url", f"http://{store.address.removeprefix('http://')}"]
        code = main(["check", "--json", *where, *arguments])
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        return code, [(line["rule"], line["subject"], line["detail"]) for line in lines]

    return ask


def _runs(store: Client, workflow: str, *outcomes: str, cost: float = 0.1) -> None:
    made = NOW - timedelta(minutes=5)
    store.insert(
        "runs",
        [
            {
                "created": made,
                "execution_id": new_id(made),
                "folded": NOW,
                "made": made,
                "workflow": workflow,
                "name": workflow,
                "outcome": outcome,
                "state": "completed",
                "effective_state": "completed",
                "ended_at": NOW - timedelta(minutes=4),
                "cost": cost,
            }
            for outcome in outcomes
        ],
    )


def _used(store: Client, *, calls: int, priced: int, cost: float) -> None:
    row = {
        "workflow": "flow",
        "provider": "acme",
        "model": "m-1",
        "currency": "USD",
        "folded": NOW,
        "calls": calls,
        "priced_calls": priced,
        "cost": cost,
    }
    now = datetime.now(UTC)
    hour = now.replace(minute=0, second=0, microsecond=0)
    store.insert("usage_hourly", [{"hour": hour} | row])
    store.insert("usage_daily", [{"day": now.date()} | row])


def test_a_healthy_fleet_is_left_alone(
    store: Client, check: Callable[..., Any], canary: Callable[..., None]
) -> None:
    canary()
    _runs(store, "flow", *["success"] * 19, "failed")
    _used(store, calls=10, priced=10, cost=3.0)

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
    _runs(store, "flow", *outcomes)
    _runs(store, "calm", *["success"] * 20)

    assert check() == (bool(fires), [(rule, "flow", "") for rule in sorted(fires)])


def test_a_workflow_has_limits_of_its_own(
    store: Client, check: Callable[..., Any], canary: Callable[..., None], tmp_path: Path
) -> None:
    canary()
    for name in ("frag'ile", "flow"):
        _runs(store, name, *["abandoned"] * 2, *["success"] * 8)
    settings = tmp_path / "alerts.toml"
    settings.write_text('[abandonment_rate.workflows]\n"frag\'ile" = 0.5\n')

    assert check("--settings", str(settings)) == (1, [("abandonment_rate", "flow", "")])


def test_money_fires_where_there_is_a_budget(
    store: Client, check: Callable[..., Any], canary: Callable[..., None], tmp_path: Path
) -> None:
    canary()
    _runs(store, "flow", "success", cost=7.0)
    _used(store, calls=10, priced=8, cost=30.0)
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
    living, dead = program(), program(host="gone", pid=7)
    hung = living.start("workflow", "hung", -7000.0)
    waits = living.start("workflow", "waits", -90_000.0)
    waits.move("paused", -89_000.0, **{names.EXECUTION_RESUME_KEY: "k"})
    living.beat(-1.0)
    dead.beat(-120.0)
    send(living, dead)
    for _ in Fold(store).run():
        pass

    code, fired = check()

    assert code == 1
    assert fired == [
        ("stuck", "hung", hung.id),
        ("worker_silent", "svc", "gone pid 7"),
        ("paused_too_long", "waits", waits.id),
    ]


def test_a_silent_pipeline_fires(check: Callable[..., Any], canary: Callable[..., None]) -> None:
    canary(silent_for=100.0)

    assert check() == (1, [("no_data", "", "pipeline silent")])


def test_what_is_not_usual_fires(
    store: Client, check: Callable[..., Any], canary: Callable[..., None]
) -> None:
    canary()
    hour = NOW.replace(minute=0, second=0, microsecond=0)
    store.insert(
        "runs_hourly",
        [
            {
                "hour": hour - timedelta(hours=back),
                "workflow": "flow",
                "folded": NOW,
                "runs": 40,
                "success": 40,
                "cost": 40.0 if back == 1 else 4.0,
            }
            for back in range(20 * 24)
        ],
    )

    code, fired = check("--rule", "anomaly")

    assert (code, set(fired)) == (1, {("anomaly", "flow", m) for m in ("cost", "cost per run")})


def test_rejects_fire(
    store: Client, check: Callable[..., Any], canary: Callable[..., None]
) -> None:
    canary()
    store.insert(
        "rejects", [{"fingerprint": 1, "reject": "no id", "service": "svc", "received": NOW}]
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
