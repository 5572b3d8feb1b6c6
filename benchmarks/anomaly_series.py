"""Reads labelled series: `NAME.csv` with timestamp, value and label, or a `labels.json` beside."""

from __future__ import annotations

import csv
import json
import statistics
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from anomaly_fleets import Fault, Hour, Series

SEEN: Final = 7 * 24
"""Hours that are history, and not scored."""
_RUNS: Final = 10_000
"""As so many runs the value of an hour is told: what it varies by is then its own."""


def read_folder(folder: Path) -> list[Series]:
    """All series of a folder, by the hour, each as the cost of a workflow.

    Raises:
        OSError: It cannot be read.
        KeyError, ValueError: A file is not as it should be.
    """
    labels = folder / "labels.json"
    spans: dict[str, list[list[str]]] = json.loads(labels.read_text()) if labels.exists() else {}
    return [_read(file, spans.get(file.name, [])) for file in sorted(folder.glob("*.csv"))]


def _read(file: Path, spans: list[list[str]]) -> Series:
    with file.open(newline="", encoding="utf-8") as lines:
        rows = [
            (_time(row["timestamp"]), float(row["value"]), row.get("label", ""))
            for row in csv.DictReader(lines)
        ]
    # Hours count from a Monday, so that the day of the week stays what it is.
    first = min(at for at, _, _ in rows).replace(hour=0, minute=0, second=0, microsecond=0)
    monday = first - timedelta(days=first.weekday())
    values: dict[int, list[float]] = defaultdict(list)
    bad: set[int] = set()
    for at, value, label in rows:
        values[_hours(at - monday)].append(value)
        if label.strip().lower() in ("1", "1.0", "true"):
            bad.add(_hours(at - monday))
    faults = _stretches(bad) + [
        Fault("labelled", "cost", _hours(_time(a) - monday), _hours(_time(b) - monday) + 1)
        for a, b in spans
    ]
    least = min(value for _, value, _ in rows)
    hours = [
        Hour(at, _RUNS, 0, 0, statistics.fmean(v) - min(least, 0.0), 0, 0.0, 0.0)
        for at, v in sorted(values.items())
    ]
    return Series(file.stem, "labelled", hours, faults)


def _stretches(hours: set[int]) -> list[Fault]:
    starts = [hour for hour in sorted(hours) if hour - 1 not in hours]
    ends = [hour + 1 for hour in sorted(hours) if hour + 1 not in hours]
    return [Fault("labelled", "cost", a, b) for a, b in zip(starts, ends, strict=True)]


def _time(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _hours(span: timedelta) -> int:
    return int(span.total_seconds() // 3600)
