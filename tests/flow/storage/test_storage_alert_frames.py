"""The questions of Grafana's alert rules, asked as its backend asks them: the shape of the frames.

Alerting takes a table that has texts, which become the labels of an alert each row, and exactly one
number (pkg/expr/converter.go). `make grafana` builds what asks (tests/grafana/frames).
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from exectrail.check import load_rules
from exectrail.check.grafana import provisioning
from exectrail.launch import main
from exectrail.storage.client import Client

from .fleets import ended, now, silent_stuck_and_paused, spent, unusual, used
from .program import Program

ROOT = Path(__file__).parents[3]
FRAMES = ROOT / ".tools/frames/exectrail-frames"
LABELS = ["project", "environment", "subject", "detail"]
HOSTILE = "it's $__interval_s, \\ {x:String} --"
"""Would be a macro of the data source, an escape, the end of a text, a parameter."""
SETTINGS = f"""
[cost_of_day]
threshold = 20
workflows = {{ {json.dumps(HOSTILE)} = 25, flow = 100 }}
[cost_predicted]
threshold = 0
workflows = {{ predicted = 15 }}
[cost_of_run]
threshold = 5
"""

pytestmark = pytest.mark.skipif(
    not FRAMES.is_file(), reason="make grafana has not built tests/grafana/frames (it needs Go)"
)


@pytest.fixture
def rules(tmp_path: Path) -> Sequence[Any]:
    """The rules of the file, with settings of somebody's own."""
    settings = tmp_path / "alerts.toml"
    settings.write_text(SETTINGS)
    file = yaml.safe_load(provisioning(load_rules(settings)))
    return [rule for group in file["groups"] for rule in group["rules"]]


@pytest.fixture
def evaluate(store: Client, rules: Sequence[Any]) -> Callable[[], dict[str, list[Any]]]:
    """The rows of each rule that has some, by its name: labels and number."""

    def ask() -> dict[str, list[Any]]:
        now = int(datetime.now(UTC).timestamp() * 1000)
        models = [rule["data"][0]["model"] for rule in rules]
        lines = [
            {
                "refId": "A",
                "sql": model["rawSql"],
                "from": now - 600_000,
                "to": now,
                "interval_ms": model["intervalMs"],
                "format": model["format"],
            }
            for model in models
        ]
        done = subprocess.run(
            [FRAMES, urlsplit(store.address).netloc, store.database],
            input="\n".join(map(json.dumps, lines)),
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        asked = zip([rule["labels"]["rule"] for rule in rules], answers, strict=True)
        return {name: rows for name, answer in asked if (rows := _rows(name, answer))}

    return ask


def _rows(name: str, answer: Any) -> list[Any]:
    assert not answer.get("error"), f"{name}: {answer['error']}"
    [frame] = answer["frames"]
    if not frame["fields"]:  # which alerting takes for no data
        return []
    # No time: a table, whose rows are alerts.
    assert frame["kind"] == "not", name
    types = {field["name"]: field["type"] for field in frame["fields"]}
    assert types == dict.fromkeys(LABELS, "string") | {"value": "float64"}, name
    values = [field["values"] for field in frame["fields"]]
    rows = [(tuple(row[:-1]), row[-1]) for row in zip(*values, strict=True)]
    assert len({labels for labels, _ in rows}) == len(rows), f"{name}: labels name one alert"
    # The rule's condition holds for each row.
    assert all(isinstance(value, int | float) and value > -1 for _, value in rows), name
    return rows


def test_a_healthy_fleet_gives_no_row_and_no_error(
    store: Client, canary: Callable[..., None], evaluate: Callable[[], dict[str, list[Any]]]
) -> None:
    canary()
    ended(store, "flow", *["success"] * 19, "failed")
    used(store, calls=10, priced=10, cost=3.0)

    assert evaluate() == {}


def test_an_empty_store_fires_that_nothing_reaches_it(
    store: Client, evaluate: Callable[[], dict[str, list[Any]]]
) -> None:
    assert list(evaluate()) == ["no_data"]


def test_every_rule_fires_for_what_exectrail_check_fires_for(
    store: Client,
    canary: Callable[..., None],
    program: Callable[..., Program],
    send: Callable[..., None],
    evaluate: Callable[[], dict[str, list[Any]]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    canary(2 * 86_400.0 / 20)
    silent_stuck_and_paused(store, program, send)
    ended(store, "flow", *["abandoned"] * 6, *["failed"] * 6, *["success"] * 4)
    ended(store, "dear", "success", cost=7.0)
    used(store, calls=10, priced=8, cost=30.0)
    used(store, calls=1, priced=1, cost=26.0, workflow=HOSTILE)
    unusual(store)
    for back in range(1, 7):
        spent(store, back, {0: 5.0, 23: 5.0}, workflow="predicted")
    spent(store, 0, {0: 8.0}, workflow="predicted")
    store.insert(
        "rejects", [{"fingerprint": 1, "reject": "no id", "service": "svc", "received": now()}]
    )

    found = evaluate()

    settings = tmp_path / "checked.toml"
    settings.write_text(SETTINGS)
    assert main(["check", "--json", "--settings", str(settings), "--url", store.address]) == 1
    told: dict[str, list[Any]] = {}
    for line in map(json.loads, capsys.readouterr().out.splitlines()):
        told.setdefault(line["rule"], []).append(
            (tuple(line[name] for name in LABELS), line["value"])
        )
    assert found.keys() == told.keys()
    budgets = [("", "", "", "all of it"), ("", "", HOSTILE, f"workflow {HOSTILE}")]
    assert found["cost_of_day"] == [(budgets[0], 56.0), (budgets[1], 26.0)]
    for name, rows in told.items():
        # What is silent is so for a little longer the second time.
        approximately = [(labels, pytest.approx(value, rel=0.02)) for labels, value in rows]
        assert sorted(found[name]) == sorted(approximately, key=lambda row: row[0]), name
    sure = {rule.name for rule in load_rules()} - {"no_data"}
    # Of a day that has just begun, or is as good as over, nothing is predicted.
    sure -= {"cost_predicted"} if datetime.now(UTC).hour in (0, 23) else set()
    assert sure <= found.keys()
