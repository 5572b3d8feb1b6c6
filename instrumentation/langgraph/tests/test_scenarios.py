"""Each row of `scenarios.toml`: what a program becomes in each mode, from invoke to astream."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from exectrail_langgraph import LangGraphInstrumentor

from exectrail import guard, runtime
from exectrail.testing import Recording, recording

from .programs import (  # noqa: F401 - each of them adds to PROGRAMS
    agents,
    ends,
    errors,
    graphs,
    pauses,
)
from .programs.runner import MODES, PROGRAMS, Runner

TABLE = tomllib.loads(Path(__file__).with_name("scenarios.toml").read_text())["scenario"]


@pytest.fixture
def record() -> Iterator[Recording]:
    guard.reset()
    instrumentor = LangGraphInstrumentor()
    with recording("acme") as recorder:
        instrumentor.activate()
        yield recorder
        instrumentor.uninstrument()


def rows() -> Iterator[Any]:
    for row in TABLE:
        for mode in row.get("modes", MODES):
            yield pytest.param(row, mode, id=f"{row['program']}-{mode}")


@pytest.mark.parametrize(("row", "mode"), list(rows()))
def test_scenario(row: dict[str, Any], mode: str, record: Recording) -> None:
    runner = Runner(mode)
    try:
        PROGRAMS[row["program"]](runner)
    finally:
        runner.loop.run_until_complete(runner.loop.shutdown_asyncgens())
        runner.loop.close()

    assert record.tree(ordered=row.get("ordered", True)) == row["tree"].strip()
    assert record.refused == []
    assert guard.dropped() == {}
    assert runtime.executions().open_count == 0
    assert LangGraphInstrumentor.tracker is not None
    assert len(LangGraphInstrumentor.tracker) == 0
    assert _pauses_match(record) == []
    assert _pauses_share_a_key(record) == []
    assert _sequences_have_gaps(record) == []


def _pauses_match(record: Recording) -> list[str]:
    """Resumed executions whose pause is not there: same key, kind and name, and earlier."""
    wrong: list[str] = []
    paused: set[tuple[str, str, str]] = set()
    for execution, change in record.transitions:
        known = (execution.resume_key, execution.kind, execution.name)
        if change.state == "paused":
            paused.add(known)
        if change.previous == "paused" and (not execution.resume_key or known not in paused):
            wrong.append(f"{execution!r} {execution.resume_key}")
    return wrong


def _pauses_share_a_key(record: Recording) -> list[str]:
    """Keys under which two executions of one run pause: a resume would not know which it meant."""
    keys = [(e.root_id, e.resume_key) for e in record.executions if e.state == "paused"]
    return [key for root, key in keys if key and keys.count((root, key)) > 1]


def _sequences_have_gaps(record: Recording) -> list[str]:
    wrong: list[str] = []
    for execution in record.executions:
        told = [change.sequence for owner, change in record.transitions if owner is execution]
        told += [n for call, n in record.told.items() if call.execution is execution and n]
        if sorted(told) != list(range(1, len(told) + 1)):
            wrong.append(f"{execution!r} {sorted(told)}")
    return wrong


def test_every_program_is_in_the_table() -> None:
    assert sorted(PROGRAMS) == sorted({row["program"] for row in TABLE})
