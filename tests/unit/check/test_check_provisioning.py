"""What every alert rule in Grafana's file keeps to, and that a user's numbers reach it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
import yaml
from grafana_foundation_sdk.models import alerting, expr
from hypothesis import given
from hypothesis import strategies as st

from exectrail.check import Rule, RulesError, load_rules
from exectrail.check.grafana import provisioning, sql
from exectrail.launch import main

ROOT = Path(__file__).parents[3]
SHIPPED = ROOT / "compose/grafana/alerting/exectrail.yaml"
FILE = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
RULES: list[dict[str, Any]] = [rule for group in FILE["groups"] for rule in group["rules"]]
DASHBOARDS = {file.stem for file in (ROOT / "dashboards/generated").glob("*.json")}
EACH = pytest.mark.parametrize("rule", RULES, ids=[rule["uid"] for rule in RULES])

# The fields that Grafana's reader knows (pkg/services/provisioning/alerting/rules_types.go): one
# that it does not know it leaves out without a word.
KNOWN = {
    "group": {"orgId", "name", "folder", "interval", "rules"},
    "rule": {
        *("uid", "title", "condition", "data", "dashboardUid", "panelId", "noDataState"),
        *("execErrState", "for", "keepFiringFor", "missing_series_evals_to_resolve"),
        *("annotations", "labels", "isPaused", "notification_settings", "record"),
    },
    "query": {"refId", "queryType", "relativeTimeRange", "datasourceUid", "model"},
}


def test_the_file_is_what_the_rules_make() -> None:
    assert SHIPPED.read_text(encoding="utf-8") == provisioning(load_rules())


def test_every_rule_that_can_be_asked_is_in_the_file_once() -> None:
    uids = [rule["uid"] for rule in RULES]

    assert sorted(uids) == sorted(f"exectrail-{rule.name}" for rule in load_rules())
    assert len(set(uids)) == len(uids)
    assert len({rule["title"] for rule in RULES}) == len(RULES)
    questions = {file.stem for file in (ROOT / "src/exectrail/queries").glob("alert_*.sql")}
    assert questions == {f"alert_{rule.name}" for rule in load_rules()}


def test_only_fields_that_grafana_reads_stand_in_the_file() -> None:
    assert FILE.keys() == {"apiVersion", "groups"}, "contact points and policies are the user's"
    for group in FILE["groups"]:
        assert group.keys() <= KNOWN["group"]
        assert re.fullmatch(r"[1-9]\d*0s", group["interval"])
    for rule in RULES:
        assert rule.keys() <= KNOWN["rule"]
        for query in rule["data"]:
            assert query.keys() <= KNOWN["query"]


@EACH
def test_a_rule_says_what_to_do_and_where_to_look(rule: dict[str, Any]) -> None:
    notes = rule["annotations"]

    assert notes.keys() == {"summary", "runbook", "command", "dashboard"}
    assert len(notes["runbook"]) > 40
    assert notes["command"].startswith("exectrail ")
    [linked] = re.findall(r"/d/([\w-]+)", notes["dashboard"])
    assert linked == rule["dashboardUid"]
    assert linked in DASHBOARDS
    assert rule["labels"]["severity"] in ("critical", "warning")


@EACH
def test_what_a_link_chooses_is_a_variable_of_its_dashboard(rule: dict[str, Any]) -> None:
    file = ROOT / f"dashboards/generated/{rule['dashboardUid']}.json"
    known = {one["name"] for one in json.loads(file.read_text())["templating"]["list"]}

    assert set(re.findall(r"[?&]var-(\w+)=", rule["annotations"]["dashboard"])) <= known


@EACH
def test_a_rule_asks_the_provisioned_source_and_no_variable(rule: dict[str, Any]) -> None:
    question, condition = rule["data"]

    assert (question["refId"], question["datasourceUid"]) == ("A", "exectrail")
    assert question["model"]["datasource"]["uid"] == "exectrail"
    assert (condition["refId"], condition["datasourceUid"]) == ("B", "__expr__")
    assert rule["condition"] == "B"
    # Grafana's backend fills in neither template variables nor the parameters of our questions.
    assert "$" not in question["model"]["rawSql"]
    assert not re.search(r"\{\w+:", question["model"]["rawSql"])
    # A dollar in an annotation might be taken for a variable of the environment.
    assert "$" not in "".join(rule["annotations"].values())


@EACH
def test_a_rule_fits_grafanas_own_types(rule: dict[str, Any]) -> None:
    condition = expr.TypeThreshold.from_json(rule["data"][1]["model"])

    assert condition.expression == "A"
    assert condition.conditions[0].evaluator.type_val == "gt"
    states = get_type_hints(alerting.Rule)
    assert rule["noDataState"] in get_args(states["no_data_state"])
    assert rule["execErrState"] in get_args(states["exec_err_state"])
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,40}", rule["uid"])


def test_numbers_of_ones_own_reach_the_file(tmp_path: Path) -> None:
    settings, written = tmp_path / "alerts.toml", tmp_path / "exectrail.yaml"
    settings.write_text(
        "[abandonment_rate]\nthreshold = 0.05\nleast = 20\nevery_s = 30\nseverity = 'info'\n"
        "workflows = { nightly = 0.3 }\n[stuck]\nenabled = false\n"
    )

    assert main(["check", "--settings", str(settings), "--provision", str(written)]) == 0

    made = yaml.safe_load(written.read_text(encoding="utf-8"))
    groups = {group["interval"]: [r["uid"] for r in group["rules"]] for group in made["groups"]}
    assert groups["30s"] == ["exectrail-abandonment_rate"]
    assert list(groups) == ["30s", "60s", "300s"]
    rules = {rule["uid"]: rule for group in made["groups"] for rule in group["rules"]}
    assert rules["exectrail-stuck"]["isPaused"] is True
    died = rules["exectrail-abandonment_rate"]
    assert died["labels"]["severity"] == "info"
    text = died["data"][0]["model"]["rawSql"]
    assert "count() >= CAST(20.0, 'Float64')" in text
    assert "CAST(0.05, 'Float64')" in text
    assert "CAST(['nightly'], 'Array(String)')" in text
    assert "CAST([0.3], 'Array(Float64)')" in text


def test_a_prediction_has_the_budgets_of_the_day_unless_it_has_its_own(tmp_path: Path) -> None:
    settings = tmp_path / "alerts.toml"
    settings.write_text("[cost_of_day]\nthreshold = 200\nworkflows = { flow = 50 }\n")
    rules = {rule.name: rule for rule in load_rules(settings)}
    assert rules["cost_predicted"].threshold == 200
    assert rules["cost_predicted"].workflows == {"flow": 50}

    settings.write_text("[cost_of_day]\nthreshold = 200\n[cost_predicted]\nthreshold = 180\n")
    rules = {rule.name: rule for rule in load_rules(settings)}
    assert (rules["cost_of_day"].threshold, rules["cost_predicted"].threshold) == (200, 180)


@pytest.mark.parametrize(
    "line", ["every_s = 15", "every_s = 0", "severity = 'loud'", "title = 'x'"]
)
def test_what_grafana_would_refuse_is_refused(tmp_path: Path, line: str) -> None:
    settings = tmp_path / "alerts.toml"
    settings.write_text(f"[stuck]\n{line}\n")

    with pytest.raises(RulesError, match="is nothing that can be set"):
        load_rules(settings)


def test_a_file_that_cannot_be_written_ends_with_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "--provision", str(tmp_path / "none" / "f.yaml")]) == 2
    assert main(["check", "--rule", "stuck", "--provision", "-"]) == 2
    assert main(["check", "--provision", "-"]) == 0
    assert capsys.readouterr().out == SHIPPED.read_text(encoding="utf-8")


def _with(workflow: str) -> Rule:
    [rule] = [rule for rule in load_rules() if rule.name == "abandonment_rate"]
    values = {name: getattr(rule, name) for name in Rule.__dataclass_fields__}
    return Rule(**values | {"workflows": {workflow: 0.5}})


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_a_name_stays_within_its_quotes(workflow: str) -> None:
    text = sql(_with(workflow))

    [inside] = set(re.findall(r"CAST\(\[('.*?')\], 'Array\(String\)'\)", text, re.DOTALL))
    assert not re.search(r"[$`'{}]", inside[1:-1])
    told = re.sub(r"\\x([0-9a-f]{2})", lambda found: chr(int(found[1], 16)), inside[1:-1])
    assert told == workflow
