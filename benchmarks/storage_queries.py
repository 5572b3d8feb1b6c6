"""Asks every question of `queries/` as clients do, and takes the time.

The questions are those that stand in the folder; what to ask with follows from the names of their
parameters. A new question is measured without a change here, if it asks with what others do.
"""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib import resources
from typing import Final, NamedTuple

from storage_store import Store, text

from exectrail.clickhouse_http.errors import ClickHouseError
from exectrail.queries.times import made

PARAMETER: Final = re.compile(r"\{(?P<name>[a-z_]+):(?P<type>[A-Za-z0-9(), ']+)\}")
BUDGET_S: Final = 20.0
"""A question that is asked for longer than that is not asked again; twice it is in any case."""
ASKS: Final = re.compile(r"\A(\s*--[^\n]*\n)*\s*(SELECT|WITH)\b")
RANGES: Final = {"24 h": timedelta(hours=24), "7 d": timedelta(days=7), "21 d": timedelta(days=21)}
"""What a dashboard's time picker is set to."""
GROUPS: Final = ("day", "model")
Values = Mapping[str, object]


class Variant(NamedTuple):
    """What a question is asked with; `said` is empty where it makes no difference."""

    said: str
    range: str
    group: str


@dataclass(frozen=True, slots=True)
class Asked:
    """How long a question took; milliseconds, in the engine and from the call to the result.

    Attributes:
        name: Name of its file.
        variant: What it was asked with, where that makes a difference: a range, a group.
        error: What the engine said instead of an answer.
    """

    name: str
    variant: str
    plan_ms: float = 0.0
    """What EXPLAIN takes: planning, with the scalars that are worked out for it."""
    first_ms: float = 0.0
    median_ms: float = 0.0
    p95_ms: float = 0.0
    cpu_ms: float = 0.0
    """Of the processor, in the median, all cores together: holds on a busy machine, too."""
    rows: int = 0
    rows_read: int = 0
    bytes_read: int = 0
    error: str = ""


@dataclass(slots=True)
class Subjects:
    """What there is to ask about: some runs with their executions and segments.

    Attributes:
        end: When the data ends.
        runs: Ids of finished runs, spread over the weeks.
        nodes: Of each, one execution beneath it.
        external: Of each, the id of its framework.
    """

    end: datetime
    runs: list[str] = field(default_factory=list[str])
    nodes: list[str] = field(default_factory=list[str])
    external: list[str] = field(default_factory=list[str])

    def values(self, turn: int, range_name: str, group: str) -> dict[str, object]:
        """Values by the name of a parameter; what is empty does not filter.

        Args:
            turn: Another one names other runs.
            range_name: One of RANGES.
            group: What to group by.
        """
        at = turn % len(self.runs)
        since = self.end - RANGES[range_name]
        return {
            "root_id": self.runs[at],
            "execution_id": self.nodes[at],
            "execution_ids": [self.runs[(at + n) % len(self.runs)] for n in range(5)],
            "root_ids": [self.runs[(at + n) % len(self.runs)] for n in range(5)],
            "segments": [self.nodes[(at + n) % len(self.nodes)] for n in range(5)],
            "prefix": self.runs[at][:18],
            "made_since": made(self.runs[at]).strftime("%Y-%m-%d %H:%M:%S"),
            "made_until": made(self.runs[at]).strftime("%Y-%m-%d %H:%M:%S.999"),
            "external_id": self.external[at],
            "since": since.strftime("%Y-%m-%d %H:%M:%S"),
            "from": since.strftime("%Y-%m-%d %H:%M:%S"),
            "until": self.end.strftime("%Y-%m-%d %H:%M:%S"),
            "to": self.end.strftime("%Y-%m-%d %H:%M:%S"),
            "by": group,
            "limit": 100,
        }


def subjects(store: Store, end: datetime) -> Subjects:
    """Some of what a store holds.

    Args:
        store: Loaded.
        end: When its data ends.
    """
    rows = store.rows(text("storage_subjects"))
    return Subjects(
        end,
        [r["root_id"] for r in rows],
        [r["node"] for r in rows],
        [r["external"] for r in rows],
    )


def questions() -> dict[str, str]:
    """The SQL of every question, by the name of its file; what writes is none.

    Nor is what asks of a table that its caller makes first, and names.
    """
    found = {
        entry.name.removesuffix(".sql"): entry.read_text(encoding="utf-8")
        for entry in sorted(resources.files("exectrail.queries").iterdir(), key=lambda e: e.name)
        if entry.name.endswith(".sql")
    }
    return {
        name: sql
        for name, sql in found.items()
        if ASKS.search(sql) and all(p["type"] != "Identifier" for p in PARAMETER.finditer(sql))
    }


