"""How well unusual hours are found: precision, recall and delay, beside a rule of three sigmas.

    python benchmarks/anomaly.py                 # the held-out fleets
    python benchmarks/anomaly.py --quick         # one of them
    python benchmarks/anomaly.py --tuning        # those that thresholds were chosen on
    python benchmarks/anomaly.py --series DIR    # labelled series of one's own

The series go into the roll-ups of a store, and the view `anomalies_of` is asked, as it ships. A
folder of series holds `NAME.csv` with the columns timestamp (ISO 8601) and value, and either a
column label (1 or true in what should be found) or one file `labels.json`: by name of the file, a
list of [start, end]. Values are taken by the hour, in the mean. Exit code 1 where the detector
is below its promise: precision 0.8, recall 0.7.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from anomaly_detector import hits, load
from anomaly_fleets import CLEAN, HELD_OUT_SEEDS, HOURS, TUNING_SEEDS, Series, fleet
from anomaly_scores import NOTHING, Score, naive, score
from anomaly_series import SEEN, read_folder
from storage_store import Store, opened

from exectrail.queries.anomalies import FACTOR

PRECISION, RECALL = 0.8, 0.7
"""What held-out fleets must give at least."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark."""
    options = _options(arguments)
    if options.series:
        series = read_folder(options.series)
        if not series:
            print(f"anomaly.py: no series in {options.series}", file=sys.stderr)
            return 2
        last = max(hour.at for one in series for hour in one.hours) + 1
        sets = {one.name: ([one], SEEN, last) for one in series}
    else:
        seeds = TUNING_SEEDS if options.tuning else HELD_OUT_SEEDS
        sets = {
            f"fleet {seed}": (fleet(seed), CLEAN, HOURS)
            for seed in (seeds[:1] if options.quick else seeds)
        }
    rows, ours, theirs = _run(sets, options.factor)
    if options.json:
        print(json.dumps({"sets": rows, "total": _row("all", ours, theirs, 0)}))
    else:
        for row in [*rows, _row("all", ours, theirs, 0)]:
            _print(row)
    good = ours.precision >= PRECISION and ours.recall >= RECALL
    return 0 if good or options.series else 1


def _run(
    sets: dict[str, tuple[list[Series], int, int]], factor: float
) -> tuple[list[dict[str, Any]], Score, Score]:
    ours = theirs = NOTHING
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder, opened(Path(folder)) as engine:
        for number, (name, (series, since, until)) in enumerate(sets.items()):
            store = Store(engine, f"fleet_{number}")
            store.migrate()
            load(store, series)
            began = time.perf_counter()
            found = hits(store, since, until, factor)
            took = time.perf_counter() - began
            store.close()
            own, other = score(series, found, since), score(series, naive(series), since)
            rows.append(_row(name, own, other, took))
            ours, theirs = ours + own, theirs + other
    return rows, ours, theirs


def _row(name: str, ours: Score, theirs: Score, seconds: float) -> dict[str, Any]:
    return {
        "name": name,
        "seconds": round(seconds, 2),
        "ours": _figures(ours),
        "three sigma": _figures(theirs),
    }


def _figures(of: Score) -> dict[str, Any]:
    return {
        "precision": round(of.precision, 3),
        "recall": round(of.recall, 3),
        "delay_h": of.delay,
        "false_per_series_week": round(of.false_per_week, 3),
        "episodes": of.episodes,
        "faults": of.faults,
        "by_kind": {kind: list(counts) for kind, counts in sorted(of.by_kind.items())},
    }


def _print(row: dict[str, Any]) -> None:
    for who in ("ours", "three sigma"):
        of = row[who]
        kinds = "  ".join(f"{kind} {n}/{m}" for kind, (n, m) in of["by_kind"].items())
        print(
            f"{row['name']:<12} {who:<12} precision {of['precision']:.2f}  recall"
            f" {of['recall']:.2f}  delay {of['delay_h']:.0f} h  false calls per series and week"
            f" {of['false_per_series_week']:.2f}   {kinds}"
        )


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="How well unusual hours are found.")
    parser.add_argument("--quick", action="store_true", help="one fleet")
    parser.add_argument("--tuning", action="store_true", help="the fleets thresholds come from")
    parser.add_argument("--series", type=Path, metavar="DIR", help="labelled series")
    parser.add_argument("--factor", type=float, default=FACTOR, help="deviations (%(default)s)")
    parser.add_argument("--json", action="store_true", help="for programs")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
