"""Whole span trees and event lists of what executions do."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator

from opentelemetry.trace import StatusCode

import exectrail
from exectrail.conventions import names
from exectrail.conventions.names import Kind
from exectrail.testing.harness import Harness

from .expected import FAKE_KEY, event


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
