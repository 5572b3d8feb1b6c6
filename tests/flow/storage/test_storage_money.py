"""Every model call is counted once, and an unknown price is never 0."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from exectrail import queries
from exectrail.conventions import names
from exectrail.launch import main
from exectrail.queries import CostBy, Usage, total
from exectrail.storage.client import Client


def _numbers(usage: Usage) -> dict[str, Any]:
    return {name: getattr(usage, name) for name in Usage.__dataclass_fields__}


def _nested(program: Callable[..., Any]) -> tuple[Any, Any]:
    """A run with two agents, one within the other, and parallel tools; five calls, one unpriced."""
    writer = program()
    root = writer.start("workflow", "flow", -100).use(-99, cost="0.000001")
    outer = root.child("agent", "outer", -90, agent="outer").use(-89).use(-88, cost=None)
    inner = outer.child("agent", "inner", -80, agent="inner").use(-79, cost="1.5", model="m-2")
    for number in range(2):
        outer.child("tool", f"tool{number}", -70, agent="outer").move("completed", -69)
    inner.child("step", "deep", -60).use(-59, cost="2").move("completed", -58)
    return writer, root


_FIVE = {
    "calls": 5,
    "priced_calls": 4,
    "input_tokens": 500,
    "uncached_tokens": 300,
    "cache_read_tokens": 150,
    "cache_write_tokens": 50,
    "output_tokens": 100,
    "reasoning_tokens": 25,
    "cost": Decimal("3.510001"),
}


@pytest.mark.parametrize("seed", range(2))
def test_all_sums_agree_however_often_the_events_come(
    seed: int, store: Client, program: Callable[..., Any], scatter: Callable[..., None]
) -> None:
    writer, root = _nested(program)
    for _ in range(3):
        scatter(writer.records, random.Random(seed))

    [run] = store.fetch(queries.runs())
    assert _numbers(run) == _FIVE
    assert run.priced_share == 0.8
    assert _numbers(total(store.fetch(queries.tree(root.id)))) == _FIVE
    assert _numbers(total(store.fetch(queries.run_agents(root.id)))) == _FIVE
    assert _numbers(total(store.fetch(queries.cost_by_agent_of_runs([root.id])))) == _FIVE
    for by in CostBy:
        assert _numbers(total(store.fetch(queries.cost_by(by)))) == _FIVE


def test_each_node_and_agent_has_its_own_calls(
    store: Client, program: Callable[..., Any], send: Callable[..., None]
) -> None:
    writer, root = _nested(program)
    send(writer)
    nodes = {n.name: (n.calls, n.priced_calls, n.cost) for n in store.fetch(queries.tree(root.id))}
    assert nodes == {
        "flow": (1, 1, Decimal("0.000001")),
        "outer": (2, 1, Decimal("0.01")),
        "inner": (1, 1, Decimal("1.5")),
        "tool0": (0, 0, None),
        "tool1": (0, 0, None),
        "deep": (1, 1, Decimal("2")),
    }
    agents = store.fetch(queries.cost_by_agent_of_runs([root.id]))
    assert [(a.agent, a.calls, a.cost, a.tool_calls) for a in agents] == [
        ("inner", 2, Decimal("3.5"), 0),
        ("outer", 2, Decimal("0.01"), 2),
        ("", 1, Decimal("0.000001"), 0),
    ]
    models = store.fetch(queries.cost_by(CostBy.MODEL))
    assert [(m.key, m.calls, m.cost) for m in models] == [
        ("m-1", 4, Decimal("2.010001")),
        ("m-2", 1, Decimal("1.5")),
    ]


def test_only_billing_counts(
    store: Client, program: Callable[..., Any], send: Callable[..., None]
) -> None:
    writer = program()
    root = writer.start("workflow", "w", -60).use(-59, cost="1")
    for role in ("aggregate", "duplicate", "fallback"):
        root.use(-50, cost="1", **{names.USAGE_ROLE: role})
    send(writer)
    assert [(r.calls, r.cost) for r in store.fetch(queries.runs())] == [(1, Decimal(1))]
    assert store.query("SELECT count() AS n FROM usage FINAL") == [{"n": 4}]


def test_an_unknown_price_is_not_zero(
    store: Client, program: Callable[..., Any], send: Callable[..., None]
) -> None:
    writer = program()
    root = writer.start("workflow", "w", -60).use(-59, cost=None).use(-58, cost=None)
    send(writer)
    [run] = store.fetch(queries.runs())
    assert (run.calls, run.priced_calls, run.priced_share, run.cost) == (2, 0, 0.0, None)
    assert [(line.key, line.cost) for line in store.fetch(queries.cost_by(CostBy.MODEL))] == [
        ("m-1", None)
    ]
    root.use(-57, cost="0")
    send(writer)
    [run] = store.fetch(queries.runs())
    assert (run.calls, run.priced_calls, run.cost) == (3, 1, Decimal(0))


def test_another_currency_is_never_added_to_dollars(
    store: Client, program: Callable[..., Any], send: Callable[..., None]
) -> None:
    writer = program()
    writer.start("workflow", "w", -60).use(-59, cost="1").use(
        -58, cost="7", **{names.COST_CURRENCY: "EUR"}
    )
    send(writer)
    [run] = store.fetch(queries.runs())
    assert (run.calls, run.priced_calls, run.cost) == (2, 1, Decimal(1))
    lines = store.fetch(queries.cost_by(CostBy.WORKFLOW))
    assert {(line.key, line.currency, line.cost) for line in lines} == {
        ("w", "USD", Decimal(1)),
        ("w", "EUR", Decimal(7)),
    }


def test_an_amount_that_is_none_is_no_price(
    store: Client, program: Callable[..., Any], send: Callable[..., None]
) -> None:
    writer = program()
    for amount in ("NaN", "inf", "-1", "1e40", "free", "1e10", "0x1", ""):
        writer.start("workflow", amount, -60).use(-59, cost=amount).use(-58, cost="0.5")
    send(writer)
    runs = store.fetch(queries.runs())
    assert [(r.calls, r.priced_calls, r.cost) for r in runs] == [(2, 1, Decimal("0.5"))] * 8


def test_a_count_of_tokens_that_is_none_spoils_no_sum(
    store: Client, program: Callable[..., Any], send: Callable[..., None]
) -> None:
    writer = program()
    for count in ("-5", "18446744073709551615", "1e6", "many", "2000000000000"):
        told = {
            names.GEN_AI_USAGE_INPUT_TOKENS: count,
            names.GEN_AI_USAGE_OUTPUT_TOKENS: count,
            names.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS: "0",
            names.GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS: "0",
        }
        root = writer.start("workflow", count, -60).use(-59)
        for _ in range(3):
            root.use(-58, **told)
    send(writer)
    runs = store.fetch(queries.runs())
    assert [(r.calls, r.input_tokens, r.output_tokens) for r in runs] == [(4, 100, 20)] * 5


def test_cost_is_filtered_by_project_and_day(
    store: Client, program: Callable[..., Any], send: Callable[..., None], base: Any
) -> None:
    old, new = program(project="old"), program(project="new")
    old.start("workflow", "w", -3 * 86400).use(-3 * 86400, cost="1")
    new.start("workflow", "w", -60).use(-60, cost="2")
    send(old, new)
    days = store.fetch(queries.cost_by(CostBy.DAY))
    assert [line.cost for line in days] == [Decimal(1), Decimal(2)]
    assert days == sorted(days, key=lambda line: line.key)
    [only] = store.fetch(queries.cost_by(CostBy.DAY, project="new"))
    assert only.cost == Decimal(2)
    [only] = store.fetch(queries.cost_by(CostBy.WORKFLOW, since=base))
    assert (only.key, only.cost) == ("w", Decimal(2))


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Tokyo", "America/Los_Angeles"])
def test_cost_since_a_day_begins_with_that_day_of_utc_wherever_one_is(
    zone: str,
    store: Client,
    program: Callable[..., Any],
    send: Callable[..., None],
    base: datetime,
    live_in: Callable[[str], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    day = base.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    day -= timedelta(days=2)
    writer, at = program(), (day - base).total_seconds()
    writer.start("workflow", "night", at - 60).use(at - 1).use(at + 1, cost="2")
    send(writer)
    live_in(zone)

    words = ("--since", f"{day:%Y-%m-%d}", "--json", "--url", store.address)
    assert main(["cost", *words]) == 0

    [row] = json.loads(capsys.readouterr().out)["rows"]
    assert (row["key"], row["cost"]) == (f"{day:%Y-%m-%d}", "2")
