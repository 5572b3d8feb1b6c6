"""The sections of `exectrail show`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from rich.text import Text

from exectrail.cli.evidence import died
from exectrail.cli.layout import Column, table, wrap
from exectrail.cli.screen import View
from exectrail.cli.words import (
    clean,
    clock,
    cost_text,
    count,
    duration,
    moment,
    places,
    share,
    state_text,
    tokens,
)
from exectrail.conventions.names import State
from exectrail.queries import (
    Artifact,
    Node,
    ResourceUse,
    Result,
    Run,
    RunAgent,
    RunError,
    Transition,
)

INDENT: Final = 2
"""Spaces before each line of a section."""
_FINAL: Final = frozenset({State.COMPLETED, State.FAILED, State.CANCELLED, State.ABANDONED})


def timeline(transitions: Sequence[Transition], subject: Run | Node, view: View) -> list[Text]:
    """The states one after the other: when, for how long, why, and in which process."""
    if not transitions:
        return []
    moves = [row for row in transitions if row.valid]
    ends = {id(row): after.ts for row, after in pairwise(moves)}
    rows: list[list[Text | str]] = []
    day = process = ""
    for row in transitions:
        until = ends.get(id(row), subject.ended_at or view.now)
        timeless = not row.valid or (id(row) not in ends and row.state in _FINAL)
        when, where = clock(row.ts, view.zone), f"pid {row.pid} on {clean(row.host)}"
        date = moment(row.ts, view.zone)[:10]
        rows.append(
            [
                "" if date == day else date,
                when,
                state_text(row.state),
                "" if timeless else duration(max(0.0, (until - row.ts).total_seconds() * 1000)),
                clean(row.reason),
                _detail(row) or ("" if where == process or not row.pid else where),
            ]
        )
        day, process = date, where
    if died(subject) and subject.ended_at is not None:
        date = moment(subject.ended_at, view.zone)[:10]
        rows.append(
            [
                "" if date == day else date,
                clock(subject.ended_at, view.zone),
                state_text(subject.effective_state),
                "",
                clean(subject.reason),
                "judged; its last sign of life",
            ]
        )
    columns = [
        Column("DATE", drop=1),
        Column("TIME"),
        Column("STATE"),
        Column("FOR", right=True),
        Column("REASON", optional=True, minimum=8),
        Column("", optional=True, minimum=8),
    ]
    return table(columns, rows, view.width - INDENT).lines


def _detail(row: Transition) -> Text | None:
    if not row.valid:
        return Text(f"refused: not allowed from {clean(row.previous_state)}", "yellow")
    if row.error_type:
        return Text(clean(row.error_type), "red")
    return None


def agents(rows: Sequence[RunAgent], view: View) -> list[Text]:
    """What each agent did."""
    if not any(row.agent for row in rows):
        return []
    digits = places(row.cost for row in rows)
    columns = [
        Column("AGENT", minimum=10),
        Column("STATE"),
        Column("TIME", right=True),
        Column("CALLS", right=True),
        Column("PRICED", right=True, drop=3),
        Column("TOOLS", right=True, drop=4),
        Column("ERRORS", right=True, drop=2),
        Column("TOKENS", right=True, drop=1),
        Column("COST", right=True),
    ]
    cells: list[list[Text | str]] = [
        [
            clean(row.agent) or "(no agent)",
            state_text(row.effective_state) if row.executions else "",
            duration(row.duration_ms) if row.executions else "",
            str(row.calls),
            share(row),
            str(row.tool_calls),
            Text(str(row.errors), "red" if row.errors else ""),
            tokens(row),
            cost_text(row, digits),
        ]
        for row in rows
    ]
    return table(columns, cells, view.width - INDENT).lines


def errors(rows: Sequence[RunError], view: View) -> list[Text]:
    """Where errors began, and what they said."""
    lines: list[Text] = []
    for row in rows:
        where = [clean(row.name), *([clean(row.kind)] if row.kind else [])]
        where += [f"turn {row.iteration}"] if row.iteration > 1 else []
        where += [f"try {row.attempt}"] if row.attempt > 1 else []
        line = Text(f"{clock(row.failed_at, view.zone)}  ", "dim")
        line.append(", ".join(where))
        line.append(f"  {clean(row.reason)}" if row.reason not in ("", "error") else "")
        said = f"{clean(row.error_type)}: {clean(row.error_message)}".strip(": ")
        lines += [line, *(Text("  ") + part for part in _wrapped(Text(said, "red"), view, 2))]
    return lines


def results(rows: Sequence[Result], view: View) -> list[Text]:
    """Results, with their category and what the check said."""
    words = {None: Text("not checked", "dim"), 1: Text("valid", "green"), 0: Text("refused", "red")}
    cells: list[list[Text | str]] = [
        [
            clean(row.result_name),
            clean(row.result_category),
            words[None if row.result_valid is None else int(bool(row.result_valid))],
            clean(row.name),
            clean(row.result_problem),
        ]
        for row in rows
    ]
    columns = [
        Column("RESULT", minimum=12),
        Column("CATEGORY"),
        Column("CHECK"),
        Column("BY", minimum=10),
        Column("PROBLEM", minimum=10, optional=True),
    ]
    return table(columns, cells, view.width - INDENT).lines if rows else []


def artifacts(rows: Sequence[Artifact], view: View) -> list[Text]:
    """Files and links."""
    cells: list[list[Text | str]] = [
        [
            clean(row.artifact_action),
            clean(row.artifact_name),
            "" if row.artifact_size is None else f"{count(row.artifact_size)}B",
            clean(row.name),
            clean(row.artifact_url) if row.artifact_url != row.artifact_name else "",
        ]
        for row in rows
    ]
    columns = [
        Column("ACTION"),
        Column("NAME", minimum=16),
        Column("SIZE", right=True, optional=True),
        Column("BY", minimum=10),
        Column("WHERE", minimum=12, optional=True),
    ]
    return table(columns, cells, view.width - INDENT).lines if rows else []


def resources(rows: Sequence[ResourceUse], view: View) -> list[Text]:
    """CPU, peak memory and disk, where they were measured."""

    def size(value: int | None) -> str:
        return "" if value is None else f"{count(value)}B"

    cells: list[list[Text | str]] = [
        [
            clean(row.name),
            "" if row.cpu_seconds is None else duration(row.cpu_seconds * 1000),
            size(row.memory_peak_bytes),
            size(row.disk_read_bytes),
            size(row.disk_write_bytes),
            _scope(row),
        ]
        for row in rows
    ]
    columns = [
        Column("EXECUTION", minimum=12),
        Column("CPU", right=True),
        Column("MEMORY", right=True),
        Column("READ", right=True, optional=True),
        Column("WRITTEN", right=True, optional=True),
        Column("SCOPE", optional=True),
    ]
    return table(columns, cells, view.width - INDENT).lines if rows else []


def _scope(row: ResourceUse) -> str:
    """Whose figures they are, and which part of the process, where it was not all of it."""
    part = row.resource_share
    return clean(row.resource_scope) + ("" if part is None or part >= 1 else f" {part:.0%}")


def _wrapped(text: Text, view: View, indent: int) -> list[Text]:
    return wrap(text, max(20, view.width - INDENT - indent))
