"""Loads the storage benchmark's data: made by SQL, slice by slice, before the clock is started.

A slice is some thousand runs with their workers. It is made in tables in memory of the shape of the
raw tables, and then inserted from there: what is timed is the engine's work, with all materialized
views behind it, not that of a sender. A tenth of each slice is sent once more, in another order.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from storage_store import RAW, Store, text

SPANS_PER_RUN: Final = 19.7
"""What storage_*.sql come to, measured; totals in spans are turned into runs by it."""
CREW: Final = 8
STEPS: Final = ("runs", "workers", "nodes", "spans", "events")
STAGED: Final = {"otel_traces": "spans", "otel_logs": "events"}
IDENTITY: Final = {"spans": "SpanId", "events": "SpanId, EventName, Timestamp"}
"""What tells one staged row from another."""
BATCH: Final = 40_000
"""Rows of an INSERT, as a collector under load sends them."""
TYPED_SAMPLE: Final = 1_000_000
"""Spans that are inserted into the typed tables alone, besides, at most."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How much data. The same shape gives the same data, but for the moment it ends at.

    Attributes:
        runs: Runs in all, a multiple of 8.
        open: Of these the last ones, at work now; a multiple of 8.
        now_ms: The moment at which the data ends, milliseconds since 1970.
        seed: Another one makes other data.
        slice_runs: Runs that are made and inserted at once.
    """

    runs: int
    open: int
    now_ms: int
    seed: int = 1
    slice_runs: int = 8000

    @classmethod
    def of(cls, spans: int, open_runs: int) -> Shape:
        """As many runs as make so many spans, up to now.

        Args:
            spans: Spans, about.
            open_runs: Runs at work, about.
        """
        runs = _crews(spans / SPANS_PER_RUN)
        return cls(runs, min(_crews(open_runs), runs // 2 // CREW * CREW), int(time.time() * 1000))

    def save(self, folder: Path) -> None:
        """Note it beside the data."""
        (folder / "shape.json").write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Shape:
        """What was noted."""
        return cls(**json.loads((folder / "shape.json").read_text(encoding="utf-8")))


def _crews(runs: float) -> int:
    return max(1, round(runs / CREW)) * CREW


@dataclass(slots=True)
class Inserted:
    """What went into a table, and how long that took.

    Attributes:
        rows: Rows handed over, those that came twice counted twice.
        seconds: In the engine, from the first row to the answer.
        cpu_s: Of the processor meanwhile, merges that ran along with it: holds on a busy machine.
    """

    rows: int = 0
    seconds: float = 0.0
    cpu_s: float = 0.0

    @property
    def rate(self) -> float:
        """Rows per second."""
        return self.rows / self.seconds if self.seconds else 0.0


@dataclass(slots=True)
class Loaded:
    """What a load came to, without what came twice, and how long it took.

    Attributes:
        shape: What was to be made.
        outcomes: Runs by outcome.
        resumes: Pauses that another process resumed.
        calls: Model calls.
        making_s: Seconds that making it took, beside the clock.
    """

    shape: Shape
    runs: int = 0
    spans: int = 0
    events: int = 0
    calls: int = 0
    resumes: int = 0
    making_s: float = 0.0
    outcomes: dict[str, int] = field(default_factory=dict[str, int])
    whole: dict[str, Inserted] = field(default_factory=lambda: {table: Inserted() for table in RAW})
    """By raw table: into it and, by its views, into all that stands behind."""
    typed: dict[str, Inserted] = field(default_factory=lambda: {table: Inserted() for table in RAW})
    """The same into the typed tables alone, of a part."""


class Loader:
    """Fills stores with the data of a shape."""

    def __init__(self, maker: Store, shape: Shape, threads: int) -> None:
        """Prepare.

        Args:
            maker: A store whose raw tables have the shape that is to be filled.
            shape: How much.
            threads: Threads that insert.
        """
        self._maker = maker
        self.shape = shape
        self._threads = threads
        maker.handle.query("CREATE DATABASE IF NOT EXISTS bench ENGINE = Atomic")
        for raw, staged in STAGED.items():
            columns = maker.rows(
                "SELECT name, type FROM system.columns"
                " WHERE database = currentDatabase() AND table = {table:String}",
                {"table": raw},
            )
            listed = ", ".join(f"`{column['name']}` {column['type']}" for column in columns)
            maker.handle.query(f"CREATE OR REPLACE TABLE bench.{staged} ({listed}) ENGINE = Memory")

    def load(
        self, into: Store, typed: Store | None, progress: Callable[[int, int], None]
    ) -> Loaded:
        """Make and insert all of it.

        Args:
            into: Where it goes.
            typed: Where a part of it goes first, to time the typed tables alone.
            progress: Told after each slice how many runs of how many are in.
        """
        done = Loaded(self.shape)
        for store in filter(None, (into, typed)):
            store.open_writers(self._threads)
        for first, count in self._slices():
            began = time.perf_counter()
            self.make(first, count)
            done.making_s += time.perf_counter() - began
            self._count(done)
            sample = typed is not None and done.spans <= TYPED_SAMPLE
            for table, staged in STAGED.items():
                if typed is not None and sample:
                    self._insert(typed, table, staged, done.typed[table])
                self._insert(into, table, staged, done.whole[table])
            progress(done.runs, self.shape.runs)
        return done

    def make(self, first: int, count: int) -> None:
        """Make a slice in memory.

        Args:
            first: Its first run.
            count: How many runs.
        """
        shape = self.shape
        values = {
            "seed": shape.seed, "total": shape.runs, "open": shape.open, "now_ms": shape.now_ms,
            "first": first, "count": count,
        }  # fmt: skip
        for staged in STAGED.values():
            self._maker.handle.query(f"TRUNCATE TABLE bench.{staged}")
        for step in STEPS:
            self._maker.run(text(f"storage_{step}"), values)

    def _slices(self) -> Iterator[tuple[int, int]]:
        for first in range(0, self.shape.runs, self.shape.slice_runs):
            yield first, min(self.shape.slice_runs, self.shape.runs - first)

    def _count(self, done: Loaded) -> None:
        by_outcome = self._maker.rows(text("storage_made"))
        for row in by_outcome:
            done.runs += row["runs"]
            done.resumes += row["resumes"]
            done.outcomes[row["outcome"]] = done.outcomes.get(row["outcome"], 0) + row["runs"]
        done.spans += by_outcome[0]["spans"]
        done.events += by_outcome[0]["events"]
        done.calls += by_outcome[0]["calls"]

    def _insert(self, store: Store, table: str, staged: str, tally: Inserted) -> None:
        chosen = f"cityHash64({IDENTITY[staged]}) % 10 = 0"
        source = f"SELECT * FROM bench.{staged}"
        [sent] = store.rows(
            f"SELECT count() AS rows, countIf({chosen}) AS again FROM bench.{staged}"
        )
        cuts = range(0, sent["rows"], BATCH)
        again = (
            "SELECT * REPLACE (Received + toIntervalMinute(1) AS Received)"
            f" FROM bench.{staged} WHERE {chosen} ORDER BY cityHash64(SpanId, 'again')"
        )
        tally.rows += sent["rows"] + sent["again"]
        began, used = time.perf_counter(), time.process_time()
        store.insert(table, [*(f"{source} LIMIT {BATCH} OFFSET {cut}" for cut in cuts), again])
        tally.seconds += time.perf_counter() - began
        tally.cpu_s += time.process_time() - used
