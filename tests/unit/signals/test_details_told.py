"""What stands on spans and events: who, where, when, about what, and what was reported."""

from __future__ import annotations

import contextlib
import json
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from opentelemetry.trace import SpanKind

import exectrail
from exectrail.conventions import names
from exectrail.conventions.names import Kind
from exectrail.execution import PlanStep
from exectrail.testing.harness import Harness

from .expected import FAKE_KEY, event


def test_events_carry_who_they_are_and_where_they_belong(harness: Harness) -> None:
    with exectrail.workflow("w") as run, exectrail.step("s") as step:
        step.progress(0.5)
    first, begun, progress, *_ = harness.events(varying=True)
    assert (first["id"], first["root_id"]) == (run.id, run.id)
    assert "parent_id" not in first
    for told in (begun, progress):
        assert (told["id"], told["parent_id"], told["root_id"]) == (step.id, run.id, run.id)
        assert told["event.name"].endswith(told["event"])

    spans = {span.name: span for span in harness.spans()}
    outer, inner = spans["invoke_workflow w"].context, spans["step s"].context
    assert outer is not None
    assert inner is not None
    placed = [(r.log_record.trace_id, r.log_record.span_id) for r in harness.records()]
    on_outer, on_inner = (outer.trace_id, outer.span_id), (inner.trace_id, inner.span_id)
    assert placed == [on_outer, on_inner, on_inner, on_inner, on_outer]
    assert spans["step s"].parent == outer
    assert spans["invoke_workflow w"].parent is None
    assert outer.trace_id == inner.trace_id


def test_spans_and_events_have_the_times_of_their_transitions(harness: Harness) -> None:
    with exectrail.step("s") as step:
        pass
    [span] = harness.spans()
    begun, ended = (record.log_record for record in harness.records())
    assert (span.start_time, span.end_time) == (step.started_ns, step.ended_ns)
    assert begun.timestamp == begun.observed_timestamp == step.started_ns + 1_000_000
    assert ended.timestamp == step.ended_ns
    assert [r.log_record.body for r in harness.records()] == [None, None]


@pytest.mark.parametrize(
    ("kind", "span", "operation"),
    [
        ("workflow", "invoke_workflow n", "invoke_workflow"),
        ("agent", "invoke_agent n", "invoke_agent"),
        ("tool", "execute_tool n", "execute_tool"),
        ("task", "task n", None),
        ("step", "step n", None),
        ("iteration", "iteration n", None),
    ],
)
def test_spans_are_named_by_the_conventions(
    harness: Harness, kind: str, span: str, operation: str | None
) -> None:
    exectrail.complete(of=exectrail.start(kind, "n"))
    [own] = harness.spans()
    assert own.attributes is not None
    assert (own.name, own.kind) == (span, SpanKind.INTERNAL)
    assert own.attributes.get(names.GEN_AI_OPERATION_NAME) == operation
    assert own.attributes.get(names.GEN_AI_TOOL_TYPE) == ("function" if kind == "tool" else None)
    assert own.attributes.get(names.GEN_AI_TOOL_NAME) == ("n" if kind == "tool" else None)


def test_texts_can_be_left_away() -> None:
    with Harness(keep_texts=False) as harness:
        with contextlib.suppress(ValueError), exectrail.workflow("w") as run:
            run.progress(0.5, "reading the letter")
            run.model_call("acme", "acme-1").fail("refused the letter")
            raise ValueError("the letter")
        assert harness.tree() == (
            "workflow w failed(error) ERROR ValueError\n  chat acme-1 cost=? ERROR error"
        )
        shown = repr(harness.events()) + repr([s.to_json() for s in harness.spans()])
        assert "letter" not in shown
        assert [e.get("error.type") for e in harness.events("state_changed")][-1] == "ValueError"


def test_long_messages_are_cut() -> None:
    with Harness(text_limit=40) as harness:
        with contextlib.suppress(ValueError), exectrail.step("s") as step:
            step.progress(message="word " * 100)
            raise ValueError("word " * 100)
        progress, failed = harness.events("progress") + harness.events()[-1:]
        assert 10 < len(progress["message"]) <= 40
        assert 10 < len(failed["exception.message"]) <= 40


def test_severity_follows_the_state(harness: Harness) -> None:
    with contextlib.suppress(ValueError), exectrail.step("failed"):
        raise ValueError
    with exectrail.step("cancelled") as step:
        step.cancel()
        step.complete()
        step.progress(1)
    exectrail.usage("acme", "acme-1")
    with exectrail.agent("a"):
        exectrail.progress(0.5)
        exectrail.usage("acme", "acme-1")
    severities = [
        (r.log_record.severity_text, r.log_record.severity_number) for r in harness.records()
    ]
    assert [text for text, _ in severities] == [
        *("INFO", "ERROR"),
        *("INFO", "WARN", "WARN"),
        *("INFO", "DEBUG", "INFO", "INFO"),
    ]
    assert all(number is not None and number.name == text for text, number in severities)


