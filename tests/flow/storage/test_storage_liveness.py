"""Who is alive: judged by the store's clock, never while the pipeline is silent, and taken back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from exectrail import queries
from exectrail.conventions import names
from exectrail.judge import RULE_VERSION, Judge
from exectrail.storage.client import Client

Make = Callable[..., Any]
KEY = {names.EXECUTION_RESUME_KEY: "k"}
SKEWS = pytest.mark.parametrize("skew", [-600.0, 0.0, 600.0])


def _states(store: Client) -> dict[str, tuple[str, str]]:
    rows = store.query("SELECT name, effective_state, health FROM segments")
    return {row["name"]: (row["effective_state"], row["health"]) for row in rows}


@SKEWS
def test_a_silent_worker_loses_what_needs_it_and_nothing_else(
    skew: float, store: Client, program: Make, send: Make, canary: Make
) -> None:
    canary()
    dead = program(skew=skew)
    dead.start("workflow", "running", -300)
    dead.start("workflow", "blocked", -300).move("blocked", -290)
    dead.start("workflow", "paused", -300).move("paused", -290)
    dead.start("workflow", "durable", -300).move("paused", -290, **KEY)
    dead.start("workflow", "queued", -300, state="queued")
    dead.start("workflow", "created", -300, state="created")
    dead.start("workflow", "completed", -300).move("completed", -290)
    dead.beat(-100)
    send(dead)
    assert _states(store) == {
        "running": ("abandoned", "dead"),
        "blocked": ("abandoned", "dead"),
        "paused": ("abandoned", "dead"),
        "durable": ("paused", ""),
        "queued": ("queued", ""),
        "created": ("created", ""),
        "completed": ("completed", ""),
    }


@SKEWS
def test_a_worker_that_beats_is_alive_whatever_its_clock_says(
    skew: float, store: Client, program: Make, send: Make, canary: Make
) -> None:
    canary()
    beating, working = program(skew=skew), program(skew=skew)
    beating.start("workflow", "beating", -3000)
    beating.beat(-20)
    working.start("workflow", "working", -3000).use(-20)
    send(beating, working)
    assert _states(store) == {"beating": ("running", "alive"), "working": ("running", "alive")}


@SKEWS
def test_late_and_repeated_delivery_moves_no_verdict(
    skew: float, store: Client, program: Make, send: Make, canary: Make
) -> None:
    canary()
    dead = program(skew=skew)
    dead.start("workflow", "dead", -300)
    dead.beat(-290)
    send(dead)
    for record in dead.records:
        record["Received"] += timedelta(seconds=280)
    send(dead)
    assert _states(store) == {"dead": ("abandoned", "dead")}
    [worker] = store.query("SELECT last_heartbeat, status FROM workers_alive")
    assert abs(worker["last_heartbeat"] - dead.base + timedelta(seconds=290)) < timedelta(seconds=1)


def test_an_exit_is_death_at_once_and_says_how(
    store: Client, program: Make, send: Make, canary: Make
) -> None:
    canary()
    gone = program(host="h1", pid=9)
    root = gone.start("workflow", "gone", -20)
    root.child("step", "one", -19).move("completed", -18)
    root.child("step", "two", -17)
    gone.exit(-10, code=137)
    send(gone)
    [run] = store.fetch(queries.runs(state="abandoned"))
    assert (run.reason, run.outcome, run.last_step) == ("process_exited", "abandoned", "two")
    assert (run.host, run.pid, run.exit_code) == ("h1", 9, 137)
    assert run.ended_at is not None
    assert run.duration_ms == pytest.approx(10_000, abs=500)
    assert {n.name: n.effective_state for n in store.fetch(queries.tree(root.id))} == {
        "gone": "abandoned",
        "one": "completed",
        "two": "abandoned",
    }


def test_a_worker_that_is_heard_after_its_exit_is_alive(
    store: Client, program: Make, send: Make, canary: Make
) -> None:
    canary()
    back = program()
    back.start("workflow", "back", -30)
    back.exit(-20)
    back.beat(-5)
    send(back)
    assert _states(store) == {"back": ("running", "alive")}


def test_nobody_is_judged_while_the_pipeline_is_silent(
    store: Client, program: Make, send: Make, canary: Make
) -> None:
    dead = program()
    dead.start("workflow", "dead", -300)
    dead.exit(-290)
    send(dead)
    unknown = {"dead": ("running", "unknown: pipeline silent")}
    assert _states(store) == unknown
    assert [p.silent for p in store.fetch(queries.pipeline_status())] == [1]
    canary(silent_for=60)
    assert _states(store) == unknown
    canary()
    assert _states(store) == {"dead": ("abandoned", "dead")}
    assert [(p.silent, p.health) for p in store.fetch(queries.pipeline_status())] == [(0, "ok")]


@pytest.mark.parametrize(("streak", "state"), [(30, "running"), (60, "abandoned")])
def test_after_an_outage_every_worker_has_one_lease_to_be_heard_again(
    streak: int, state: str, store: Client, program: Make, send: Make, canary: Make
) -> None:
    canary(seconds=600, silent_for=streak + 120)
    canary(seconds=streak)
    dead = program(lease=45)
    dead.start("workflow", "dead", -800)
    send(dead)
    health = "dead" if state == "abandoned" else "unknown: pipeline was silent"
    assert _states(store) == {"dead": (state, health)}


def test_an_execution_without_a_worker_is_not_judged(
    store: Client, program: Make, send: Make, canary: Make
) -> None:
    canary()
    stray = program()
    stray.start("workflow", "stray", -9000)
    del stray.records[0]["ResourceAttributes"][names.WORKER_ID]
    send(stray)
    assert _states(store) == {"stray": ("running", "unknown: no worker")}


@pytest.mark.parametrize("years", [-50, 150])
def test_one_absurd_time_neither_kills_a_worker_nor_makes_it_immortal(
    years: int, store: Client, program: Make, send: Make, canary: Make
) -> None:
    canary()
    living, dead = program(), program()
    for worker, last in ((living, -10), (dead, -300)):
        worker.start("workflow", "living" if worker is living else "dead", -3000)
        worker.beat(-2000)
        worker.records[-1]["Timestamp"] += timedelta(days=365 * years)
        worker.beat(last)
    send(living, dead)
    assert _states(store) == {"living": ("running", "alive"), "dead": ("abandoned", "dead")}


def test_a_worker_whose_clock_is_years_ahead_is_judged_by_the_stores(
    store: Client, program: Make, send: Make, canary: Make
) -> None:
    canary()
    living, dead = program(skew=3e9), program(skew=3e9)
    living.start("workflow", "living", -100)
    living.beat(-5)
    dead.start("workflow", "dead", -300)
    send(living, dead)
    assert _states(store) == {"living": ("running", "alive"), "dead": ("abandoned", "dead")}


def test_stuck_is_what_is_alive_and_silent_with_no_open_child(
    store: Client, program: Make, send: Make, canary: Make
) -> None:
    canary()
    worker = program()
    waiting = worker.start("workflow", "waits for its step", -9000)
    waiting.child("step", "hangs", -8000)
    worker.start("workflow", "works", -9000).use(-60)
    worker.start("workflow", "sleeps on purpose", -9000).move("paused", -8900, **KEY)
    worker.beat(-5)
    send(worker)
    assert _states(store) == {
        "waits for its step": ("running", "alive"),
        "hangs": ("running", "stuck"),
        "works": ("running", "alive"),
        "sleeps on purpose": ("paused", ""),
    }


def test_a_resumed_run_dies_with_its_second_process_only(
    store: Client, program: Make, send: Make, canary: Make
) -> None:
    canary()
    one, two = program(), program()
    first = one.start("workflow", "flow", -900, **KEY).move("paused", -890, **KEY)
    one.exit(-880, code=0)
    send(one)
    assert _states(store) == {"flow": ("paused", "")}
    two.start("workflow", "flow", -400, resumes="k")
    send(two)
    [run] = store.fetch(queries.runs())
    assert (run.execution_id, run.state, run.effective_state) == (first.id, "running", "abandoned")
    assert (run.outcome, run.reason, run.resumes) == ("abandoned", "lease_expired", 1)


def test_the_judge_says_each_thing_once_and_takes_it_back(
    store: Client, program: Make, send: Make, canary: Make
) -> None:
    canary()
    noon = datetime(2026, 11, 21, 12, tzinfo=UTC)
    judge = Judge(store, clock=lambda: noon)
    worker = program(host="h", pid=5)
    root = worker.start("workflow", "flow", -300)
    root.child("step", "one", -299).move("completed", -298)
    step = root.child("step", "two", -297)
    send(worker)
    assert [len(judge.run_once()), len(judge.run_once())] == [2, 0]

    verdicts = store.query("SELECT * FROM verdicts FINAL ORDER BY segment_id")
    told = [
        (v["execution_id"], v["verdict"], v["reason"], v["state"], v["last_step"]) for v in verdicts
    ]
    assert told == [
        (root.id, "abandoned", "lease_expired", "running", "two"),
        (step.id, "abandoned", "lease_expired", "running", ""),
    ]
    evidence = verdicts[0]
    assert (evidence["host"], evidence["pid"], evidence["rule_version"]) == ("h", 5, RULE_VERSION)
    assert evidence["time"] == noon
    assert abs(evidence["last_heartbeat"] - worker.base + timedelta(seconds=297)) < timedelta(
        seconds=1
    )

    noon += timedelta(minutes=1)
    worker.beat(-1)
    send(worker)
    assert [len(judge.run_once()), len(judge.run_once())] == [2, 0]
    noon += timedelta(minutes=1)
    step.move("completed", -0.5)
    root.move("completed", -0.4)
    send(worker)
    assert len(judge.run_once()) == 0
    history = store.query(
        "SELECT verdict, reason FROM verdicts FINAL WHERE segment_id = {id:String} ORDER BY time",
        {"id": root.id},
    )
    assert history == [
        {"verdict": "abandoned", "reason": "lease_expired"},
        {"verdict": "alive", "reason": "heartbeat"},
    ]


def test_the_judge_is_silent_when_the_pipeline_is(
    store: Client, program: Make, send: Make, canary: Make
) -> None:
    worker = program()
    worker.start("workflow", "flow", -300)
    send(worker)
    judge = Judge(store)
    assert len(judge.run_once()) == 0
    canary()
    assert len(judge.run_once()) == 1
    store.command("TRUNCATE TABLE canary")
    assert len(judge.run_once()) == 0


def test_what_ended_with_its_process_is_never_abandoned_for_a_moment(
    store: Client, base: datetime, program: Make, canary: Make
) -> None:
    """Last words and exit come at once; questions read one table after the other, here slowly."""
    canary()
    over = threading.Event()
    mistakes: list[object] = []
    question = """SELECT name FROM execution_tree WHERE effective_state = 'abandoned'
        SETTINGS merge_tree_storage_snapshot_sleep_ms = 20"""

    def look() -> None:
        while not over.is_set():
            mistakes.extend(store.query(question))

    def tell(process: Any) -> None:
        # The store says when it came.
        store.insert("otel_logs", [drop(record, "Received") for record in process.records])
        process.records.clear()

    looking = threading.Thread(target=look)
    looking.start()
    deadline = time.monotonic() + 8
    while time.monotonic() < deadline:
        now = (datetime.now(UTC) - base).total_seconds()
        process = program()
        run = process.start("workflow", "brief", now)
        tell(process)
        run.move("completed", now)
        process.exit(now, 0)
        tell(process)
    over.set()
    looking.join()
    assert mistakes == []


def drop(record: dict[str, Any], column: str) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name != column}


def test_a_lease_begins_anew_where_the_pipeline_was_started_again(
    store: Client, program: Make, send: Make, canary: Make
) -> None:
    """What was sent while it was down is on its way, however short that was."""
    canary(started=-30.0)
    silent = program()
    silent.start("workflow", "running", -300)
    silent.beat(-100)
    send(silent)
    assert _states(store) == {"running": ("running", "unknown: pipeline was silent")}

    store.command("TRUNCATE TABLE canary")
    canary(started=-60.0)
    assert _states(store) == {"running": ("abandoned", "dead")}


def test_last_words_that_reached_one_table_only_are_waited_for(
    store: Client, program: Make, send: Make, canary: Make
) -> None:
    """One insert reaches its tables one after the other, and the exit may be seen first."""
    canary()
    one = program()
    run = one.start("workflow", "flow", -20)
    one.exit(-10, 0)
    send(one)
    assert _states(store) == {"flow": ("abandoned", "dead")}

    store.command(
        "INSERT INTO workers (created, worker_id, moved)"
        " SELECT created, worker_id, (moved.1 + 5, -toUnixTimestamp64Micro(now64(6)))"
        " FROM (SELECT created, worker_id, tuple(moved).1 AS moved FROM workers FINAL)"
    )
    assert _states(store) == {"flow": ("running", "unknown: pipeline was silent")}

    one.records.clear()
    run.move("completed", -15)
    send(one)
    assert _states(store) == {"flow": ("completed", "")}


@pytest.mark.parametrize("view", ["judged", "segments"])
def test_each_verdict_can_be_asked_for_alone(
    view: str, store: Client, program: Make, send: Make, canary: Make
) -> None:
    """The planner takes filters apart, and must not lose a column over it."""
    canary()
    dead = program()
    dead.start("workflow", "running", -300)
    dead.beat(-100)
    send(dead)
    flags = store.query(
        "SELECT name FROM system.columns WHERE database = currentDatabase()"
        " AND table = {view:String} AND type IN ('UInt8', 'Bool')",
        {"view": view},
    )
    found = {
        row["name"]
        for row in flags
        if store.query(f"SELECT execution_id FROM {view} WHERE {row['name']}")
    }
    assert {"bound", "dead", "abandoned"} <= found
    assert not found & {"cancelled", "live", "stuck", "slow", "orphaned", "final", "overdue"}
