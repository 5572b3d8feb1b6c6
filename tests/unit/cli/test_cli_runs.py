"""The list of runs as people see it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from exectrail.cli.runs import render, runs_document
from exectrail.cli.screen import View
from exectrail.queries import Run


def fleet(rows: Any) -> list[Run]:
    """A run in every state, and all that a cost can be."""
    return [
        rows.run(1, "research_team", "running", 5, health="alive", **rows.usage(3, "0.0123", 2)),
        rows.run(2, "nightly_index", "abandoned", 50, work_ms=61_000.0, health="dead"),
        rows.run(
            3, "refund", "paused", 3000, wait_ms=2.9e6, work_ms=820.0, **rows.usage(1, "0.000012")
        ),
        rows.run(
            *(4, "research_team", "failed", 3000),
            outcome="partial",
            steps_planned=12,
            steps_completed=10,
            **rows.usage(40),
        ),
        rows.run(5, "import_of_everything_there_is", "queued", 4000, work_ms=0.0),
        rows.run(6, "research_team", "completed", 90_000, **rows.usage(1234, "1234.5678")),
        rows.run(7, "refund", "cancelled", 200_000, wait_ms=0.2),
        rows.run(8, "refund", "blocked", 200_001, health="stuck", flags=["stuck"]),
        rows.run(9, "", "running", 9e6, name="lonely", health="unknown: pipeline silent"),
        rows.run(10, "refund", "created", 9.1e6, work_ms=0.0),
    ]


def test_every_state_and_every_kind_of_cost(rows: Any, view: View, golden: Any) -> None:
    golden("runs", render(fleet(rows), view))


def test_columns_without_anything_to_say_are_left_out(rows: Any, view: View, golden: Any) -> None:
    golden("runs_plain", render([rows.run(1, "refund", "completed")], view))


def test_narrow_terminals_get_fewer_columns(
    rows: Any, narrow: Callable[[int], View], plain: Callable[..., list[str]]
) -> None:
    for width, heading in (
        (100, ["ID", "WORKFLOW", "STATE", "AGE", "WORK", "WAIT", "STEPS", "TOKENS", "COST"]),
        (91, ["ID", "WORKFLOW", "STATE", "AGE", "WORK", "WAIT", "TOKENS", "COST"]),
        (80, ["ID", "WORKFLOW", "STATE", "AGE", "WORK", "WAIT", "COST"]),
        (66, ["ID", "WORKFLOW", "STATE", "WORK", "COST"]),
        (50, ["ID", "WORKFLOW", "STATE", "WORK"]),
    ):
        lines = plain(render(fleet(rows), narrow(width)), max(width, 56))
        assert lines[0].split() == heading


def test_hostile_ids_and_names_break_no_line(
    rows: Any, view: View, plain: Callable[..., list[str]]
) -> None:
    hostile = rows.run(1, "\x1b[2J" + "w" * 500, "failed", execution_id="\n" * 3 + "i" * 500)
    lines = plain(render([hostile, rows.run(2, "refund", "running")], view))

    assert "\x1b" not in "".join(lines)
    assert len(lines) == 3


def test_the_document_has_the_runs_in_order(rows: Any) -> None:
    runs = fleet(rows)
    made = runs_document(runs)["runs"]

    assert [run["execution_id"] for run in made] == [run.execution_id for run in runs]  # pyright: ignore
    assert made[1]["state"] == "abandoned"  # pyright: ignore
    assert made[2]["cost"] == "0.000012"  # pyright: ignore
