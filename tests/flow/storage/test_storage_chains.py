"""Pauses and resumes of several processes are one execution; a second resume is a fork."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from exectrail import queries
from exectrail.conventions import names
from exectrail.storage.client import Client

KEY = {names.EXECUTION_RESUME_KEY: "shop|flow|thread-1|"}
PAUSE = KEY | {names.EXECUTION_REASON: "human_input"}
_KEY = KEY[names.EXECUTION_RESUME_KEY]


def test_a_pause_and_its_resume_in_another_process_are_one_run(
    store: Client, program: Callable[..., Any], send: Callable[..., None]
) -> None:
    one, two = program(host="a", pid=1), program(host="b", pid=2)
    first = one.start("workflow", "flow", -100, **KEY).use(-95, cost="1")
    step = first.child("step", "ask", -90).use(-89, cost="2")
    step.move("paused", -80, **{names.EXECUTION_RESUME_KEY: "ask"})
    first.move("paused", -80, **PAUSE)
    send(one)
    [run] = store.fetch(queries.runs())
    assert (run.state, run.reason, run.outcome, run.health) == ("paused", "human_input", "", "")
    assert run.ended_at is None

    second = two.start("workflow", "flow", -30, resumes=_KEY).use(-29, cost="4")
    again = second.child("step", "ask", -28, resumes="ask").move("completed", -25)
    second.child("step", "write", -24).use(-23, cost="8").move("completed", -22)
    second.move("completed", -20)
    send(two)

    [run] = store.fetch(queries.runs())
    assert (run.execution_id, run.segments) == (first.id, [first.id, second.id])
    assert (run.state, run.outcome, run.resumes, run.nodes) == ("completed", "success", 1, 3)
    assert (run.duration_ms, run.work_ms, run.wait_ms) == (80_000, 30_000, 50_000)
    assert (run.calls, run.cost, run.host, run.pid) == (4, Decimal(15), "b", 2)
    nodes = store.fetch(queries.tree(first.id))
    assert [(n.name, n.execution_id, n.parent_id, n.segments, n.cost) for n in nodes] == [
        ("flow", first.id, "", [first.id, second.id], Decimal(5)),
        ("ask", step.id, first.id, [step.id, again.id], Decimal(2)),
        ("write", nodes[2].execution_id, first.id, [nodes[2].execution_id], Decimal(8)),
    ]
    moves = [(t.execution_id, t.state) for t in store.fetch(queries.run_transitions(first.id))]
    assert [state for node, state in moves if node == first.id] == [
        "running",
        "paused",
        "running",
        "completed",
    ]
    [found] = store.fetch(queries.resolve_id(second.id))
    assert (found.execution_id, found.root_id) == (first.id, first.id)


def test_two_pauses_and_two_resumes_are_still_one_run(
    store: Client, program: Callable[..., Any], send: Callable[..., None]
) -> None:
    workers = [program() for _ in range(3)]
    first = workers[0].start("workflow", "flow", -100, **KEY).move("paused", -90, **PAUSE)
    second = workers[1].start("workflow", "flow", -80, resumes=_KEY).move("paused", -70, **PAUSE)
    third = workers[2].start("workflow", "flow", -40, resumes=_KEY).move("completed", -30)
    for worker in reversed(workers):
        send(worker)
    [run] = store.fetch(queries.runs())
    assert run.segments == [first.id, second.id, third.id]
    assert (run.resumes, run.work_ms, run.wait_ms) == (2, 30_000, 40_000)


def test_a_second_resume_of_one_pause_is_a_fork(
    store: Client, program: Callable[..., Any], send: Callable[..., None]
) -> None:
    workers = [program() for _ in range(3)]
    first = workers[0].start("workflow", "flow", -100, **KEY).move("paused", -90, **PAUSE)
    second = workers[1].start("workflow", "flow", -80, resumes=_KEY).move("completed", -70)
    third = workers[2].start("workflow", "flow", -60, resumes=_KEY)
    third.child("step", "again", -50).use(-49, cost="3")
    send(*workers)
    forked, run = store.fetch(queries.runs())
    assert (run.segments, run.state, run.cost) == ([first.id, second.id], "completed", None)
    assert (forked.segments, forked.forked_from, forked.cost) == ([third.id], first.id, Decimal(3))
    assert [n.name for n in store.fetch(queries.tree(third.id))] == ["flow", "again"]


def test_a_fork_keeps_the_parts_that_it_resumed_first(
    store: Client, program: Callable[..., Any], send: Callable[..., None]
) -> None:
    workers = [program() for _ in range(4)]
    step_key = {names.EXECUTION_RESUME_KEY: "step"}
    first = workers[0].start("workflow", "flow", -100, **KEY)
    asked = first.child("step", "ask", -99).move("paused", -91, **step_key)
    first.move("paused", -90, **PAUSE)
    # The first resume dies before it comes to the step; the second one resumes the same pause.
    second = workers[1].start("workflow", "flow", -80, resumes=_KEY)
    third = workers[2].start("workflow", "flow", -60, resumes=_KEY)
    redone = third.child("step", "ask", -59, resumes="step").use(-58, cost="3")
    redone.move("paused", -52, **step_key)
    third.move("paused", -51, **PAUSE)
    fourth = workers[3].start("workflow", "flow", -40, resumes=_KEY)
    ended = fourth.child("step", "ask", -39, resumes="step").use(-38, cost="4")
    ended.move("completed", -37)
    fourth.move("completed", -36)
    send(*workers)

    told = [
        [(n.name, n.segments, n.cost) for n in store.fetch(queries.tree(root.id))]
        for root in (first, third)
    ]
    assert [(r.execution_id, r.cost) for r in store.fetch(queries.runs())] == [
        (third.id, Decimal(7)),
        (first.id, None),
    ]
    assert told == [
        [("flow", [first.id, second.id], None), ("ask", [asked.id], None)],
        [
            ("flow", [third.id, fourth.id], None),
            ("ask", [redone.id, ended.id], Decimal(7)),
        ],
    ]


def test_parts_of_parts_follow_their_run_through_every_resume(
    store: Client, program: Callable[..., Any], send: Callable[..., None]
) -> None:
    workers = [program() for _ in range(3)]
    records: list[Any] = []
    for turn, worker in enumerate(workers):
        at = -300.0 + 100 * turn
        resumes = {"resumes": _KEY} if turn else {}
        root = worker.start("workflow", "flow", at, **resumes)
        outer = worker.start(
            "agent", "outer", at + 1, parent=root, **({"resumes": "outer"} if turn else {})
        )
        inner = worker.start(
            "step", "inner", at + 2, parent=outer, **({"resumes": "inner"} if turn else {})
        )
        for part, key in ((inner, "inner"), (outer, "outer"), (root, _KEY)):
            state = {"state": "paused"} if turn < 2 else {"state": "completed"}
            part.move(at=at + 10, **state, **{names.EXECUTION_RESUME_KEY: key})
        records += worker.records
    send(*reversed(workers))
    [run] = store.fetch(queries.runs())
    nodes = store.fetch(queries.tree(run.execution_id))
    by_id = {node.execution_id: node for node in nodes}
    assert [
        (n.name, len(n.segments), n.outcome, by_id[n.parent_id].name if n.parent_id else "")
        for n in nodes
    ] == [
        ("flow", 3, "success", ""),
        ("outer", 3, "success", "flow"),
        ("inner", 3, "success", "outer"),
    ]


def test_a_fresh_start_on_the_same_key_is_a_run_of_its_own(
    store: Client, program: Callable[..., Any], send: Callable[..., None]
) -> None:
    workers = [program() for _ in range(3)]
    first = workers[0].start("workflow", "flow", -100, **KEY).move("paused", -90, **PAUSE)
    fresh = workers[1].start("workflow", "flow", -80, **KEY).move("paused", -70, **PAUSE)
    third = workers[2].start("workflow", "flow", -60, resumes=_KEY).move("completed", -50)
    send(*workers)
    newer, older = store.fetch(queries.runs())
    assert (older.segments, older.state) == ([first.id], "paused")
    assert (newer.segments, newer.state) == ([fresh.id, third.id], "completed")


def test_a_resume_that_is_heard_of_first_waits_for_its_pause(
    store: Client, program: Callable[..., Any], send: Callable[..., None]
) -> None:
    one, two = program(), program()
    first = one.start("workflow", "flow", -100, **KEY).move("paused", -90, **PAUSE)
    second = two.start("workflow", "flow", -80, resumes=_KEY)
    send(two)
    [alone] = store.fetch(queries.runs())
    assert alone.segments == [second.id]
    send(one)
    [run] = store.fetch(queries.runs())
    assert (run.segments, run.state) == ([first.id, second.id], "running")


@pytest.mark.parametrize("skew", [-600.0, 600.0])
def test_clocks_that_differ_by_minutes_do_not_part_a_resume_from_its_pause(
    skew: float, store: Client, program: Callable[..., Any], send: Callable[..., None]
) -> None:
    one, two = program(), program(skew=skew)
    first = one.start("workflow", "flow", -1000, **KEY).move("paused", -900, **PAUSE)
    second = two.start("workflow", "flow", -880, resumes=_KEY).move("completed", -870)
    send(one, two)
    [run] = store.fetch(queries.runs())
    assert (run.segments, run.state) == ([first.id, second.id], "completed")
    assert min(run.work_ms, run.wait_ms, run.duration_ms) >= 0


def test_keys_do_not_mix(
    store: Client, program: Callable[..., Any], send: Callable[..., None]
) -> None:
    one, two = program(), program()
    first = one.start("workflow", "flow", -100).move("paused", -90, **PAUSE)
    other = two.start("workflow", "flow", -80, resumes="another key")
    send(one, two)
    assert {run.execution_id for run in store.fetch(queries.runs())} == {first.id, other.id}


def test_a_short_pause_within_a_process_opens_nothing(
    store: Client, program: Callable[..., Any], send: Callable[..., None]
) -> None:
    one = program()
    first = one.start("workflow", "flow", -100, **KEY).move("paused", -90, **PAUSE)
    first.move("running", -80).move("completed", -70)
    send(one)
    [run] = store.fetch(queries.runs())
    assert (run.segments, run.work_ms, run.wait_ms) == ([first.id], 20_000, 10_000)


def test_a_long_wait_counts_as_wait_and_not_as_work(
    store: Client, program: Callable[..., Any], send: Callable[..., None], base: datetime
) -> None:
    one = program()
    one.start("workflow", "flow", -5000, **KEY).move("paused", -4990, **PAUSE)
    send(one)
    [run] = store.fetch(queries.runs())
    assert run.work_ms == 10_000
    assert timedelta(seconds=4990) <= timedelta(milliseconds=run.wait_ms) < timedelta(seconds=5020)