def test_what_it_is_about_stands_on_the_first_event_and_the_span(harness: Harness) -> None:
    deadline = datetime(2026, 5, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    details: dict[str, Any] = {
        "external_id": "run-7",
        "mode": "simulation",
        "deadline": deadline,
        "max_iterations": 5,
        "conversation_id": "thread-1",
        "agent_version": "2.1",
        "tool_call_id": "call-1",
        "target_type": "ticket",
        "target_id": "T-1",
        "trigger_source": "webhook",
        "trigger_key": "abc",
        "trigger_status": "open",
        "trigger_intent": "fix",
        "tags": {"team": "blue", "n": 3},
    }
    with exectrail.workflow("w", resume_key="key", **details):
        pass
    about = {
        "external_id": "run-7",
        "mode": "simulation",
        "deadline": "2026-05-01T10:00:00.000Z",
        "max_iterations": 5,
        "conversation.id": "thread-1",
        "agent.version": "2.1",
        "tool.call.id": "call-1",
        "target_type": "ticket",
        "target_id": "T-1",
        "trigger.source": "webhook",
        "trigger.key": "abc",
        "trigger.status": "open",
        "trigger.intent": "fix",
        "tag.team": "blue",
        "tag.n": "3",
        "resume_key": "key",
    }
    first, last = harness.events()
    assert first == {**event("state_changed", "workflow", "w", 1, state="running"), **about}
    assert last == event(
        "state_changed", "workflow", "w", 2, state="completed", previous_state="running"
    )
    [span] = harness.spans()
    assert span.attributes is not None
    assert span.attributes[names.EXECUTION_EXTERNAL_ID] == "run-7"
    assert span.attributes[names.TAG_PREFIX + "team"] == "blue"


def test_a_deadline_without_a_zone_is_utc(harness: Harness) -> None:
    with exectrail.step("s", deadline=datetime(2026, 5, 1, 12)):  # noqa: DTZ001
        pass
    assert harness.events()[0]["deadline"] == "2026-05-01T12:00:00.000Z"


def test_fork_names_what_it_forked_from(harness: Harness) -> None:
    harness.executions.start(Kind.WORKFLOW, "w", forked_from="other").complete()
    assert harness.events()[0]["forked_from"] == "other"
    assert "forked_from" not in harness.events()[1]


def test_reports_are_told_whole(harness: Harness) -> None:
    with exectrail.workflow("w") as run:
        exectrail.progress(0.25, "reading", completed=1, planned=4)
        exectrail.progress()
        exectrail.plan(
            [
                PlanStep("a", "writer", ("in",), ("out",), Decimal("0.10"), 5.0),
                "b",
            ]
        )
        exectrail.plan_step("a", "completed", actual_cost=Decimal("1E-7"), actual_seconds=4.5)
        exectrail.result("tests", 1, check=lambda _: False)
        exectrail.result("answer")
        exectrail.artifact("f.txt", "/tmp/f.txt", action="changed", media_type="text/plain", size=3)
        exectrail.artifact("page")
        exectrail.resource_usage(
            cpu_seconds=1.5, memory_peak_bytes=2, disk_read_bytes=3, disk_write_bytes=4
        )
        exectrail.resource_usage(exclusive=True)
        exectrail.variable("city", "Oslo")

    def told(name: str, sequence: int, **attributes: Any) -> dict[str, Any]:
        return event(name, "workflow", "w", sequence, **attributes)

    steps = [
        {
            "name": "a",
            "component": "writer",
            "inputs": ["in"],
            "expected_outputs": ["out"],
            "estimated_cost": "0.10",
            "estimated_seconds": 5.0,
            "state": "created",
        },
        {"name": "b", "state": "created"},
    ]
    done = {
        **steps[0],
        "actual_cost": "0.0000001",
        "actual_seconds": 4.5,
        "state": "completed",
    }
    events = harness.events()[1:-1]
    plans = [json.loads(e.pop("plan.steps")) for e in events if e["event"] == "plan_changed"]
    assert plans == [steps, [done, steps[1]]]
    assert events == [
        told("progress", 2, progress=0.25, message="reading", steps_completed=1, steps_planned=4),
        told("progress", 3),
        told("plan_changed", 4, plan__revision=1, steps_planned=2, steps_completed=0),
        told("plan_changed", 5, plan__revision=2, steps_planned=2, steps_completed=1),
        told(
            "result",
            6,
            result__name="tests",
            result__category="testing",
            result__valid=False,
            result__problem="refused",
        ),
        told("result", 7, result__name="answer", result__category="unknown"),
        told(
            "artifact",
            8,
            artifact__name="f.txt",
            artifact__url="/tmp/f.txt",
            artifact__action="changed",
            artifact__media_type="text/plain",
            artifact__size=3,
        ),
        told("artifact", 9, artifact__name="page", artifact__action="created"),
        told(
            "resource_usage",
            10,
            resource__cpu_time=1.5,
            resource__memory_peak=2,
            resource__disk_read=3,
            resource__disk_write=4,
            resource__scope="shared",
        ),
        told("resource_usage", 11, resource__scope="exclusive"),
        told("variable_set", 12, variable__name="city", variable__type="str"),
    ]
    assert run.closed


@pytest.mark.parametrize("capture", [True, False])
def test_values_of_variables_only_on_request(capture: bool) -> None:
    with Harness(capture_content=capture) as harness:
        with exectrail.step("s"):
            exectrail.variable("password", {"text": f"the key is {FAKE_KEY}"})
        [told] = harness.events("variable_set", varying=True)
        assert len(told["variable.hash"]) == 32
        assert FAKE_KEY not in repr(told)
        assert ("variable.value" in told) == capture
        assert not capture or told["variable.value"].startswith('{"text": "the key is ')


def test_credentials_leave_the_address_of_an_artifact(harness: Harness) -> None:
    with exectrail.step("s"):
        exectrail.artifact("page", "https://user:fake-password@example.com/a?b=c")
    [told] = harness.events("artifact")
    assert "fake-password" not in repr(told)
    assert "example.com/a" in told["artifact.url"]
