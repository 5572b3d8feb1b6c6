"""The judge appends what is due, with its time, and nothing when nothing is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from exectrail.judge import RULE_VERSION, Judge
from exectrail.queries import Finding, Query

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
    last_step="two",
)


class Shelf:
    def __init__(self, *found: Finding) -> None:
        self._found = found
        self.rows: list[tuple[str, dict[str, object]]] = []

    def fetch(self, statement: Query[Finding], /) -> list[Finding]:
        assert statement.name == "judge_due"
        return list(self._found)

    def insert(self, table: str, rows: Sequence[Mapping[str, object]], /) -> None:
        self.rows += [(table, dict(row)) for row in rows]


def test_a_verdict_is_the_finding_with_time_and_rule_version() -> None:
    shelf = Shelf(FOUND)
    assert Judge(shelf, clock=lambda: NOON).run_once() == 1
    [(table, row)] = shelf.rows
    assert table == "verdicts"
    assert row == {name: getattr(FOUND, name) for name in Finding.__dataclass_fields__} | {
        "time": NOON,
        "rule_version": RULE_VERSION,
    }


def test_nothing_due_writes_nothing() -> None:
    shelf = Shelf()
    assert Judge(shelf).run_once() == 0
    assert shelf.rows == []
