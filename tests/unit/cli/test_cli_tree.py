"""The tree of a run: every execution once, with guide lines, own and total cost."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from exectrail.cli.nodes import Branch, branch_document, grow, walk
from exectrail.cli.screen import View
from exectrail.cli.tree import render


def names(top: Branch) -> list[str]:
    return [f"{len(place)} {branch.node.name}" for branch, place in walk(top)]


def grown(rows: Any, top: int = 1) -> Branch:
    nodes, models = rows.tree()
    made = grow(nodes, rows.id(top), models)
    assert made is not None
    return made


def test_a_team_with_all_that_can_happen(rows: Any, view: View, golden: Any) -> None:
    golden("tree", render(grown(rows), view))


def test_a_part_of_a_run_is_a_tree_of_its_own(rows: Any, view: View, golden: Any) -> None:
    golden("tree_part", render(grown(rows, 3), view))


@pytest.mark.parametrize("width", [80, 60])
def test_narrow_terminals_keep_names_states_and_totals(
    width: int, rows: Any, narrow: Callable[[int], View], plain: Callable[..., list[str]]
) -> None:
    lines = plain(render(grown(rows), narrow(width)), width)

    heading = next(line for line in lines if line.startswith("EXECUTION"))
    assert {"EXECUTION", "STATE", "TOTAL"} <= set(heading.split())


def test_totals_are_the_sums_of_what_is_beneath(rows: Any) -> None:
    top = grown(rows)
    sums = {branch.node.name: branch.sum for branch, _ in walk(top) if branch.children}

    assert (sums["research_team"].calls, sums["research_team"].priced_calls) == (6, 4)
    assert sums["research_team"].cost == Decimal("0.0075")
    assert sums["researcher"].cost == Decimal("0.0073")
    assert (sums["reviewer"].calls, sums["reviewer"].cost) == (2, None)


def test_the_document_nests_and_names_the_models(rows: Any) -> None:
    made: Any = branch_document(grown(rows))

    assert (made["name"], made["state"], made["total"]["cost"]) == (
        "research_team",
        "failed",
        "0.0075",
    )
    researcher = made["children"][1]
    assert [child["name"] for child in researcher["children"]] == ["model", "tools", "model"]
    assert researcher["children"][0]["models"][0]["model"] == "claude-sonnet-4-5"
    assert researcher["models"] == []


def test_what_has_no_parent_here_hangs_at_the_root_with_what_is_beneath_it(rows: Any) -> None:
    nodes = [
        rows.node(1, "root", "workflow", 0, parent_id=""),
        rows.node(4, "below the lost", "step", 3),
        rows.node(3, "lost", "step", 2),
    ]
    top = grow(nodes, rows.id(1))

    assert top is not None
    assert names(top) == ["0 root", "1 lost", "2 below the lost"]
    assert [branch.astray for branch, _ in walk(top)] == [False, True, False]


def test_rings_of_parents_end(rows: Any) -> None:
    nodes = [
        rows.node(1, "root", "workflow", 0, parent_id=rows.id(1)),
        rows.node(2, "a", "step", 3),
        rows.node(3, "b", "step", 2),
        rows.node(4, "below b", "step", 3),
        rows.node(5, "itself", "step", 5),
    ]
    top = grow(nodes, rows.id(1))

    assert top is not None
    assert sorted(names(top)) == ["0 root", "1 a", "1 itself", "2 b", "3 below b"]


def test_a_tree_without_its_top_is_none(rows: Any) -> None:
    assert grow([rows.node(2, "a", "step", 0)], rows.id(1)) is None


def test_a_thousand_levels_are_no_trouble(rows: Any, view: View) -> None:
    nodes = [rows.node(1, "root", "workflow", 0, parent_id="")]
    nodes += [rows.node(n, "deep", "step", n - 1, **rows.usage(1, "0.1")) for n in range(2, 1500)]
    top = grow(nodes, rows.id(1))

    assert top is not None
    assert top.sum.calls == 1498
    assert len(render(top, view)) > 1498
    assert branch_document(top)["name"] == "root"


def test_a_long_name_gives_way_to_the_id(rows: Any, view: View) -> None:
    node = rows.node(1, "a_name_that_is_much_too_long_" * 5, "workflow", 0, parent_id="")
    top = grow([node], node.execution_id)
    assert top is not None
    line = render(top, view)[0].plain
    assert line.endswith(node.execution_id)
    assert len(line) <= view.width


def test_each_flag_is_explained_beneath_its_execution(rows: Any, view: View) -> None:
    flags = ["orphaned", "overdue", "slow"]
    figures = {"health": "orphaned", "flag_s": 10.0, "effective_state": "running", "outcome": ""}
    node = rows.node(1, "flow", "workflow", 0, parent_id="", flags=flags, **figures)
    top = grow([node], node.execution_id)
    assert top is not None
    told = "\n".join(line.plain for line in render(top, view))
    assert "running, orphaned, overdue, slow" in told
    assert "orphaned: it is at work, but what waited for it has ended or died" in told
    assert "overdue: its deadline has passed" in told
    assert "slow: at work for longer than usual" in told


def test_what_a_signal_ended_is_told_with_its_evidence_by_the_clock_of_the_process(
    rows: Any, view: View
) -> None:
    node = rows.node(
        *(1, "flow", "workflow", 0),
        parent_id="",
        state="running",
        effective_state="cancelled",
        outcome="cancelled",
        reason="signal",
        host="box",
        pid=7,
        signal="SIGTERM",
        last_heartbeat=rows.before(80),
        clock_offset_us=60_000_000,
    )
    top = grow([node], node.execution_id)
    assert top is not None
    told = "\n".join(line.plain for line in render(top, view))
    assert "reason signal" in told
    assert "last heartbeat 11:57:40.000 (1m ago)" in told
    assert "host box · pid 7 · killed by SIGTERM" in told
