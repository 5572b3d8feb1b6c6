"""Whole span trees and event lists of what executions do."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.trace import SpanKind, StatusCode

import exectrail
from exectrail.conventions import names
from exectrail.conventions.names import Kind, UsageRole
from exectrail.execution import Execution, PlanStep, ProviderCost, Usage
from exectrail.testing.harness import Harness

FAKE_KEY = "sk-" + "proj-FAKE0" * 4


def event(event: str, kind: str, name: str, sequence: int, **attributes: Any) -> dict[str, Any]:
    """An event as it is expected; `__` in a keyword stands for a dot."""
    whole = {"kind": kind, "name": name, "sequence": sequence, "attempt": 1}
    if kind in ("workflow", "agent", "tool"):
        whole[f"{kind}.name"] = name
    return {"event": event, **whole, **{k.replace("__", "."): v for k, v in attributes.items()}}


def test_completed_run(harness: Harness) -> None:
    with exectrail.workflow("office"), exectrail.agent("writer"), exectrail.task("letter"):
        pass
    assert harness.tree() == (
        "workflow office completed\n  agent writer completed\n    task letter completed"
    )
    office = {"workflow__name": "office"}
    writer = {**office, "agent__name": "writer"}
    assert harness.events() == [
        event("state_changed", "workflow", "office", 1, state="running"),
        event("state_changed", "agent", "writer", 1, state="running", **office),
        event("state_changed", "task", "letter", 1, state="running", **writer),
        event(
            "state_changed",
            "task",
            "letter",
            2,
            state="completed",
            previous_state="running",
            **writer,
        ),
        event(
            "state_changed",
            "agent",
            "writer",
            2,
            state="completed",
            previous_state="running",
            **office,
        ),
        event(
            "state_changed", "workflow", "office", 2, state="completed", previous_state="running"
        ),
    ]


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


def test_failed_run_says_why_without_its_secret(harness: Harness) -> None:
    with contextlib.suppress(ValueError), exectrail.workflow("w"), exectrail.tool("search"):
        raise ValueError(f"refused: api_key={FAKE_KEY}")
    tree, events = harness.tree(), harness.events()
    assert [line.split(" refused")[0] for line in tree.splitlines()] == [
        "workflow w failed(error) ERROR ValueError",
        "  tool search failed(error) ERROR ValueError",
    ]
    assert FAKE_KEY not in tree + repr(events) + repr([s.to_json() for s in harness.spans()])
    failed = events[2]
    assert (failed["state"], failed["reason"], failed["error.type"]) == (
        "failed",
        "error",
        "ValueError",
    )
    assert failed["exception.message"].startswith("refused")
    for span in harness.spans():
        [raised] = span.events
        assert (raised.name, raised.timestamp) == ("exception", span.end_time)
        assert dict(raised.attributes or {}) == {
            names.EXCEPTION_TYPE: "ValueError",
            names.EXCEPTION_MESSAGE: failed["exception.message"],
        }
        assert span.status.status_code is StatusCode.ERROR
        assert span.status.description == failed["exception.message"]


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


def test_failed_without_an_exception(harness: Harness) -> None:
    with exectrail.step("s"):
        exectrail.fail(reason="budget")
    assert harness.tree() == "step s failed(budget) ERROR"
    [_, failed] = harness.events()
    assert failed == event(
        "state_changed", "step", "s", 2, state="failed", previous_state="running", reason="budget"
    )
    [span] = harness.spans()
    assert span.events == ()
    assert span.attributes is not None
    assert names.ERROR_TYPE not in span.attributes


def test_cancelled_run(harness: Harness) -> None:
    async def work() -> None:
        async with exectrail.workflow("w"), exectrail.step("s"):
            raise asyncio.CancelledError

    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(work())
    assert harness.tree() == "workflow w cancelled(user_request)\n  step s cancelled(user_request)"
    assert harness.events()[-1] == event(
        "state_changed",
        "workflow",
        "w",
        2,
        state="cancelled",
        previous_state="running",
        reason="user_request",
    )


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


def test_paused_in_a_block_and_gone_on(harness: Harness) -> None:
    with exectrail.workflow("w", resume_key="p/w/1"):
        exectrail.pause("human_input")
        exectrail.resume()
    assert harness.tree() == "workflow w completed"
    states = [(e["state"], e.get("reason"), e.get("resume_key")) for e in harness.events()]
    assert states == [
        ("running", None, "p/w/1"),  # on the first event
        ("paused", "human_input", "p/w/1"),  # and on each pause
        ("running", None, None),
        ("completed", None, None),
    ]


def test_suspended_and_resumed_as_two_segments(harness: Harness) -> None:
    first = exectrail.start("workflow", "w")
    asking = exectrail.start("step", "ask", parent=first)
    asking.suspend("p/w/1/ask", checkpoint_id="c1")
    first.suspend("p/w/1", checkpoint_id="c1")
    again = harness.executions.start(
        Kind.WORKFLOW, "w", resume_key="p/w/1", resumed=True, checkpoint_id="c1"
    )
    step = harness.executions.start(
        Kind.STEP, "ask", parent=again, resume_key="p/w/1/ask", resumed=True
    )
    step.complete()
    again.complete()
    assert harness.tree() == (
        "workflow w paused(human_input)\n  step ask paused(human_input)\n"
        "workflow w completed\n  step ask completed"
    )
    by_name = [e for e in harness.events() if e["name"] == "w"]
    assert by_name == [
        event("state_changed", "workflow", "w", 1, state="running"),
        event(
            "state_changed",
            "workflow",
            "w",
            2,
            state="paused",
            previous_state="running",
            reason="human_input",
            resume_key="p/w/1",
            checkpoint_id="c1",
        ),
        event(
            "state_changed",
            "workflow",
            "w",
            1,
            state="running",
            previous_state="paused",
            resume_key="p/w/1",
            checkpoint_id="c1",
        ),
        event(
            "state_changed",
            "workflow",
            "w",
            2,
            state="completed",
            previous_state="running",
            checkpoint_id="c1",
        ),
    ]
    paused = [s for s in harness.spans() if (s.attributes or {})[names.EXECUTION_STATE] == "paused"]
    assert [(s.attributes or {})[names.EXECUTION_RESUME_KEY] for s in paused] == [
        "p/w/1/ask",
        "p/w/1",
    ]


def test_pause_made_durable_later_tells_its_key(harness: Harness) -> None:
    run = exectrail.start("workflow", "w")
    run.pause()
    run.suspend("p/w/1", checkpoint_id="c1")
    last = harness.events()[-1]
    assert (last["state"], last["previous_state"], last["resume_key"], last["checkpoint_id"]) == (
        "paused",
        "paused",
        "p/w/1",
        "c1",
    )
    assert harness.tree() == "workflow w paused(human_input)"


def test_illegal_transition_is_told_and_does_not_move(harness: Harness) -> None:
    step = exectrail.start("step", "s", state="queued")
    step.complete()
    step.run()
    step.complete()
    step.pause()
    assert harness.tree() == "step s completed"
    assert harness.events() == [
        event("state_changed", "step", "s", 1, state="queued"),
        event(
            "state_changed",
            "step",
            "s",
            2,
            state="completed",
            previous_state="queued",
            valid=False,
        ),
        event("state_changed", "step", "s", 3, state="running", previous_state="queued"),
        event("state_changed", "step", "s", 4, state="completed", previous_state="running"),
        event(
            "state_changed",
            "step",
            "s",
            5,
            state="paused",
            previous_state="completed",
            reason="human_input",
            valid=False,
        ),
    ]


def test_retry_is_a_new_execution(harness: Harness) -> None:
    with exectrail.workflow("w"):
        for attempt in (1, 2):
            with contextlib.suppress(OSError), exectrail.step("s", attempt=attempt, iteration=1):
                if attempt == 1:
                    raise OSError("gone")
    assert harness.tree() == (
        "workflow w completed iterations=1\n"
        "  step s failed(error) iteration=1 ERROR OSError gone\n"
        "  step s completed attempt=2 iteration=1"
    )
    attempts = [
        (e["attempt"], e["iteration"], e["state"]) for e in harness.events() if e["name"] == "s"
    ]
    assert attempts == [
        (1, 1, "running"),
        (1, 1, "failed"),
        (2, 1, "running"),
        (2, 1, "completed"),
    ]
    assert harness.events()[-1]["iterations"] == 1


def test_streams_closed_early_and_read_to_the_end(harness: Harness) -> None:
    @exectrail.step
    def letters() -> Iterator[str]:
        yield from "ab"

    @exectrail.agent
    async def words() -> AsyncIterator[str]:
        yield "a"
        yield "b"

    async def first_word() -> None:
        stream = words()
        await anext(stream)
        await stream.aclose()  # pyright: ignore[reportAttributeAccessIssue]

    assert list(letters()) == ["a", "b"]
    next(letters())
    asyncio.run(first_word())
    assert harness.tree() == (
        "step letters completed\n"
        "step letters cancelled(stream_closed)\n"
        "agent words cancelled(stream_closed)"
    )


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


# -- model calls ----------------------------------------------------------------------------------


def call(run: Execution, model: str = "acme-1", **how: Any) -> None:
    run.model_call("acme", model).end(**how)


def test_call_is_a_span_beneath_its_owner_and_a_usage_event(harness: Harness) -> None:
    with exectrail.workflow("w"), exectrail.agent("a") as run, exectrail.step("s") as step:
        step.model_call("acme", "acme-1", operation="text_completion").end(
            Usage(1_000_000, 100_000, 200_000, 0, 50_000),
            response_model="acme-1-mini",
            response_id="r1",
            finish_reasons=("stop", "length"),
        )
        call(run, usage=Usage(1_000_000, 100_000))
    assert harness.tree() == (
        "workflow w completed\n"
        "  agent a completed\n"
        "    step s completed\n"
        "      text_completion acme-1-mini in=1000000 out=100000 cache_read=200000 cache_write=0 "
        "reasoning=50000 cost=?\n"
        "    chat acme-1 in=1000000 out=100000 cost=3 USD"
    )
    unknown, priced = harness.events("inference.usage", varying=True)
    assert {k: v for k, v in unknown.items() if k not in ("event.name", "cost.price_version")} == {
        **event("inference.usage", "step", "s", 2, workflow__name="w", agent__name="a"),
        "id": step.id,
        "parent_id": run.id,
        "root_id": run.root_id,
        "operation.name": "text_completion",
        "provider.name": "acme",
        "request.model": "acme-1",
        "response.model": "acme-1-mini",
        "response.id": "r1",
        "usage.input_tokens": 1_000_000,
        "usage.output_tokens": 100_000,
        "usage.cache_read.input_tokens": 200_000,
        "usage.cache_write.input_tokens": 0,
        "usage.reasoning.output_tokens": 50_000,
        "usage.role": "billing",
        "cost.source": "unknown",
    }
    assert (priced["cost.amount"], priced["cost.currency"], priced["cost.source"]) == (
        "3",
        "USD",
        "priced",
    )
    assert priced["cost.price_version"] == "test-1"
    span = harness.spans()[0]
    assert (span.name, span.kind) == ("text_completion acme-1", SpanKind.CLIENT)
    assert span.attributes is not None
    assert span.attributes[names.EXECUTION_ID] == step.id
    assert span.attributes[names.GEN_AI_RESPONSE_FINISH_REASONS] == ("stop", "length")
    placed = [
        r.log_record.span_id
        for r in harness.records()
        if r.log_record.event_name == names.EVENT_INFERENCE_USAGE
    ]
    assert span.context is not None
    assert placed[0] == span.context.span_id


@pytest.mark.parametrize(
    ("how", "cost"),
    [
        ({"usage": Usage(1_000_000, 0)}, ("2", "USD", "priced")),
        ({"usage": Usage(1_000_000, 0, 1_000_000)}, ("0.5", "USD", "priced")),
        ({"usage": Usage()}, (None, None, "unknown")),
        ({}, (None, None, "unknown")),
        ({"cost": ProviderCost(Decimal("0.25"), "EUR")}, ("0.25", "EUR", "provider")),
        ({"cost": ProviderCost(Decimal(0))}, ("0", "USD", "provider")),
        ({"cost": ProviderCost(Decimal("1E-9"))}, ("0.000000001", "USD", "provider")),
        # What the type forbids and programs do all the same.
        ({"cost": ProviderCost(0.1)}, ("0.1", "USD", "provider")),  # pyright: ignore[reportArgumentType]
        ({"cost": ProviderCost(1e-9)}, ("0.000000001", "USD", "provider")),  # pyright: ignore[reportArgumentType]
        ({"cost": ProviderCost("0.30")}, ("0.3", "USD", "provider")),  # pyright: ignore[reportArgumentType]
        ({"cost": ProviderCost(Decimal("NaN"))}, (None, None, "unknown")),
        (
            {"cost": ProviderCost("much"), "usage": Usage(1_000_000, 0)},  # pyright: ignore[reportArgumentType]
            ("2", "USD", "priced"),
        ),
        ({"usage": Usage("many", 100_000)}, (None, None, "unknown")),  # pyright: ignore[reportArgumentType]
    ],
)
def test_what_a_call_cost(
    harness: Harness, how: dict[str, Any], cost: tuple[str | None, ...]
) -> None:
    with exectrail.agent("a") as run:
        call(run, **how)
    [told] = harness.events("inference.usage")
    assert tuple(told.get(f"cost.{part}") for part in ("amount", "currency", "source")) == cost
    [span, _] = harness.spans()
    assert span.attributes is not None
    assert span.attributes.get(names.COST_AMOUNT) == cost[0]
    assert span.attributes[names.COST_SOURCE] == cost[2]


def test_failed_and_cancelled_calls(harness: Harness) -> None:
    with exectrail.agent("a") as run:
        run.model_call("acme", "acme-1").fail(OSError("gone"))
        run.model_call("acme", "acme-1").fail(OSError("cut off"), Usage(1_000_000))
        run.model_call("acme", "acme-1").cancel()
        run.model_call("", "").end(Usage(1, 1))
    assert harness.tree() == (
        "agent a completed\n"
        "  chat acme-1 cost=? ERROR OSError gone\n"
        "  chat acme-1 in=1000000 cost=? ERROR OSError cut off\n"
        "  chat acme-1 cost=?\n"
        "  chat ? in=1 out=1 cost=?"
    )
    counted, cancelled, nameless = harness.events("inference.usage")
    assert (counted["error.type"], counted["usage.input_tokens"]) == ("OSError", 1_000_000)
    assert "error.type" not in cancelled
    assert "provider.name" not in nameless
    assert harness.spans()[3].name == "chat"


@pytest.mark.parametrize("role", list(UsageRole))
def test_role_stands_on_event_and_span(harness: Harness, role: UsageRole) -> None:
    with exectrail.agent("a") as run:
        call(run, usage=Usage(1, 1), role=role)
    [told] = harness.events("inference.usage")
    assert told["usage.role"] == role.value
    assert (harness.spans()[0].attributes or {})[names.USAGE_ROLE] == role.value


def test_usage_after_the_end_of_its_owner_is_told(harness: Harness) -> None:
    with exectrail.agent("a") as run:
        late = run.model_call("acme", "acme-1")
    late.end(Usage(1_000_000, 0))
    assert harness.events()[-1]["cost.amount"] == "2"
    assert harness.events()[-1]["sequence"] == 3


def test_price_file_of_nobody_leaves_the_public_prices(tmp_path: Path) -> None:
    with Harness() as harness, exectrail.agent("a"):
        exectrail.usage("openai", "gpt-4o", input_tokens=1_000_000, output_tokens=0)
        [told] = harness.events("inference.usage", varying=True)
        assert told["cost.source"] == "priced"
        assert Decimal(told["cost.amount"]) > 0
        assert told["cost.price_version"].startswith("genai-prices")
