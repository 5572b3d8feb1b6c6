"""How the storage benchmark tells its figures, beside those that were measured of a prototype."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TextIO

from storage_load import Inserted, Loaded
from storage_queries import Asked
from storage_receiver import Received
from storage_store import ColumnSize, Size

MB: Final = 1e6
GOAL_TYPED: Final = 400_000
GOAL_BYTES: Final = 35.0
GOAL_RECEIVED: Final = 20_000
GOAL_MS: Final = 100.0
SHOWN_COLUMNS: Final = 16


@dataclass(frozen=True, slots=True)
class Before:
    """A figure of the prototype, a flat table of spans alone, on four cores."""

    what: str
    at_5m: str
    at_50m: str


PROTOTYPE: Final = (
    Before("spans/s into the flat table alone, 1 thread and 4", "430-550 k, 680 k-1.0 M", ""),
    Before("spans/s into the raw table alone, bloom index, 4 threads", "310-390 k", ""),
    Before("bytes per span, flat table", "29.7", "33.5"),
    Before("bytes per execution, state table", "", "80"),
    Before("calls, errors and p95 by hour and agent, 24 h: ms", "27", "61"),
    Before("one agent by hour, 7 d: ms", "17", "18"),
    Before("cost by day and model, 14 d, from spans: ms", "129", "550"),
    Before("cost by day and model, from a roll-up: ms", "4", "3"),
    Before("spans of one execution: ms", "18", "18"),
    Before("executions by state 14 d, last 100, abandoned: ms", "14, 14, 18", "37, 34, 44"),
)


def inserted(done: Loaded, settled: float, threads: int, out: TextIO) -> None:
    """What went in."""
    _line(
        out,
        f"\nInserted by {threads} at once, a tenth twice",
        "rows",
        "seconds",
        "cpu s",
        "rows/s",
    )
    for name, tallies in (("raw and typed", done.whole), ("typed alone", done.typed)):
        for table, tally in tallies.items():
            _line(out, f"  {table}, {name}", *_figures(tally))
    print(
        f"  {done.runs:,} runs, {done.spans:,} spans, {done.events:,} events; made in"
        f" {done.making_s:.0f} s beside the clock; merged {settled:.0f} s later",
        file=out,
    )


def _figures(tally: Inserted) -> tuple[str, ...]:
    return f"{tally.rows:,}", f"{tally.seconds:.1f}", f"{tally.cpu_s:.1f}", f"{tally.rate:,.0f}"


def inserted_rows(done: Loaded) -> list[dict[str, Any]]:
    """The same for programs."""
    names = "runs", "spans", "events", "calls", "resumes", "outcomes"
    rows: list[dict[str, Any]] = [{"kind": "made", **{n: getattr(done, n) for n in names}}]
    for way, tallies in (("whole", done.whole), ("typed", done.typed)):
        rows += [
            {
                "kind": "inserted", "table": table, "way": way, "rows": tally.rows,
                "seconds": tally.seconds, "cpu_s": tally.cpu_s, "rate": tally.rate,
            }
            for table, tally in tallies.items()
        ]  # fmt: skip
    return rows


def sizes(tables: Sequence[Size], columns: Sequence[ColumnSize], done: Loaded, out: TextIO) -> None:
    """What it takes on disk."""
    _line(out, "\nOn disk", "rows", "MB", "B/row", "B/span")
    for size in tables:
        if size.bytes >= 0.001 * sum(one.bytes for one in tables):
            per_row, per_span = size.bytes / max(size.rows, 1), size.bytes / done.spans
            figures = f"{size.rows:,}", f"{size.bytes / MB:,.1f}", f"{per_row:.1f}"
            _line(out, f"  {size.table}, {size.parts} parts", *figures, f"{per_span:.1f}")
    if not columns:
        print("  (too few spans to tell by column: small parts are one file)", file=out)
        return
    shown = ", ".join(f"{one.column} {one.per_row:.2f}" for one in columns[:SHOWN_COLUMNS])
    rest = sum(one.per_row for one in columns[SHOWN_COLUMNS:])
    print(
        f"  bytes per row of spans: {shown}, {len(columns) - SHOWN_COLUMNS} others {rest:.2f}",
        file=out,
    )


def received(got: Sequence[Received], out: TextIO) -> None:
    """What the receiver took."""
    head = "rows", "stored", "seconds", "cpu s", "rows/s"
    _line(out, "\nEmbedded receiver, OTLP over HTTP", *head)
    for one in got:
        cores = "1 core" if one.cores == 1 else f"{one.cores} cores"
        figures = f"{one.rows:,}", f"{one.stored:,}", f"{one.seconds:.1f}", f"{one.cpu_s:.1f}"
        name = f"  {one.signal}, {one.batch:,} a request, {cores}"
        _line(out, name, *figures, f"{one.rate:,.0f}")


def times(title: str, rows: Sequence[Asked], out: TextIO) -> None:
    """How long questions took, the slowest first."""
    head = "explain", "first ms", "median ms", "p95 ms", "cpu ms", "rows", "rows read"
    _line(out, f"\n{title}", *head)
    for one in sorted(rows, key=lambda one: -one.median_ms):
        name = f"  {one.name} {one.variant}".rstrip()
        if one.error:
            print(f"{name}: {one.error}", file=out)
            continue
        figures = [
            f"{ms:,.0f}"
            for ms in (one.plan_ms, one.first_ms, one.median_ms, one.p95_ms, one.cpu_ms)
        ]
        _line(out, name, *figures, f"{one.rows:,}", f"{one.rows_read:,}")
    slow = sum(one.median_ms >= GOAL_MS for one in rows)
    print(f"  {slow} of {len(rows)} take {GOAL_MS:.0f} ms or more in the median", file=out)


def asked(rows: Sequence[Asked], out: TextIO) -> None:
    """How long the questions took, beside what was aimed at and what there was before."""
    times("Questions", rows, out)
    print(
        f"\nGoals: {GOAL_TYPED:,} spans/s into the typed tables, under {GOAL_BYTES:.0f} bytes per"
        f" typed span,\n{GOAL_RECEIVED:,} spans/s by the receiver on one core, what dashboards ask"
        f" under {GOAL_MS:.0f} ms at 50 million spans",
        file=out,
    )
    print(f"\n{'A prototype had':<58} {'5 million':<24} 50 million", file=out)
    for before in PROTOTYPE:
        print(f"  {before.what:<56} {before.at_5m:<24} {before.at_50m}", file=out)


def _line(out: TextIO, first: str, *figures: str) -> None:
    print(f"{first:<40}" + "".join(f"{figure:>11}" for figure in figures), file=out, flush=True)
