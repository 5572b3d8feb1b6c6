"""What the store takes in, what that takes on disk, and how long questions take.

    python benchmarks/storage.py                    # 5 million spans: some ten minutes
    python benchmarks/storage.py --quick            # 100,000 spans: what CI runs
    python benchmarks/storage.py --big              # 50 million spans
    python benchmarks/storage.py --keep DIR         # and keep the store there
    python benchmarks/storage.py --store DIR --only runs,tree    # ask such a store again
    python benchmarks/storage.py --store DIR --panels            # what the dashboards ask of it

Runs of 3 to 20 executions with their model calls, over three weeks, with queues, pauses, resumes,
failures, retries and dead workers, a tenth of it sent twice. It is made by SQL (storage_*.sql),
inserted into the raw tables as the collector fills them, and asked every question of
src/exectrail/queries. The embedded receiver is measured by itself, over HTTP. Exit code 1 where a
question fails or a run is not shown as what it is.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TextIO

import storage_panels
import storage_receiver
import storage_report as report
from storage_fold import fold, settle
from storage_load import Loaded, Loader, Shape
from storage_queries import ask, questions, subjects
from storage_store import Store, opened, text

from exectrail.clickhouse_http.engine import Engine
from exectrail.clickhouse_http.errors import ClickHouseError
from exectrail.storage.statements import split_statements

SPANS: Final = 5_000_000
QUICK_SPANS: Final = 100_000
BIG_SPANS: Final = 50_000_000
OPEN: Final = 200
REPEATS: Final = 15
RECEIVED: Final = 204_800
CHECKED: Final = 1_200_000
"""Spans up to which all that is shown is compared with what was made; no dashboard asks that."""
DISK_PER_SPAN: Final = 450
"""Bytes on disk that a span takes with its events, before all is merged, at most."""
MEMORY_GIB: Final = 6
GIB: Final = 1 << 30


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark."""
    options = _options(arguments)
    rows: list[Any] = []
    wrong: list[str] = []
    out = sys.stderr if options.json else sys.stdout
    with _folder(options) as folder:
        _say_what_is_needed(options, folder, out)
        with opened(folder / "engine") as engine:
            if options.store is None:
                wrong += _load(engine, folder, options, rows, out)
            wrong += _ask(engine, folder, options, rows, out)
    if options.json:
        for row in rows:
            print(json.dumps(row))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\nMost memory that was used at once: {peak:,.0f} MiB", file=out)
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


def _load(
    engine: Engine, folder: Path, options: argparse.Namespace, rows: list[Any], out: TextIO
) -> list[str]:
    store = Store(engine, "exectrail")
    store.migrate()
    typed = Store(engine, "typed")
    typed.migrate(typed_only=True)
    shape = Shape.of(options.spans, options.open)
    loader = Loader(store, shape, options.threads)
    done = loader.load(store, typed, progress("runs", out))
    typed.drop()
    shape.save(folder)
    settled = store.settle(options.patience)
    report.inserted(done, settled, options.threads, out)
    rows += report.inserted_rows(done)
    sizes = store.sizes()
    report.sizes(sizes, store.columns("spans"), done, out)
    rows += [{"kind": "table", **asdict(size)} for size in sizes]
    rows += [{"kind": "column", **asdict(one)} for one in store.columns("spans")]
    if not options.no_receiver:
        got = storage_receiver.measure(store, loader, options.received)
        report.received(got, out)
        rows += [{"kind": "received", **asdict(one), "rate": one.rate} for one in got]
    wrong: list[str] = []
    if done.spans <= CHECKED:
        shown, wrong = _check(store, done)
        rows.append({"kind": "shown", **shown})
    store.close()
    return wrong


def _ask(
    engine: Engine, folder: Path, options: argparse.Namespace, rows: list[Any], out: TextIO
) -> list[str]:
    store = Store(engine, "exectrail")
    wrong: list[str] = []
    rows.append({"kind": "folded", **asdict(fold(store, progress("runs", out), out))})
    try:
        freshen(store)
        settle(store)
    except ClickHouseError as error:  # what the judge asks may be too much for a store of this size
        wrong.append(f"The judge could not look: {str(error).splitlines()[0][:200]}")
    end = datetime.fromtimestamp(Shape.load(folder).now_ms / 1000, UTC)
    if options.panels:
        panels = storage_panels.ask(
            store, subjects(store, end), options.repeats, progress("panels", out), options.only
        )
        store.close()
        report.times("Panels", panels, out)
        slow = storage_panels.slow(panels, out)
        rows += [{"kind": "panel", **asdict(one)} for one in panels]
        wrong += slow if options.check else []
        return wrong + [f"{one.name} failed: {one.error}" for one in panels if one.error]
    asked = ask(
        store,
        subjects(store, end),
        options.repeats,
        progress("questions", out),
        options.only,
        quick=options.quick,
    )
    store.close()
    report.asked(asked, out)
    rows += [{"kind": "question", **asdict(one)} for one in asked]
    return wrong + [f"{one.name} failed: {one.error}" for one in asked if one.error]


