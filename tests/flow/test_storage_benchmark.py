"""The storage benchmark's data is shown as what it was made to be, and all of it is measured."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def run(script: str, *arguments: str) -> list[dict[str, Any]]:
    command = [sys.executable, str(BENCHMARKS / script), "--json", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=580)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_what_was_made_and_sent_twice_is_shown_once_and_as_what_it_is():
    rows = run("storage.py", "--quick", "--spans=40000", "--open=40", "--received=4096")
    kinds = {row["kind"]: row for row in rows}
    made, shown = kinds["made"], kinds["shown"]

    assert {name: made[name] for name in shown if name != "kind"} == {
        name: value for name, value in shown.items() if name != "kind"
    }
    assert {"success", "partial", "failed", "cancelled", "abandoned", ""} == set(shown["outcomes"])
    assert shown["resumes"] > 20
    whole = {row["table"]: row["rows"] for row in rows if row.get("way") == "whole"}
    assert 1.08 < whole["otel_traces"] / made["spans"] < 1.12
    assert 1.08 < whole["otel_logs"] / made["events"] < 1.12

    asked = [row for row in rows if row["kind"] == "question"]
    files = {entry.name for entry in resources.files("exectrail.queries").iterdir()}
    assert {f"{row['name']}.sql" for row in asked} < files
    found = {row["name"] for row in asked if row["rows"]}
    assert {"runs", "run", "tree", "execution", "resolve_id", "cost_by", "run_transitions"} <= found

    received = [(row["signal"], row["rows"], row["stored"]) for row in rows if "stored" in row]
    assert received == [("traces", 4096, 4096)] * 2 + [("logs", 4096, 4096)] * 2


def test_every_panel_is_timed():
    rows = run("storage.py", "--quick", "--spans=8000", "--open=16", "--no-receiver", "--panels")
    asked = [row for row in rows if row["kind"] == "panel"]
    assert {row["name"].partition(":")[0] for row in asked} == {
        file.stem.removeprefix("exectrail-")
        for file in (BENCHMARKS.parent / "dashboards/generated").glob("exectrail-*.json")
    }
    shown = {row["name"]: row["rows"] for row in asked}
    assert shown["history: Runs"] > 10
    assert shown["execution: Tree"] > 1
    assert all(row["median_ms"] > 0 for row in asked)
