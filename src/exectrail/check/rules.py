"""The rules: their numbers and words, from the file of the wheel and the user's own over it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Final

_NUMBERS: Final = frozenset({"threshold", "window_s", "least"})
_WORDS: Final = frozenset({"title", "severity", "summary", "runbook", "look", "dashboard"})
_SEVERITIES: Final = ("critical", "warning", "info")
_TICK_S: Final = 10
"""Seconds: how often Grafana looks which rules are due; all intervals are multiples of it."""


class RulesError(Exception):
    """A file of settings is not as it should be; the message says what and where."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        name: Of the rule; its question is `queries/alert_<name>.sql`.
        title: In a few words, for people.
        severity: critical, warning or info; for whoever routes alerts.
        summary: What fires, in words; names of columns in braces.
        runbook: What to do then.
        look: The command to look further; names of columns in braces.
        dashboard: The one to look at: its uid, and variables of it with names of columns in braces.
        threshold: Above which, or below which, it fires.
        window_s: Seconds that it looks back.
        least: Runs that there must be before a rate can fire.
        workflows: Thresholds of single workflows.
        every_s: Seconds between two evaluations in Grafana, a multiple of ten.
        enabled: Whether it is asked.
    """

    name: str
    title: str
    severity: str
    summary: str
    runbook: str
    look: str
    dashboard: str
    threshold: float
    window_s: float
    least: float
    workflows: Mapping[str, float]
    every_s: int
    enabled: bool


def load_rules(file: Path | None = None) -> list[Rule]:
    """All rules, in the order of the file.

    Args:
        file: The user's own settings; those of the wheel alone where there is none.

    Raises:
        RulesError: The file cannot be read, or names what there is not.
    """
    text = (resources.files("exectrail.check") / "rules.toml").read_text(encoding="utf-8")
    tables: dict[str, dict[str, Any]] = tomllib.loads(text)
    for name, table in (_read(file) if file else {}).items():
        if name not in tables:
            raise RulesError(f"{file}: there is no rule {name}; there are: {', '.join(tables)}")
        if not isinstance(table, dict):
            raise RulesError(f"{file}: {name} is no table")
        for key, value in table.items():
            if not _fits(key, value):
                raise RulesError(f"{file}: {name}.{key} = {value!r} is nothing that can be set")
        tables[name] |= table
    for table in tables.values():
        for key in ("threshold", "workflows"):
            if "like" in table and key in tables[table["like"]]:
                table.setdefault(key, tables[table["like"]][key])
    return [_rule(name, table) for name, table in tables.items()]


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RulesError(f"{file}: {error}") from error


def _fits(key: str, value: object) -> bool:
    if key == "enabled":
        return isinstance(value, bool)
    if key == "severity":
        return value in _SEVERITIES
    if key == "every_s":
        return isinstance(value, int) and value > 0 and value % _TICK_S == 0
    if key == "workflows":
        return isinstance(value, dict) and all(_is_number(own) for own in value.values())
    return key in _NUMBERS and _is_number(value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def _rule(name: str, table: Mapping[str, Any]) -> Rule:
    return Rule(
        name=name,
        threshold=float(table["threshold"]),
        window_s=float(table.get("window_s", 0)),
        least=float(table.get("least", 1)),
        workflows={key: float(own) for key, own in table.get("workflows", {}).items()},
        every_s=table.get("every_s", 60),
        enabled=table.get("enabled", True),
        **{word: table[word] for word in _WORDS},
    )
