"""How the cost of questions grows with the data, and with what is at work at once.

    python benchmarks/storage_growth.py                # 50,000 spans, 10 and 100 times as many
    python benchmarks/storage_growth.py --base 5000    # a tenth of that: some minutes
    python benchmarks/storage_growth.py --json

Every question of src/exectrail/queries is asked of five stores with the data of storage.py: three
with more and more data and 96 runs at work, and two with the data of the last of these and ten
and a hundred times as many at work, or half of all. Each was folded, as in a stack at work. The
table is Markdown: medians in milliseconds.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from storage import freshen, progress
from storage_fold import fold, settle
from storage_load import Loader, Shape
from storage_queries import Asked, ask, subjects
from storage_store import Store, opened

from exectrail.clickhouse_http.engine import Engine

BASE: Final = 50_000
OPEN: Final = 96
TIMES: Final = (1, 10, 100)
REPEATS: Final = 7
PATIENCE: Final = 120.0


@dataclass(frozen=True, slots=True)
class Point:
    """A store: so many times the spans, and so many times the open runs."""

    spans: int
    open: int

    def shape(self, base: int) -> Shape:
        """What it holds; at most half of the runs are open."""
        return Shape.of(base * self.spans, OPEN * self.open)

    def title(self, base: int) -> str:
        """For the head of a column."""
        return f"{base * self.spans:,} spans, {self.shape(base).open:,} open"


POINTS: Final = (*(Point(times, 1) for times in TIMES), *(Point(100, times) for times in TIMES[1:]))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark."""
    options = _options(arguments)
    found: dict[Point, list[Asked]] = {}
    with (
        tempfile.TemporaryDirectory(prefix="exectrail-growth-") as folder,
        opened(Path(folder)) as engine,
    ):
        for point in POINTS:
            print(f"{point.title(options.base)}:", file=sys.stderr)
            found[point] = _measure(engine, point, options)
    if options.json:
        for point, asked in found.items():
            for one in asked:
                print(
                    json.dumps(asdict(one) | {"data_times": point.spans, "open_times": point.open})
                )
    else:
        _table(found, options.base)
    wrong = [one for asked in found.values() for one in asked if one.error]
    for one in wrong:
        print(f"{one.name} failed: {one.error}", file=sys.stderr)
    return 1 if wrong else 0


def _measure(engine: Engine, point: Point, options: argparse.Namespace) -> list[Asked]:
    store = Store(engine, f"growth_{point.spans}_{point.open}")
    store.migrate()
    shape = point.shape(options.base)
    Loader(store, shape, options.threads).load(store, None, progress("runs", sys.stderr))
    store.settle(PATIENCE)
    fold(store, progress("runs", sys.stderr), sys.stderr)
    freshen(store)
    settle(store)
    about = subjects(store, datetime.fromtimestamp(shape.now_ms / 1000, UTC))
    asked = ask(store, about, options.repeats, progress("questions", sys.stderr), options.only)
    store.drop()
    return asked


def _table(found: dict[Point, list[Asked]], base: int) -> None:
    print("| question | " + " | ".join(point.title(base) for point in POINTS) + " |")
    print("|---|" + "--:|" * len(POINTS))
    for rows in zip(*found.values(), strict=True):
        name = f"`{rows[0].name}` {rows[0].variant}".rstrip()
        cells = ["failed" if one.error else f"{one.median_ms:,.0f}" for one in rows]
        print(f"| {name} | " + " | ".join(cells) + " |")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--base", type=int, default=BASE, help=f"spans of the smallest; {BASE:,} if left out")
    add("--repeats", type=int, default=REPEATS, help=f"of each question; {REPEATS} if left out")
    add("--only", type=lambda given: given.split(","), default=[], help="questions, by file name")
    add(
        "--threads",
        type=int,
        default=os.cpu_count() or 1,
        help="that insert; all cores if left out",
    )
    add("--json", action="store_true", help="one JSON object per row")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main())
