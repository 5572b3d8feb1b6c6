"""States are derived from events in any order, any number of times, in any batches."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from exectrail import queries
from exectrail.conventions import names
from exectrail.storage.client import Client


def test_a_final_state_is_not_undone_by_what_comes_after_it(
    store: Client, program: Callable[..., Any], send: Callable[..., None]
) -> None:
    writer = program()
    writer.start("workflow", "w", -60).move("completed", -50).move("running", -40).use(-30)
    send(writer)
    [run] = store.fetch(queries.runs())
    assert (run.state, run.outcome, run.calls) == ("completed", "success", 1)


def test_a_refused_transition_is_kept_but_moves_nothing(
    store: Client, program: Callable[..., Any], send: Callable[..., None]
) -> None:
    writer = program()
    root = writer.start("workflow", "w", -60).move("completed", -50, valid=False)
    send(writer)
    [run] = store.fetch(queries.runs())
    assert run.state == "running"
    told = [(t.state, t.valid) for t in store.fetch(queries.run_transitions(root.id))]
    assert told == [("running", 1), ("completed", 0)]


@pytest.mark.parametrize("where", ["field", "attribute"])
def test_the_event_name_may_stand_in_either_place(
    where: str, store: Client, program: Callable[..., Any], send: Callable[..., None]
) -> None:
    writer = program()
    writer.start("workflow", "w", -60)
    for record in writer.records:
        if where == "field":
            del record["LogAttributes"][names.EVENT_NAME]
        else:
            record["EventName"] = ""
    send(writer)
    assert [run.state for run in store.fetch(queries.runs())] == ["running"]


def test_an_execution_of_which_only_a_call_is_known_has_no_state_and_breaks_no_view(
    store: Client,
    program: Callable[..., Any],
    send: Callable[..., None],
    canary: Callable[..., None],
) -> None:
    canary()
    writer = program()
    writer.start("workflow", "w", -60).use(-50)
    del writer.records[0]
    send(writer)
    [run] = store.fetch(queries.runs())
    assert (run.state, run.outcome, run.calls, run.work_ms) == ("", "", 1, 0)


def test_time_is_told_apart_by_state(
    store: Client, program: Callable[..., Any], send: Callable[..., None]
) -> None:
    writer = program()
    root = writer.start("workflow", "w", -100, state="queued").move("running", -90)
    root.move("paused", -70).move("running", -40).move("blocked", -35).move("running", -33)
    root.move("failed", -30, **{names.ERROR_TYPE: "ValueError", names.EXCEPTION_MESSAGE: "no"})
    send(writer)
    [run] = store.fetch(queries.runs())
    spent = (run.queued_ms, run.work_ms, run.wait_ms, run.blocked_ms, run.duration_ms)
    assert spent == (10_000, 28_000, 30_000, 2_000, 70_000)
    assert run.ended_at is not None
    assert run.ended_at - run.started_at == timedelta(seconds=70)
    assert (run.outcome, run.error_type, run.error_message) == ("failed", "ValueError", "no")


@pytest.mark.parametrize(
    ("kind", "reason", "outcome"),
    [("step", "review", "blocked"), ("step", "error", "failed"), ("agent", "review", "failed")],
)
def test_a_step_that_a_review_stopped_is_blocked(
    kind: str,
    reason: str,
    outcome: str,
    store: Client,
    program: Callable[..., Any],
    send: Callable[..., None],
) -> None:
    writer = program()
    root = writer.start("workflow", "w", -60)
    root.child(kind, "check", -50).move("failed", -40, **{names.EXECUTION_REASON: reason})
    send(writer)
    by_name = {node.name: node.outcome for node in store.fetch(queries.tree(root.id))}
    assert by_name == {"w": "", "check": outcome}


@pytest.mark.parametrize(("first", "outcome"), [("completed", "partial"), ("failed", "failed")])
def test_a_failed_run_is_partial_where_a_step_had_completed(
    first: str,
    outcome: str,
    store: Client,
    program: Callable[..., Any],
    send: Callable[..., None],
) -> None:
    writer = program()
    root = writer.start("workflow", "w", -60)
    root.child("step", "plan", -50).move(first, -45)
    root.child("tool", "look", -44).move("completed", -43)
    root.child("step", "write", -42).move("failed", -40, **{names.ERROR_TYPE: "KeyError"})
    root.move("failed", -39)
    send(writer)
    [run] = store.fetch(queries.runs())
    assert (run.outcome, run.error_type, run.nodes) == (outcome, "KeyError", 4)
    assert [n.outcome for n in store.fetch(queries.tree(root.id)) if n.name == "w"] == [outcome]


def test_progress_is_the_latest_told(
    store: Client, program: Callable[..., Any], send: Callable[..., None]
) -> None:
    writer = program()
    root = writer.start("workflow", "w", -60)
    for done in (1, 2):
        told = {
            names.EXECUTION_PROGRESS: str(done / 4),
            names.EXECUTION_STEPS_PLANNED: "4",
            names.EXECUTION_STEPS_COMPLETED: str(done),
            names.EXECUTION_MESSAGE: f"{done} done",
        }
        root.tell(names.EVENT_EXECUTION_PROGRESS, -50 + done, told)
    writer.records.reverse()
    send(writer)
    [run] = store.fetch(queries.runs())
    assert (run.steps_completed, run.steps_planned, run.progress) == (2, 4, 0.5)
    assert run.message == "2 done"