def freshen(store: Store) -> None:
    """Have the pipeline and the living workers heard, and verdicts said that are due by now."""
    for statement in split_statements(text("storage_freshen")):
        store.handle.query(statement)
    store.handle.query(f"{text('storage_judged')}{questions()['judge_due']})")


def _check(store: Store, done: Loaded) -> tuple[dict[str, Any], list[str]]:
    """What the store shows of what was made, and what is not the same."""
    freshen(store)
    by_outcome = store.rows(text("storage_shown"))
    shown = {
        "spans": by_outcome[0]["spans"],
        "calls": by_outcome[0]["calls"],
        "resumes": sum(row["resumes"] for row in by_outcome),
        "outcomes": {row["outcome"]: row["runs"] for row in by_outcome},
    }
    made = asdict(done)
    wrong = [
        f"{what}: {shown[what]} are shown, and {made[what]} were made"
        for what in shown
        if shown[what] != made[what]
    ]
    return shown, wrong


def progress(what: str, out: TextIO) -> Callable[[int, int], None]:
    """Shows on a terminal how far something is, its rate, and when it will be done.

    Args:
        what: What is counted.
        out: Where to; nothing is shown where that is no terminal, but a line now and then.
    """
    began = last = time.monotonic()

    def tell(done: int, of: int) -> None:
        nonlocal last
        now = time.monotonic()
        live = out.isatty()
        if not live and done < of and now - last < 30:
            return
        last = now
        rate = done / max(now - began, 1e-9)
        left = (of - done) / max(rate, 1e-9)
        line = f"  {done:,} of {of:,} {what}, {rate:,.0f} per second, {left:,.0f} s left"
        end = "\r" if live and done < of else "\n"
        print(f"{line:<78}", end=end, file=out, flush=True)

    return tell


def _say_what_is_needed(options: argparse.Namespace, folder: Path, out: TextIO) -> None:
    if options.store is not None:
        return
    needed = options.spans * DISK_PER_SPAN / GIB
    free = shutil.disk_usage(folder).free / GIB
    print(
        f"{options.spans:,} spans and their events: up to {needed:.1f} GiB on disk"
        f" ({free:.0f} GiB are free) and {MEMORY_GIB} GiB of memory, {options.threads} threads",
        file=out,
        flush=True,
    )
    if needed > free:
        raise SystemExit("That is more than is free; choose another --keep, or fewer --spans.")


@contextmanager
def _folder(options: argparse.Namespace) -> Generator[Path]:
    if options.store is not None:
        if not (options.store / "shape.json").exists():
            raise SystemExit(f"{options.store} holds no store of ours; make one with --keep.")
        yield options.store
    elif options.keep is not None:
        if options.keep.exists() and any(options.keep.iterdir()):
            raise SystemExit(f"{options.keep} is not empty; ask what is there with --store.")
        options.keep.mkdir(parents=True, exist_ok=True)
        yield options.keep
    else:
        with tempfile.TemporaryDirectory(prefix="exectrail-storage-") as made:
            yield Path(made)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    size = parser.add_mutually_exclusive_group()
    add("--quick", action="store_true", help=f"{QUICK_SPANS:,} spans, each question twice")
    size.add_argument("--big", action="store_true", help=f"{BIG_SPANS:,} spans")
    size.add_argument("--spans", type=int, help=f"about so many spans; {SPANS:,} if left out")
    place = parser.add_mutually_exclusive_group()
    place.add_argument("--keep", type=Path, metavar="DIR", help="an empty directory for the store")
    place.add_argument("--store", type=Path, metavar="DIR", help="ask a store that was kept")
    add("--open", type=int, default=OPEN, help=f"runs at work; {OPEN} if left out")
    add("--repeats", type=int, help=f"of each question; {REPEATS} if left out")
    add("--only", type=lambda given: given.split(","), default=[], help="questions, by file name")
    add("--panels", action="store_true", help="ask what dashboards ask; --only names some of them")
    add("--check", action="store_true", help="exit code 1 where a panel is slow without a reason")
    add(
        "--threads",
        type=int,
        default=os.cpu_count() or 1,
        help="that insert; all cores if left out",
    )
    add("--received", type=int, help=f"rows for the receiver; {RECEIVED:,} if left out")
    add("--no-receiver", action="store_true", help="leave the embedded receiver out")
    add("--json", action="store_true", help="one JSON object per row")
    options = parser.parse_args(arguments)
    options.spans = options.spans or (
        QUICK_SPANS if options.quick else BIG_SPANS if options.big else SPANS
    )
    options.repeats = options.repeats or (1 if options.quick else REPEATS)
    options.received = options.received or (20_480 if options.quick else RECEIVED)
    options.patience = 5.0 if options.quick else 600.0
    return options


if __name__ == "__main__":
    raise SystemExit(main())
