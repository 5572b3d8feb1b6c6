"""The judge appends what is due, and looks when there is reason to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from exectrail.judge import RULE_VERSION, Judge
from exectrail.queries import (
    Baseline,
    Finding,
    JudgeSetting,
    LastStep,
    OpenSegments,
    Query,
    Watch,
)

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
FOUND = Finding(
    execution_id="run",
    segment_id="segment",
    verdict="abandoned",
    reason="lease_expired",
    state="running",
    worker_id="w",
    last_heartbeat=NOON,
    host="h",
    pid=1,
    exit_code=None,
    signal="",
    oom=0,
    seconds=0.0,
    allowed_s=0.0,
    parent_id="",
)
USUAL = Baseline(
    project="p", workflow="f", kind="step", name="s", runs=20, quiet_p99_s=1.0, work_p99_s=2.0
)


class Shelf:
    """A store that answers what a test puts there, and notes what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Any]] = {
            "judge_watch": [Watch(left=0, silent=0, latest_us=0, canaries=10)],
            "judge_open": [OpenSegments(segments=1)],
        }
        self.asked: list[str] = []
        self.rows: list[tuple[str, dict[str, object]]] = []

    def fetch(self, statement: Query[Any], /) -> list[Any]:
        self.asked.append(statement.name)
        answer = self.answers.get(statement.name, [])
        if isinstance(answer, Exception):
            raise answer
        return list(answer)

    def insert(self, table: str, rows: Sequence[Mapping[str, object]], /) -> None:
        self.rows += [(table, dict(row)) for row in rows]

    def looks(self) -> int:
        return self.asked.count("judge_due")


class Hours:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_verdict_is_the_finding_with_last_step_time_and_rule_version() -> None:
    shelf = Shelf()
    shelf.answers["judge_due"] = [FOUND]
    shelf.answers["judge_steps"] = [LastStep(segment_id="segment", last_step="two")]
    assert Judge(shelf, clock=lambda: NOON).run_once() == [FOUND]
    [(table, row)] = shelf.rows
    assert table == "verdicts"
    assert row == {name: getattr(FOUND, name) for name in Finding.__dataclass_fields__} | {
        "last_step": "two",
        "time": NOON,
        "rule_version": RULE_VERSION,
    }


def test_very_many_verdicts_are_written_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exectrail.judge.judge.FINDINGS_AT_ONCE", 2)
    shelf = Shelf()
    due = [replace(FOUND, segment_id=f"s{number}") for number in range(5)]
    shelf.answers["judge_due"] = due
    shelf.answers["judge_steps"] = [LastStep(segment_id="s4", last_step="two")]
    assert Judge(shelf, clock=lambda: NOON).run_once() == due
    assert shelf.asked.count("judge_steps") == 3
    assert [(row["segment_id"], row["last_step"]) for _, row in shelf.rows] == [
        *((f"s{number}", "") for number in range(4)),
        ("s4", "two"),
    ]


def test_nothing_due_writes_nothing() -> None:
    shelf = Shelf()
    assert Judge(shelf).run_once() == []
    assert shelf.rows == []


def test_it_looks_at_once_when_somebody_dies_and_seldom_while_nobody_does() -> None:
    shelf, hours = Shelf(), Hours()
    judge = Judge(shelf, monotonic=hours)
    for _ in range(4):
        judge.attend()
        hours.now += 0.5
    assert shelf.looks() == 1
    shelf.answers["judge_watch"] = [Watch(left=1, silent=0, latest_us=5, canaries=10)]
    judge.attend()
    assert shelf.looks() == 2
    hours.now += 15.5
    judge.attend()
    assert shelf.looks() == 3


def test_with_nothing_open_it_looks_once_a_minute() -> None:
    shelf, hours = Shelf(), Hours()
    shelf.answers["judge_open"] = [OpenSegments(segments=0)]
    judge = Judge(shelf, monotonic=hours)
    for _ in range(240):
        judge.attend()
        hours.now += 0.5
    assert shelf.looks() == 2
    assert shelf.asked.count("judge_open") <= 8


def test_a_look_that_failed_is_taken_again_the_next_time() -> None:
    shelf = Shelf()
    judge = Judge(shelf, monotonic=Hours())
    shelf.answers["judge_due"] = OSError("away")  # pyright: ignore[reportArgumentType]
    with pytest.raises(OSError, match="away"):
        judge.attend()
    shelf.answers["judge_due"] = [FOUND]
    assert judge.attend() == [FOUND]


def test_it_writes_down_settings_that_stand_otherwise_and_what_is_usual() -> None:
    shelf, hours = Shelf(), Hours()
    judge = Judge(
        shelf,
        clock=lambda: NOON,
        settings={"stuck_after_s": 9.0, "slow_factor": 2.0},
        monotonic=hours,
    )
    shelf.answers["judge_settings"] = [JudgeSetting(name="slow_factor", value=2.0)]
    shelf.answers["baselines_due"] = [USUAL]
    judge.attend()
    known = {name: getattr(USUAL, name) for name in Baseline.__dataclass_fields__}
    assert shelf.rows == [
        ("judge_settings", {"name": "stuck_after_s", "value": 9.0}),
        ("baselines", known | {"computed": NOON}),
    ]
    judge.attend()
    assert shelf.asked.count("baselines_due") == 1
    hours.now += 601
    judge.attend()
    assert shelf.asked.count("baselines_due") == 2


def test_people_are_judged_where_what_is_usual_cannot_be_reckoned() -> None:
    shelf, hours = Shelf(), Hours()
    shelf.answers["baselines_due"] = MemoryError("too many")  # pyright: ignore[reportArgumentType]
    judge = Judge(shelf, monotonic=hours)
    with pytest.raises(MemoryError):
        judge.attend()
    judge.attend()
    assert shelf.looks() == 1
