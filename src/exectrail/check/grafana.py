"""The rules as Grafana's alerting provisioning reads them: a file, with the numbers filled in.

Each rule asks its question (A) and fires for each row of the answer (B): thresholds, those of
single workflows too, stand in the question, which leaves out what does not fire. No row, no alert.

Conventions, by Grafana's source:

* Annotations are Go templates; `.Labels` are the texts of the row, `.Values.A` is its number. No
  dollar stands in them: Grafana would look for a variable of the environment behind it.
* A rule that the file no longer has stays in Grafana; so one that is not asked is in it, paused.
* Text in SQL has no dollar either, which the data source takes for a macro.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from importlib import resources
from itertools import groupby
from typing import Any, Final

import yaml

from exectrail.check.rules import Rule

SOURCE: Final = "exectrail"
"""Uid of the data source, as compose/grafana/datasources names it."""
FOLDER: Final = "exectrail"
"""That of the dashboards."""
_HEAD: Final = """\
# Alert rules for Grafana, written by `exectrail check --settings alerts.toml --provision FILE`:
# change the settings, not this (docs/alerts.md). No contact point and no notification policy stands
# in it: yours stay as they are.
"""
_PARAMETER: Final = re.compile(r"\{(?P<name>[a-z_]+):(?P<type>[A-Za-z0-9()]+)\}")
_BLANK: Final = re.compile(r"\{(?P<name>[a-z]+)(?::\.(?P<digits>\d)(?P<kind>[f%]))?\}")
_EXPRESSION: Final = {"type": "__expr__", "uid": "__expr__"}
_LEAST_RANGE_S: Final = 600
_PLAIN: Final = "{{ .Labels.NAME }}"
_URL: Final = "{{ urlquery .Labels.NAME }}"
_SHELL: Final = """'{{ reReplaceAll "'" "'\\\\''" .Labels.NAME }}'"""
"""One word for a shell, whatever is in it."""
_HOME: Final = '{{ reReplaceAll "/+\\\\z" "" externalURL }}'
"""Where Grafana is, without the slash at the end that it may have."""


def provisioning(rules: Sequence[Rule]) -> str:
    """The text of the file.

    Args:
        rules: All of them; those that are not enabled are paused.
    """
    often = sorted(rules, key=lambda rule: rule.every_s)
    groups = [
        {
            "orgId": 1,
            "name": f"exectrail every {every} s",
            "folder": FOLDER,
            "interval": f"{every}s",
            "rules": [_rule(rule) for rule in group],
        }
        for every, group in groupby(often, key=lambda rule: rule.every_s)
    ]
    return _HEAD + yaml.dump(
        {"apiVersion": 1, "groups": groups},
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=math.inf,
    )


def uid(rule: Rule) -> str:
    """Uid of a rule; it never changes, for silences and links name it."""
    return f"exectrail-{rule.name}"


def sql(rule: Rule) -> str:
    """The question of a rule with its numbers in it."""
    values: Mapping[str, object] = {
        "threshold": rule.threshold,
        "window_s": rule.window_s,
        "least": rule.least,
        "own_names": list(rule.workflows),
        "own_values": list(rule.workflows.values()),
    }
    file = resources.files("exectrail.queries") / f"alert_{rule.name}.sql"
    return _PARAMETER.sub(
        lambda found: f"CAST({_literal(values[found['name']])}, '{found['type']}')",
        file.read_text(encoding="utf-8"),
    ).strip()


def _literal(value: object) -> str:
    """A value as ClickHouse reads it; of a text nothing but letters and digits stays as it is."""
    if isinstance(value, list):
        items: list[object] = value
        return f"[{', '.join(_literal(one) for one in items)}]"
    if isinstance(value, str):
        return "'" + "".join(map(_escaped, value)) + "'"
    return repr(value)


def _escaped(character: str) -> str:
    if character.isascii() and not character.isalnum():
        return f"\\x{ord(character):02x}"
    return character


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "uid": uid(rule),
        "title": rule.title,
        "condition": "B",
        "for": "0s",
        "noDataState": "OK",
        "execErrState": "Error",
        "missing_series_evals_to_resolve": 1,
        "isPaused": not rule.enabled,
        "dashboardUid": rule.dashboard.partition("?")[0],
        "labels": {"rule": rule.name, "severity": rule.severity},
        "annotations": {
            "summary": _template(rule.summary),
            "runbook": rule.runbook,
            "command": _template(rule.look, _SHELL),
            "dashboard": f"{_HOME}/d/{_template(rule.dashboard, _URL)}",
        },
        "data": [_question(rule), _condition()],
    }


def _question(rule: Rule) -> dict[str, Any]:
    return {
        "refId": "A",
        "queryType": "table",
        # The question knows its own window; Grafana wants one all the same.
        "relativeTimeRange": {"from": max(int(rule.window_s), _LEAST_RANGE_S), "to": 0},
        "datasourceUid": SOURCE,
        "model": {
            "refId": "A",
            "datasource": {"type": "grafana-clickhouse-datasource", "uid": SOURCE},
            "editorType": "sql",
            "queryType": "table",
            "format": 1,
            "pluginVersion": "4.20.0",
            "intervalMs": 1000,
            "maxDataPoints": 43200,
            "rawSql": sql(rule),
        },
    }


def _condition() -> dict[str, Any]:
    """Holds for each row there is: no rule's number is negative."""
    evaluator = {"type": "gt", "params": [-1]}
    return {
        "refId": "B",
        "relativeTimeRange": {"from": 0, "to": 0},
        "datasourceUid": "__expr__",
        "model": {
            "refId": "B",
            "datasource": _EXPRESSION,
            "type": "threshold",
            "expression": "A",
            "conditions": [{"type": "query", "evaluator": evaluator}],
            "intervalMs": 1000,
            "maxDataPoints": 43200,
        },
    }


def _template(words: str, text: str = _PLAIN) -> str:
    """Words with names in braces as a Go template."""

    def filled(found: re.Match[str]) -> str:
        if found["name"] != "value":
            return text.replace("NAME", found["name"])
        if found["kind"] == "%":
            return "{{ humanizePercentage .Values.A.Value }}"
        return f'{{{{ printf "%.{found["digits"]}f" .Values.A.Value }}}}'

    return _BLANK.sub(filled, words)


class _Dumper(yaml.SafeDumper):
    """Text of several lines stands as a block, so that SQL can be read and compared; all is written
    out where it stands, without references."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: _Dumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)
