"""Grafana's file by Grafana's own schema, and its annotations as an alert would have them.

`make grafana` builds what reads it (tests/grafana/rules): the schema is that of Grafana's HTTP API,
the templates are those that it fills in annotations with.
"""

from __future__ import annotations

import json
import shlex
import subprocess
from pathlib import Path

import pytest

from exectrail.check import load_rules, words
from exectrail.queries import Alert

ROOT = Path(__file__).parents[3]
PROGRAM = ROOT / ".tools/rules/exectrail-rules"
SHIPPED = ROOT / "compose/grafana/alerting/exectrail.yaml"
FOUND = Alert(project="shop", environment="", subject="it's $(id) a/b", detail="x'y", value=0.25)

pytestmark = pytest.mark.skipif(
    not PROGRAM.is_file(), reason="make grafana has not built tests/grafana/rules (it needs Go)"
)


def _read(file: Path, home: str = "http://127.0.0.1:3000/") -> subprocess.CompletedProcess[str]:
    texts = ("project", "environment", "subject", "detail")
    alert = {"home": home, "labels": {name: getattr(FOUND, name) for name in texts}}
    return subprocess.run(
        [PROGRAM, file],
        input=json.dumps(alert | {"value": FOUND.value}),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize("home", ["http://127.0.0.1:3000/", "https://g.example/sub"])
def test_annotations_say_what_exectrail_check_says(home: str) -> None:
    done = _read(SHIPPED, home)
    assert done.stderr == ""
    told = json.loads(done.stdout)

    assert told.keys() == {f"exectrail-{rule.name}" for rule in load_rules()}
    for rule in load_rules():
        notes = told[f"exectrail-{rule.name}"]
        assert notes["summary"] == words.summary(rule, FOUND)
        assert notes["runbook"] == rule.runbook
        # What is filled in is one word for a shell, whichever way it is quoted.
        assert shlex.split(notes["command"]) == shlex.split(words.command(rule, FOUND))
        link = home.rstrip("/") + words.dashboard(rule, FOUND).replace("%20", "+")
        assert notes["dashboard"] == link


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("noDataState", "noDataStates", "unknown field"),
        ("noDataState: OK", "noDataState: Fine", "should be one of"),
        ("interval: 60s", "interval: a minute", "not a valid duration"),
        (".Labels.subject", ".Labels.subject | nothing", "not defined"),
    ],
)
def test_what_grafana_does_not_know_is_found(tmp_path: Path, old: str, new: str, why: str) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(SHIPPED.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")

    done = _read(file)

    assert (done.returncode, done.stdout) == (1, "")
    assert why in done.stderr