def variants(sql: str) -> Iterator[Variant]:
    """What to ask a question with: each range it knows, and each group."""
    parameters = {found["name"] for found in PARAMETER.finditer(sql)}
    ranges = list(RANGES) if parameters & {"since", "from"} else ["24 h"]
    for range_name in ranges:
        for group in GROUPS if "by" in parameters else ("",):
            said = [range_name] if len(ranges) > 1 else []
            yield Variant(" ".join([*said, *([group] if group else [])]), range_name, group)


def bind(sql: str, values: Values) -> dict[str, object]:
    """A value for each parameter of a question: by its name, or else one that filters nothing."""
    bound: dict[str, object] = {}
    for found in PARAMETER.finditer(sql):
        name, kind = found["name"], found["type"]
        if name in values:
            bound[name] = values[name]
        elif kind.startswith("Array"):
            bound[name] = []
        elif kind.startswith("Date"):
            bound[name] = values["since"]
        else:
            bound[name] = "" if "String" in kind else 1
    return bound


def ask(
    store: Store,
    about: Subjects,
    repeats: int,
    progress: Callable[[int, int], None],
    only: Sequence[str] = (),
    *,
    quick: bool = False,
) -> list[Asked]:
    """Ask each question several times.

    Args:
        store: Whom.
        about: What about.
        repeats: How often, beside the first time.
        progress: Told after each question how many of how many are done.
        only: Names of questions; all if empty.
        quick: Each question with one range and group alone, and planning is not told apart.
    """
    listed: list[tuple[str, str, Variant]] = []
    for name, sql in questions().items():
        if not only or name in only:
            asked_with = list(variants(sql))
            listed += [(name, sql, variant) for variant in asked_with[: 1 if quick else None]]
    done: list[Asked] = []
    for number, (name, sql, variant) in enumerate(listed, start=1):
        done.append(_ask(store, about, name, sql, variant, repeats, planning=not quick))
        progress(number, len(listed))
    return done


def _ask(
    store: Store,
    about: Subjects,
    name: str,
    sql: str,
    variant: Variant,
    repeats: int,
    *,
    planning: bool,
) -> Asked:
    def statement(turn: int) -> tuple[str, Values]:
        values = about.values(turn, variant.range, variant.group)
        if name == "run":  # by the id under which a run is shown, not by any
            values["execution_id"] = values["root_id"]
        return sql, bind(sql, values)

    return timed(store, name, variant.said, repeats, statement, planning=planning)


def timed(
    store: Store,
    name: str,
    variant: str,
    repeats: int,
    statement: Callable[[int], tuple[str, Values]],
    *,
    planning: bool,
) -> Asked:
    """Ask something several times.

    Args:
        store: Whom.
        name: What it is called.
        variant: What it is asked with, in words.
        repeats: How often, beside the first time.
        statement: SQL and parameters of each turn; the first one is turn 0.
        planning: Whether planning is told apart.
    """
    times: list[float] = []
    cpu: list[float] = []
    rows = rows_read = bytes_read = 0
    plan_ms = 0.0
    try:
        for turn in range(repeats + 1):
            sql, values = statement(turn)
            began, used = time.perf_counter(), time.process_time()
            result = store.ask(sql, values)
            times.append((time.perf_counter() - began) * 1000)
            cpu.append((time.process_time() - used) * 1000)
            rows = max(rows, result.data.count(b"\n"))
            rows_read, bytes_read = result.rows_read, result.bytes_read
            if turn and sum(times) > BUDGET_S * 1000:
                break
        if planning:
            sql, values = statement(0)
            began = time.perf_counter()
            with suppress(ClickHouseError):  # too long to be said; the question was answered
                store.ask(f"EXPLAIN {sql}", values)
                plan_ms = (time.perf_counter() - began) * 1000
    except ClickHouseError as error:
        return Asked(name, variant, error=str(error).splitlines()[0][:200])
    later = sorted(times[1:]) or times
    return Asked(
        name,
        variant,
        plan_ms=plan_ms,
        first_ms=times[0],
        median_ms=statistics.median(later),
        cpu_ms=statistics.median(cpu[1:] or cpu),
        p95_ms=later[min(len(later) - 1, round(0.95 * (len(later) - 1)))],
        rows=rows,
        rows_read=rows_read,
        bytes_read=bytes_read,
    )
