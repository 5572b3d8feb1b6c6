"""Asks the detector as it ships: series go into the roll-ups, and `anomalies_of` answers."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from anomaly_fleets import START, Series, time_of
from storage_store import Store, text

from exectrail.queries.anomalies import FACTOR
from exectrail.storage.statements import split_statements

_ROWS: Final = 5_000


def load(store: Store, series: Sequence[Series]) -> None:
    """Write series into the roll-ups by the hour, and their runs as far as iterations need them."""
    hours, runs = split_statements(text("anomaly_load"))
    rows = [
        asdict(hour) | {"workflow": one.name, "at": int(time_of(hour.at).timestamp())}
        for one in series
        for hour in one.hours
        if hour.runs
    ]
    for first in range(0, len(rows), _ROWS):
        some = "\n".join(map(json.dumps, rows[first : first + _ROWS]))
        store.run(hours, {"rows": some})
        store.run(runs, {"rows": some})


def hits(store: Store, since: int, until: int, factor: float = FACTOR) -> dict[str, set[int]]:
    """Hours that the detector finds unusual, by series.

    Args:
        store: Loaded.
        since: Hours since START.
        until: Hours since START.
        factor: How many deviations.
    """
    found: dict[str, set[int]] = defaultdict(set)
    for row in ask(store, since, until, factor):
        at = datetime.fromisoformat(row["hour"] + "+00:00")
        found[row["subject"]].add(int((at - START).total_seconds()) // 3600)
    return found


def ask(store: Store, since: int, until: int, factor: float = FACTOR) -> list[dict[str, Any]]:
    """All that the detector says of a range."""
    return store.rows(
        text("anomaly_ask"),
        {"since": time_of(since), "until": time_of(until), "factor": factor},
    )
