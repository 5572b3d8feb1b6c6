"""The files against Grafana's own schema; `make grafana` builds what reads them by it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
SCHEMA = ROOT / ".tools/schema/exectrail-schema"
FILES = sorted((ROOT / "dashboards/generated").glob("*.json"))

pytestmark = pytest.mark.skipif(
    not SCHEMA.is_file(), reason="make grafana has not built tests/grafana/schema (it needs Go)"
)


def refused(*files: Path) -> tuple[int, list[str]]:
    """How it ended, and what is wrong with which file."""
    done = subprocess.run([SCHEMA, *files], capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()


def test_every_dashboard_is_one_by_grafanas_schema() -> None:
    assert len(FILES) == 7
    assert refused(*FILES) == (0, [])


def _panel(made: dict[str, Any], kind: str) -> dict[str, Any]:
    return next(panel for panel in made["panels"] if panel["type"] == kind)


def _break_field(made: dict[str, Any]) -> None:
    made["refreshEvery"] = "10s"


def _break_type(made: dict[str, Any]) -> None:
    made["editable"] = "no"


def _break_panel(made: dict[str, Any]) -> None:
    _panel(made, "stat")["gridPos"]["width"] = 3


def _break_option(made: dict[str, Any]) -> None:
    _panel(made, "timeseries")["options"]["legends"] = {}


def _break_custom(made: dict[str, Any]) -> None:
    _panel(made, "timeseries")["fieldConfig"]["defaults"]["custom"]["lineWidht"] = 1


def _break_required(made: dict[str, Any]) -> None:
    del _panel(made, "table")["options"]["footer"]["reducer"]


@pytest.mark.parametrize(
    ("breaking", "told"),
    [
        (_break_field, "refreshEvery"),
        (_break_type, "editable"),
        (_break_panel, "width"),
        (_break_option, "legends"),
        (_break_custom, "lineWidht"),
        (_break_required, "footer.reducer"),
    ],
)
def test_a_broken_dashboard_is_refused(
    tmp_path: Path, breaking: Callable[[dict[str, Any]], None], told: str
) -> None:
    made = json.loads((ROOT / "dashboards/generated/exectrail-fleet.json").read_text())
    breaking(made)
    file = tmp_path / "broken.json"
    file.write_text(json.dumps(made))
    status, errors = refused(file)
    assert status == 1
    assert any(told in error for error in errors), errors
