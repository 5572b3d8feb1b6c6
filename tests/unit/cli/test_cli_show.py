"""One run, whole: a dead one, a resumed one, a plain one, and a part of one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from exectrail.cli.plans import plan_document, plan_lines
from exectrail.cli.screen import View
from exectrail.cli.show import RunReport, render, show_document
from exectrail.queries import Artifact, Plan, ResourceUse, Result, RunAgent, RunError

STEPS = [
    {
        "name": "publish",
        "component": "printer",
        "estimated_seconds": 3,
        "estimated_cost": "0.01",
        "state": "created",
    },
    {"name": "check", "estimated_seconds": 3, "actual_seconds": 4.2, "actual_cost": "0.02"},
    {"name": "supervisor", "state": "created"},
]


def plan(rows: Any, steps: object) -> Plan:
    text = steps if isinstance(steps, str) else json.dumps(steps)
    return rows.make(
        Plan, execution_id=rows.id(1), name="nightly_index", plan_revision=2, plan_steps=text
    )


def dead(rows: Any) -> RunReport:
    """A run that paused, was resumed by another process, and died there; with all sections."""
    return RunReport(
        subject=rows.run(
            *(1, "nightly_index", "abandoned", 3600),
            reason="process_exited",
            host="box",
            pid=555,
            last_heartbeat=rows.before(80),
            ended_at=rows.before(80),
            last_step="embed",
            signal="SIGKILL",
            exit_code=-9,
            project="demo",
            service="nightly",
            service_version="1.2",
            environment="prod",
            trigger_source="schedule",
            trigger_key="0 3 * * *",
            trigger_intent="index",
            target_type="corpus",
            target_id="docs",
            conversation_id="thread-7",
            tags={"team": "search", "region": "eu"},
            iterations=3,
            max_iterations=25,
            retries=1,
            steps_planned=5,
            steps_completed=3,
            progress=0.6,
            message="indexing",
            resumes=1,
            trace_id="0af7651916cd43dd8448eb211c80319c",
            wait_ms=1e6,
            **rows.usage(8, "0.0123", 7),
        ),
        transitions=[
            rows.transition(90_000, "running"),
            rows.transition(3000, "paused", reason="human_input"),
            rows.transition(2000, "running", pid=555, previous_state="paused"),
            rows.transition(1990, "completed", pid=555, valid=0, previous_state="paused"),
        ],
        agents=[
            rows.make(
                RunAgent,
                agent="researcher",
                executions=1,
                effective_state="completed",
                duration_ms=2300.0,
                tool_calls=2,
                errors=1,
                **rows.usage(2, "0.0073"),
            ),
            rows.make(RunAgent, agent="", **rows.usage(1)),
        ],
        errors=[
            rows.make(
                RunError,
                name="publish",
                kind="step",
                attempt=2,
                iteration=3,
                reason="timeout",
                error_type="ConnectionError",
                error_message="printer refused the key [redacted], " + "and said so at length " * 4,
                failed_at=rows.before(100),
            )
        ],
        plans=[plan(rows, STEPS)],
        nodes=rows.tree()[0],
        results=[
            rows.make(
                Result, result_name="tests", result_category="testing", result_valid=1, name="check"
            ),
            rows.make(
                *(Result,),
                result_name="report",
                result_category="unknown",
                result_valid=0,
                name="check",
                result_problem="ValidationError at $.title",
            ),
            rows.make(Result, result_name="commit", result_category="git_operations", name="x"),
        ],
        artifacts=[
            rows.make(
                *(Artifact,),
                artifact_name="report.md",
                artifact_action="created",
                artifact_size=12_345,
                name="publish",
                artifact_url="file:///out/report.md",
            )
        ],
        resources=[
            rows.make(
                *(ResourceUse,),
                name="nightly_index",
                cpu_seconds=12.3,
                memory_peak_bytes=123_456_789,
                resource_scope="exclusive",
                resource_share=1.0,
            ),
            rows.make(
                *(ResourceUse,),
                name="publish",
                cpu_seconds=0.25,
                memory_peak_bytes=123_456_789,
                disk_read_bytes=2_345_678,
                disk_write_bytes=12_345,
                resource_scope="shared",
                resource_share=0.3333,
            ),
        ],
    )


def test_a_dead_run_with_all_there_is_to_say(rows: Any, view: View, golden: Any) -> None:
    golden("show", render(dead(rows), view))


def test_a_plain_run_has_no_empty_sections(rows: Any, view: View, golden: Any) -> None:
    run = rows.run(1, "refund", "completed", ended_at=rows.before(1))
    moves = [rows.transition(60, "running"), rows.transition(1, "completed")]

    golden("show_plain", render(RunReport(subject=run, transitions=moves), view))


def test_a_part_of_a_run_says_of_which(rows: Any, view: View, golden: Any) -> None:
    node = rows.node(
        *(4, "model", "step", 3),
        effective_state="running",
        outcome="",
        health="stuck",
        flags=["stuck", "overdue"],
        flag_s=4000.0,
        flag_allowed_s=3600.0,
        workflow="research_team",
        agent="researcher",
        iteration=2,
        max_iterations=25,
        attempt=2,
        host="box",
        pid=4242,
        **rows.usage(1),
    )
    golden("show_part", render(RunReport(subject=node), view))


@pytest.mark.parametrize("width", [80, 60])
def test_narrow_terminals_lose_columns_and_no_facts(
    width: int, rows: Any, narrow: Any, plain: Any
) -> None:
    text = "\n".join(plain(render(dead(rows), narrow(width)), width))

    for fact in ("process_exited", "embed", "SIGKILL", "ConnectionError", "report.md", "publish"):
        assert fact in text


def test_the_document_has_all_sections(rows: Any) -> None:
    made: Any = show_document(dead(rows))

    assert made["run"]["state"] == "abandoned"
    assert made["run"]["signal"] == "SIGKILL"
    assert [move["valid"] for move in made["transitions"]] == [True, True, True, False]
    assert made["plans"][0]["steps"] == STEPS
    assert [result["result_valid"] for result in made["results"]] == [True, False, None]
    json.dumps(made, allow_nan=False)


@pytest.mark.parametrize(
    "told",
    [
        "",
        "nonsense",
        "null",
        "{}",
        "[1, null, []]",
        "[" * 100_000,
        '[{"name": NaN, "estimated_seconds": Infinity, "estimated_cost": "NaN"}]',
        '[{"name": {"a": 1}, "component": [1], "state": 7, "actual_cost": "1e999"}]',
        '[{"name": "\\u001b[2J\\ud800", "actual_seconds": true, "estimated_cost": "cheap"}]',
    ],
)
def test_a_plan_that_is_none_harms_nobody(told: str, rows: Any, view: View, plain: Any) -> None:
    made = plan(rows, told)

    text = "\n".join(plain(plan_lines([made], [], view)))
    assert "\x1b" not in text
    json.dumps(plan_document(made), allow_nan=False)
