"""The cost table: sums, shares, and the models that have no price."""

from __future__ import annotations

from typing import Any

from exectrail.cli.cost import CostTable, cost_document, render
from exectrail.cli.screen import View
from exectrail.queries import AgentCost, Cost, CostBy


def line(rows: Any, key: str, calls: int, cost: str | None, priced: int | None = None) -> Cost:
    return rows.make(Cost, key=key, currency="USD", **rows.usage(calls, cost, priced))


def models(rows: Any) -> CostTable:
    lines = [
        line(rows, "claude-sonnet-4-5-20250929", 1200, "12.3456"),
        line(rows, "gpt-4o-mini", 20, "0.00123", 19),
        line(rows, "acme-large-9", 12, None),
        line(rows, "", 1, None),
    ]
    return CostTable(CostBy.MODEL, lines, lines)


def test_by_model_the_unpriced_ones_are_named(rows: Any, view: View, golden: Any) -> None:
    golden("cost_by_model", render(models(rows), view))


def test_by_agent_of_a_run_with_state_and_time(rows: Any, view: View, golden: Any) -> None:
    def agent(name: str, status: str, *usage: Any) -> AgentCost:
        return rows.make(
            AgentCost, agent=name, status=status, duration_ms=2300.0, **rows.usage(*usage)
        )

    lines = [
        agent("researcher", "completed", 2, "0.0073"),
        agent("reviewer", "abandoned", 2, "0.0012", 1),
        agent("", "", 4, "0.0002"),
    ]
    unpriced = [line(rows, "acme-large-9", 1, None)]
    golden("cost_by_agent_of_run", render(CostTable(CostBy.AGENT, lines, unpriced), view))


def test_currencies_are_never_added_up(rows: Any, view: View, golden: Any) -> None:
    lines = [
        line(rows, "2026-11-20", 2, "0.5"),
        rows.make(Cost, key="2026-11-20", currency="EUR", **rows.usage(1, "0.25")),
        line(rows, "2026-11-21", 1, "0.25"),
    ]
    table = CostTable(CostBy.DAY, lines, [])

    golden("cost_currencies", render(table, view))
    totals: Any = cost_document(table)["total"]
    assert [(total["currency"], total["cost"], total["calls"]) for total in totals] == [
        ("USD", "0.75", 3),
        ("EUR", "0.25", 1),
    ]


def test_the_document_has_rows_total_and_what_is_unpriced(rows: Any) -> None:
    made: Any = cost_document(models(rows))

    assert made["by"] == "model"
    assert [row["cost"] for row in made["rows"]] == ["12.3456", "0.00123", None, None]
    assert [(total["cost"], total["priced_calls"]) for total in made["total"]] == [
        ("12.34683", 1219)
    ]
    assert made["unpriced"] == [
        {"model": "acme-large-9", "calls": 12},
        {"model": "", "calls": 1},
        {"model": "gpt-4o-mini", "calls": 1},
    ]


def test_nothing_at_all_has_a_total_of_nothing() -> None:
    made: Any = cost_document(CostTable(CostBy.DAY, [], []))

    assert made["rows"] == made["unpriced"] == []
    assert [(total["calls"], total["cost"]) for total in made["total"]] == [(0, None)]


def test_wasted_money_stands_beside_all_of_it(rows: Any, view: View, golden: Any) -> None:
    lines = [
        line(rows, "failed", 3, "1.5"),
        rows.make(Cost, key="failed", currency="EUR", **rows.usage(1, "0.25")),
        line(rows, "retried", 2, "0.5", 1),
        line(rows, "", 5, "6"),
    ]
    golden("cost_wasted", render(CostTable(CostBy.CAUSE, lines, []), view))
