"""Asks every query of every dashboard of a store, and takes the time.

The texts are those that ship (dashboards/generated), with the time that a dashboard shows when it
is opened, nothing chosen, and where a run is chosen another one each turn.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple, TextIO

from storage_queries import Asked, Subjects, Values, timed
from storage_report import GOAL_MS
from storage_store import Store, text

GENERATED: Final = Path(__file__).parents[1] / "dashboards/generated"
POINTS: Final = 500
"""Into how many intervals Grafana cuts the time shown, about, on half of a laptop's screen."""
SHOWN: Final = re.compile(r"now-(?P<count>\d+)(?P<unit>[hd])")
MACROS: Final = re.compile(r"\$__(?P<macro>\w+)|\$\{(?P<variable>\w+):[a-z:]+\}")
REASONS: Final = {
    "execution": "One run as it stands at this moment: asks the views, not the roll-ups",
    "anomalies": "Works out what is usual from four weeks: asks every 15 minutes, not seconds",
    "cost: Spent for nothing, by cause": "Follows every run of the time shown down its tree",
}
"""Why a panel may be slower than the goal, by its dashboard or by its dashboard and title."""


class Panel(NamedTuple):
    """A query, and the panels that ask it.

    Attributes:
        name: Dashboard and title of the first of them, and how many there are beside it.
        sql: As it stands in the file.
        shown: For how long back the dashboard looks.
    """

    name: str
    sql: str
    shown: timedelta


def panels(only: Sequence[str]) -> Iterator[Panel]:
    """Each query of each dashboard once.

    Args:
        only: Names of dashboards; all if empty.
    """
    for file in sorted(GENERATED.glob("exectrail-*.json")):
        made: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        dashboard = file.stem.removeprefix("exectrail-")
        if only and dashboard not in only:
            continue
        found: dict[str, list[str]] = {}
        for panel in made["panels"]:
            for number, target in enumerate(panel.get("targets", ())):
                title = panel["title"] + (f" {number}" if number else "")
                found.setdefault(target["rawSql"], []).append(title)
        shown = SHOWN.fullmatch(made["time"]["from"])
        if shown is None:
            raise ValueError(f"{file.name} shows {made['time']['from']}, which is not known here")
        hours = int(shown["count"]) * {"h": 1, "d": 24}[shown["unit"]]
        for sql, (first, *others) in found.items():
            more = f" and {len(others)} more" if others else ""
            yield Panel(f"{dashboard}: {first}{more}", sql, timedelta(hours=hours))


def filled(panel: Panel, about: Subjects, chosen: Mapping[str, str]) -> str:
    """A query's text as it reaches the database.

    Args:
        panel: Which.
        about: When the data ends.
        chosen: Values of variables; of the others nothing is chosen.

    Raises:
        KeyError: It has a macro that is not known here.
    """
    until = int(about.end.timestamp() * 1000)
    since = until - int(panel.shown.total_seconds() * 1000)
    macros = {
        "fromTime_ms": f"fromUnixTimestamp64Milli({since})",
        "toTime_ms": f"fromUnixTimestamp64Milli({until})",
        "interval_s": str(max(1, int(panel.shown.total_seconds() / POINTS))),
    }
    return MACROS.sub(
        lambda m: macros[m["macro"]] if m["macro"] else chosen.get(m["variable"], ""), panel.sql
    )


def ask(
    store: Store,
    about: Subjects,
    repeats: int,
    progress: Callable[[int, int], None],
    only: Sequence[str] = (),
) -> list[Asked]:
    """Ask the query of each panel several times.

    Args:
        store: Whom.
        about: Runs, for the panels of one run, and when the data ends.
        repeats: How often, beside the first time.
        progress: Told after each how many of how many are done.
        only: Names of dashboards; all if empty.
    """
    listed = list(panels(only))
    [busiest] = store.rows(text("storage_busiest"))
    done: list[Asked] = []
    for number, panel in enumerate(listed, start=1):

        def statement(turn: int, panel: Panel = panel) -> tuple[str, Values]:
            run, other = (about.runs[(turn + n) % len(about.runs)] for n in range(2))
            chosen = {"run": run, "other": other, "shown": busiest["workflow"]}
            return filled(panel, about, chosen), {}

        done.append(timed(store, panel.name, "", repeats, statement, planning=True))
        progress(number, len(listed))
    return done


def slow(asked: Sequence[Asked], out: TextIO) -> list[str]:
    """Print which are slower than the goal, and why.

    Args:
        asked: How long they took.
        out: Where to.

    Returns:
        Those of which nobody says why.
    """
    found: dict[str, list[Asked]] = {}
    for one in asked:
        if not one.error and one.median_ms >= GOAL_MS:
            reason = REASONS.get(one.name) or REASONS.get(one.name.partition(":")[0], "")
            found.setdefault(reason, []).append(one)
    for reason, some in found.items():
        print(f"  {reason or 'Nobody says why'}: {', '.join(one.name for one in some)}", file=out)
    return [f"{one.name} took {one.median_ms:,.0f} ms in the median" for one in found.get("", ())]
