"""Limits: how they are written, and what they do to answers when one is shorter than another."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

DAY: Final = 1
WEEK: Final = 7
YEAR: Final = 365
LONGEST: Final = 36_500
"""Days that a limit may have; who wants more says forever."""

_LIMIT: Final = re.compile(r"(\d{1,5})([dwy]?)")
_UNITS: Final = {"": DAY, "d": DAY, "w": WEEK, "y": YEAR}
_FOREVER: Final = "forever"


def days_of(text: str) -> int | None:
    """Days from `400`, `400d`, `12w`, `2y` (365 days each) or `forever` (None).

    Raises:
        ValueError: It is none of these, or not between a day and a hundred years.
    """
    word = text.strip().lower()
    if word == _FOREVER:
        return None
    found = _LIMIT.fullmatch(word)
    days = int(found[1]) * _UNITS[found[2]] if found else 0
    if not 1 <= days <= LONGEST:
        raise ValueError(f"{text!r} is not a limit like 90d, 12w, 2y or forever")
    return days


def said(days: int | None) -> str:
    """A limit for people: whole years from two on, else days."""
    if days is None:
        return _FOREVER
    return f"{days // YEAR} y" if days % YEAR == 0 and days >= 2 * YEAR else f"{days} d"


class Rule(NamedTuple):
    """One table has to keep its rows as long as another.

    Attributes:
        table: The one that may not be shorter.
        than: The other.
        otherwise: What goes wrong then.
    """

    table: str
    than: str
    otherwise: str


RULES: Final = (
    Rule("workers", "executions_state", "runs whose process died would no longer read abandoned"),
    Rule("workers", "transitions", "the evidence of a death goes before the history it explains"),
    Rule("keyed_segments", "executions_state", "older runs would fall apart where they paused"),
    Rule("usage", "executions_state", "older runs would show no tokens and no cost"),
    Rule("executions_state", "transitions", "no run leads to the oldest changes of state"),
    Rule("executions_state", "verdicts", "no run leads to the oldest verdicts"),
    *(
        Rule("executions_state", detail, f"no run leads to the oldest rows of {detail}")
        for detail in ("spans", "progress", "results", "artifacts", "plans", "variables")
    ),
    Rule("executions_state", "resources", "no run leads to the oldest rows of resources"),
    *(
        Rule(kept, "executions_state", f"{kept} would leave out runs that are still there")
        for kept in ("runs", "runs_by_agent", "runs_hourly", "runs_daily")
    ),
    *(
        Rule(kept, "usage", f"{kept} would leave out calls that are still there")
        for kept in ("usage_hourly", "usage_daily")
    ),
)
LEAST: Final = {
    "workers": (2, "processes that only beat now and then would be unknown"),
    "executions_state": (2, "what pauses for longer would be gone when it is resumed"),
}
"""Fewest days that answers stay right with, and why."""


def warnings(limits: Mapping[str, int | None]) -> list[str]:
    """What is wrong with a set of limits, the gravest first.

    Args:
        limits: Days by table, None for ever; tables that are not there are not spoken of.
    """
    told = [
        f"{table} is kept for {said(days)}, less than {least} d: {why}"
        for table, (least, why) in LEAST.items()
        if table in limits and (days := limits[table]) is not None and days < least
    ]
    for rule in RULES:
        if rule.table in limits and rule.than in limits:
            own, other = limits[rule.table], limits[rule.than]
            if own is not None and (other is None or own < other):
                told.append(
                    f"{rule.table} is kept for {said(own)}, {rule.than} for {said(other)}:"
                    f" {rule.otherwise}"
                )
    return told
