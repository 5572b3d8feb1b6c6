"""Every question answers in its rows' types, and its filters do what they say."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import fields
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from exectrail import queries
from exectrail.conventions import names
from exectrail.queries import CostBy
from exectrail.storage.client import Client

Make = Callable[..., Any]


@pytest.fixture
def fleet(store: Client, program: Make, send: Make, canary: Make) -> dict[str, str]:
    """Five runs of two projects, of every outcome; their ids by name."""
    canary()
    shop, dead, bank = program(project="shop"), program(project="shop"), program(project="bank")
    good = shop.start(
        "workflow",
        "good",
        -4000,
        workflow="checkout",
        **{
            names.TRIGGER_SOURCE: "schedule",
            names.TRIGGER_KEY: "nightly",
            names.TRIGGER_INTENT: "restock",
            names.EXECUTION_TARGET_TYPE: "ticket",
            names.EXECUTION_TARGET_ID: "T-1",
            names.EXECUTION_EXTERNAL_ID: "Thread-A",
            names.EXECUTION_MAX_ITERATIONS: "5",
            f"{names.TAG_PREFIX}team": "blue",
        },
    )
    for turn in (1, 2):
        told = {names.EXECUTION_ITERATION: str(turn)}
        agent = good.child("agent", "scout", -3990 + turn, agent="scout", **told)
        agent.use(-3980).child("tool", "search", -3979).move("completed", -3978)
        agent.move("completed", -3970)
    good.move("completed", -3960)
    partial = shop.start("workflow", "partial", -3000, workflow="checkout")
    partial.child("step", "plan", -2990).move("completed", -2980)
    step = partial.child("step", "write", -2970, agent="writer")
    step.child("tool", "save", -2960).move(
        "failed", -2950, **{names.ERROR_TYPE: "OSError", names.EXCEPTION_MESSAGE: "disk"}
    )
    step.move("failed", -2940, **{names.ERROR_TYPE: "OSError"})
    partial.move("failed", -2930, **{names.ERROR_TYPE: "OSError"})
    cancelled = bank.start("workflow", "cancelled", -2000).move("cancelled", -1990)
    lost = dead.start("workflow", "lost", -1000)
    live = bank.start("workflow", "live", -100)
    bank.beat(-1)
    send(shop, dead, bank)
    found = {"good": good, "partial": partial, "cancelled": cancelled, "lost": lost, "live": live}
    return {name: segment.id for name, segment in found.items()}


_FILTERS: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["live", "lost", "cancelled", "partial", "good"]),
    ({"limit": 2}, ["live", "lost"]),
    ({"state": "abandoned"}, ["lost"]),
    ({"state": "running"}, ["live"]),
    ({"outcome": "partial"}, ["partial"]),
    ({"outcome": "success"}, ["good"]),
    ({"outcome": "abandoned"}, ["lost"]),
    ({"workflow": "checkout"}, ["partial", "good"]),
    ({"agent": "scout"}, ["good"]),
    ({"agent": "writer"}, ["partial"]),
    ({"project": "bank"}, ["live", "cancelled"]),
    ({"trigger": "schedule"}, ["good"]),
    ({"trigger": "nightly"}, ["good"]),
    ({"trigger": "restock"}, ["good"]),
    ({"state": "failed", "project": "bank"}, []),
    ({"workflow": "' OR 1 = 1"}, []),
]


def test_runs_are_filtered(fleet: dict[str, str], store: Client) -> None:
    for filters, expected in _FILTERS:
        found = [run.name for run in store.fetch(queries.runs(**filters))]
        assert found == expected, filters


def test_runs_since_a_time(fleet: dict[str, str], store: Client, base: Any) -> None:
    for seconds, expected in ((10, 0), (150, 1), (2500, 3), (86_400, 5)):
        found = store.fetch(queries.runs(since=base - timedelta(seconds=seconds)))
        assert len(found) == expected


def test_a_run_tells_what_it_was_about(fleet: dict[str, str], store: Client) -> None:
    [run] = store.fetch(queries.run(fleet["good"]))
    assert (run.target_type, run.target_id, dict(run.tags)) == ("ticket", "T-1", {"team": "blue"})
    assert (run.trigger_source, run.trigger_key, run.trigger_intent) == (
        "schedule",
        "nightly",
        "restock",
    )
    assert (run.iterations, run.max_iterations) == (2, 5)
    assert (run.tool_calls, run.agents) == (2, ["scout"])
    assert (run.project, run.service, run.host, run.pid) == ("shop", "svc", "box", 4711)
    assert store.fetch(queries.run("00000000-0000-0000-0000-000000000000")) == []


def test_the_tree_is_whole_and_in_order(fleet: dict[str, str], store: Client) -> None:
    nodes = store.fetch(queries.tree(fleet["good"]))
    by_id = {node.execution_id: node for node in nodes}
    told = [
        (n.kind, n.name, by_id[n.parent_id].name if n.parent_id else "", n.iteration, n.outcome)
        for n in nodes
    ]
    assert told == [
        ("workflow", "good", "", 0, "success"),
        ("agent", "scout", "good", 1, "success"),
        ("agent", "scout", "good", 2, "success"),
        ("tool", "search", "scout", 0, "success"),
        ("tool", "search", "scout", 0, "success"),
    ]
    [tool] = store.fetch(queries.execution(nodes[3].execution_id))
    [same] = store.fetch(queries.execution(nodes[3].execution_id, root_id=fleet["good"]))
    assert (tool.name, tool.root_id) == (same.name, same.root_id) == ("search", fleet["good"])


def test_errors_say_where_they_began(fleet: dict[str, str], store: Client) -> None:
    [run] = store.fetch(queries.run(fleet["partial"]))
    assert (run.errors, run.error_type, run.last_step) == (1, "OSError", "write")
    errors = store.fetch(queries.run_errors(fleet["partial"]))
    assert [(e.name, e.error_type, e.error_message, e.origin) for e in errors] == [
        ("save", "OSError", "disk", 1),
        ("write", "OSError", "", 0),
        ("partial", "OSError", "", 0),
    ]
    assert store.fetch(queries.run_errors(fleet["good"])) == []


def test_agents_of_a_run(fleet: dict[str, str], store: Client) -> None:
    [agent] = store.fetch(queries.run_agents(fleet["good"]))
    assert (agent.agent, agent.executions, agent.effective_state) == ("scout", 2, "completed")
    assert (agent.calls, agent.cost, agent.tool_calls, agent.errors) == (2, Decimal("0.02"), 2, 0)
    assert agent.duration_ms == 19_000 + 18_000
    [writer] = store.fetch(queries.run_agents(fleet["partial"]))
    assert (writer.agent, writer.executions, writer.errors) == ("writer", 0, 1)


def test_cost_by_agent_over_some_runs(fleet: dict[str, str], store: Client) -> None:
    lines = store.fetch(queries.cost_by_agent_of_runs([fleet["good"], fleet["partial"]]))
    assert [(a.agent, a.status, a.calls, a.priced_share) for a in lines] == [
        ("scout", "completed", 2, 1.0),
        ("writer", "", 0, None),
    ]
    assert store.fetch(queries.cost_by_agent_of_runs([])) == []


def test_an_id_is_found_by_its_beginning(fleet: dict[str, str], store: Client) -> None:
    [found] = store.fetch(queries.resolve_id(fleet["good"][:13].upper()))
    assert (found.execution_id, found.name, found.is_root) == (fleet["good"], "good", 1)
    [found] = store.fetch(queries.resolve_id("Thread-A"))
    assert found.execution_id == fleet["good"]
    tool = store.fetch(queries.tree(fleet["good"]))[-1]
    [found] = store.fetch(queries.resolve_id(tool.execution_id))
    assert (found.root_id, found.is_root) == (fleet["good"], 0)
    assert store.fetch(queries.resolve_id("ffff")) == []
    assert len(store.fetch(queries.resolve_id("", limit=3))) == 3


def test_every_question_names_exactly_the_columns_of_its_rows(
    fleet: dict[str, str], store: Client
) -> None:
    made = [
        queries.runs(),
        queries.run(fleet["good"]),
        queries.execution(fleet["good"]),
        queries.resolve_id(fleet["good"]),
        queries.tree(fleet["good"]),
        queries.run_transitions(fleet["good"]),
        queries.run_agents(fleet["good"]),
        queries.run_errors(fleet["partial"]),
        queries.cost_by(CostBy.DAY),
        queries.cost_by_agent_of_runs([fleet["good"]]),
        queries.pipeline_status(),
        queries.judge_due(),
    ]
    for query in made:
        rows = store.query(query.sql, query.parameters)
        assert rows, query.name
        assert sorted(rows[0]) == sorted(f.name for f in fields(query.row_type)), query.name


def test_rows_come_one_by_one(fleet: dict[str, str], store: Client) -> None:
    question = queries.runs(limit=3)
    streamed = store.stream(question.sql, question.parameters)
    assert inspect.isgenerator(streamed)
    assert [row["name"] for row in streamed] == ["live", "lost", "cancelled"]


_DOCS = Path(__file__).parents[3] / "docs"


@pytest.mark.parametrize("page", ["sql.md", "storage.md"])
def test_the_sql_of_the_docs_runs(page: str, fleet: dict[str, str], store: Client) -> None:
    text = (_DOCS / page).read_text(encoding="utf-8")
    blocks = re.findall(r"```sql\n(.*?)```", text, re.DOTALL)
    assert len(blocks) >= (10 if page == "sql.md" else 1)
    for block in blocks:
        for statement in filter(str.strip, block.split(";\n")):
            rows = store.query(statement.replace("<run id>", fleet["good"]))
            assert isinstance(rows, list), statement
