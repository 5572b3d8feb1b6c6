"""What every dashboard keeps to, whatever it shows."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
QUERIES = ROOT / "src/exectrail/queries"
FILES = sorted((ROOT / "dashboards/generated").glob("*.json"))
DASHBOARDS = {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in FILES}
UIDS = {"fleet", "history", "execution", "cost", "agents", "anomalies", "health"}


def _panels() -> Iterator[Any]:
    for uid, made in DASHBOARDS.items():
        for panel in made["panels"]:
            yield pytest.param(panel, id=f"{uid}: {panel['title']}")


def _colours(panel: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for one in panel["fieldConfig"]["defaults"]["mappings"]:
        yield from ((name, told["color"]) for name, told in one["options"].items())
    for override in panel["fieldConfig"]["overrides"]:
        for told in override["properties"]:
            if told["id"] == "color" and told["value"]["mode"] == "fixed":
                name = re.sub(r"^/\^\(\.\* \)\?|\$/$", "", override["matcher"]["options"])
                yield name, told["value"]["fixedColor"]


def test_the_files_are_what_the_code_makes() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "dashboards.build", "--check"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert {uid.removeprefix("exectrail-") for uid in DASHBOARDS} == UIDS


@pytest.mark.parametrize("uid", DASHBOARDS)
def test_a_dashboard_is_known_by_its_uid_and_its_panels_by_their_ids(uid: str) -> None:
    made = DASHBOARDS[uid]
    assert made["uid"] == uid
    assert made["title"]
    assert made["description"].endswith("?")
    ids = [panel["id"] for panel in made["panels"]]
    assert len(set(ids)) == len(ids)
    titles = [panel["title"] for panel in made["panels"]]
    assert len(set(titles)) == len(titles)
    assert made["links"][0]["tags"] == made["tags"] == ["exectrail"]


@pytest.mark.parametrize("uid", DASHBOARDS)
def test_panels_fill_the_grid_without_lying_on_each_other(uid: str) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARDS[uid]["panels"]:
        at = panel["gridPos"]
        cells = {
            (at.get("x", 0) + dx, at.get("y", 0) + dy)
            for dx in range(at["w"])
            for dy in range(at["h"])
        }
        assert not cells & taken, panel["title"]
        assert all(x < 24 for x, _ in cells)
        taken |= cells


@pytest.mark.parametrize("panel", list(_panels()))
def test_a_panel_says_what_it_shows_in_what_unit_and_what_to_do_when_empty(
    panel: dict[str, Any],
) -> None:
    assert len(panel["description"]) > 20
    defaults = panel["fieldConfig"]["defaults"]
    assert defaults["unit"]
    assert defaults["noValue"]
    assert defaults["thresholds"]["steps"]
    assert panel["targets"]
    assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])


def test_no_data_source_is_named_but_by_the_variable() -> None:
    def sources(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            if isinstance(value.get("datasource"), dict):
                yield value["datasource"]["uid"]
            for one in value.values():
                yield from sources(one)
        elif isinstance(value, list):
            for one in value:
                yield from sources(one)

    assert {uid for made in DASHBOARDS.values() for uid in sources(made)} == {"${datasource}"}


def test_a_name_has_one_colour_everywhere() -> None:
    seen: dict[str, set[str]] = {}
    for made in DASHBOARDS.values():
        for panel in made["panels"]:
            for name, colour in _colours(panel):
                seen.setdefault(name, set()).add(colour)
    assert {name: colours for name, colours in seen.items() if len(colours) > 1} == {}
    assert {"completed", "failed", "abandoned", "running", "success"} <= seen.keys()


def test_links_lead_to_dashboards_that_there_are() -> None:
    led = {uid for file in FILES for uid in re.findall(r'"/d/([\w-]+)', file.read_text())}
    assert led
    assert led <= DASHBOARDS.keys()


def test_every_variable_that_a_query_asks_for_is_one_of_its_dashboard() -> None:
    for uid, made in DASHBOARDS.items():
        known = {variable["name"] for variable in made["templating"]["list"]}
        asked = {
            name
            for panel in made["panels"]
            for target in panel["targets"]
            for name in re.findall(r"\$\{(\w+):", target["rawSql"])
        }
        assert asked <= known, uid
        assert known - {"datasource"} <= asked, uid


def test_a_variable_cannot_end_the_text_it_stands_in() -> None:
    """Only encoded ones stand in SQL: Grafana's quoting formats leave backslashes as they are."""
    found = {
        (variable, how)
        for made in DASHBOARDS.values()
        for panel in made["panels"]
        for target in panel["targets"]
        for variable, how in re.findall(r"\$\{?(?!__)(\w+)(?::([\w:]+))?", target["rawSql"])
    }
    assert {how for _, how in found} == {"customqueryparam:v", "percentencode"}


def test_no_question_of_a_panel_is_left_over() -> None:
    shown = json.dumps(list(DASHBOARDS.values()))
    left = [
        file.name
        for file in QUERIES.glob("panel_*.sql")
        if json.dumps(file.read_text(encoding="utf-8").splitlines()[0])[1:-1] not in shown
    ]
    assert left == []
