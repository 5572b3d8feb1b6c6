"""Clocks that are set while a process runs, and words that come late: who is alive stays right."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from exectrail.conventions.names import State
from exectrail.storage.client import Client

Make = Callable[..., Any]
WATCHED = 2**31
ALIVE, DEAD = ("running", "alive"), ("abandoned", "dead")


def _state(store: Client) -> tuple[str, str]:
    [row] = store.query("SELECT effective_state, health FROM segments WHERE name = 'flow'")
    return row["effective_state"], row["health"]


def _worker(store: Client) -> dict[str, Any]:
    [row] = store.query("SELECT * FROM workers_alive")
    return row


def _heard(store: Client, worker: Any) -> float:
    """How many seconds before the moment of the test the worker was last heard."""
    return (worker.base - _worker(store)["last_heartbeat"]).total_seconds()


def _set_clock(worker: Any, at: float, by: float) -> None:
    """The worker's clock jumps: what it wrote after a moment has another time on it."""
    for record in worker.records:
        if record["Received"] >= worker.base + timedelta(seconds=at):
            record["Timestamp"] += timedelta(seconds=by)


def _arrives(worker: Any, at: float, *, since: int = 0) -> None:
    for record in worker.records[since:]:
        record["Received"] = worker.base + timedelta(seconds=at)


def _beats(worker: Any, *, until: float, since: float = -300, sequence: int = 0) -> None:
    at = since
    while at <= until:
        worker.beat(at, sequence=sequence)
        sequence += 1 if sequence else 0
        at += 15


@pytest.mark.parametrize("by", [-1800, -300, -60, -20, 20, 60, 300, 1800])
@pytest.mark.parametrize("ago", [20, 40, 65, 200])
def test_a_clock_that_is_set_kills_nobody_who_beats(
    by: float, ago: float, store: Client, program: Make, send: Make, canary: Make
) -> None:
    canary()
    worker = program()
    worker.start("workflow", "flow", -310)
    _beats(worker, until=-5)
    _set_clock(worker, -ago, by)
    send(worker)
    assert _state(store) == ALIVE
    assert _heard(store, worker) < 45


@pytest.mark.parametrize("by", [-1800, -300, 300, 1800])
def test_who_died_after_its_clock_was_set_is_dead_a_lease_later(
    by: float, store: Client, program: Make, send: Make, canary: Make
) -> None:
    canary()
    worker = program()
    worker.start("workflow", "flow", -310)
    _beats(worker, until=-60)
    _set_clock(worker, -200, by)
    send(worker)
    assert _state(store) == DEAD
    assert _heard(store, worker) == pytest.approx(60, abs=2)


@pytest.mark.parametrize("by", [-1800, 1800])
def test_a_clock_that_is_set_back_loses_no_exit(
    by: float, store: Client, program: Make, send: Make, canary: Make
) -> None:
    canary()
    worker = program()
    worker.start("workflow", "flow", -310)
    _beats(worker, until=-20)
    worker.exit(-10, None, signal="SIGKILL", sequence=WATCHED)
    _set_clock(worker, -15, by)
    send(worker)
    assert _state(store) == DEAD
    found = _worker(store)
    assert (found["status"], found["signal"]) == ("exited", "SIGKILL")


def test_a_clock_that_drifts_by_most_of_a_lease_kills_nobody(
    store: Client, program: Make, send: Make, canary: Make
) -> None:
    canary()
    worker = program()
    flow = worker.start("workflow", "flow", -864_000)
    flow.use(-7)
    _beats(worker, since=-200, until=-5)
    _set_clock(worker, -300, -43)  # 50 ppm in ten days
    send(worker)
    assert _state(store) == ALIVE
    assert _heard(store, worker) == pytest.approx(5, abs=2)


@pytest.mark.parametrize("known", [True, False])
def test_a_spool_that_is_sent_long_after_the_death_wakes_nobody(
    known: bool, store: Client, program: Make, send: Make, canary: Make
) -> None:
    canary(seconds=7200)
    worker = program()
    worker.start("workflow", "flow", -3900)
    _beats(worker, since=-3890, until=-3600)
    late = 5 if known else 0
    # Where nothing came before, the first arrival is all that is known: one lease from there.
    _arrives(worker, -10 if known else -60, since=late)
    send(worker)
    assert _state(store) == DEAD
    if known:
        assert _heard(store, worker) == pytest.approx(3605, abs=2)


def test_a_spool_that_is_sent_in_pieces_wakes_nobody(
    store: Client, program: Make, send: Make, canary: Make
) -> None:
    canary(seconds=7200)
    worker = program()
    worker.start("workflow", "flow", -3900)
    _beats(worker, since=-3890, until=-3600)
    for number, record in enumerate(worker.records[3:]):
        record["Received"] = worker.base + timedelta(seconds=-20 + number)
    send(worker)
    assert _state(store) == DEAD


@pytest.mark.parametrize("pace", [0.0, 15.0])
def test_what_is_delivered_again_wakes_nobody_at_whatever_pace(
    pace: float, store: Client, program: Make, send: Make, canary: Make
) -> None:
    canary()
    worker = program()
    worker.start("workflow", "flow", -3000)
    _beats(worker, since=-2990, until=-2900)
    send(worker)
    for number, record in enumerate(worker.records):
        after = worker.base - timedelta(seconds=5 + pace * (len(worker.records) - number))
        record["Received"] = after
    send(worker)
    assert _state(store) == DEAD
    assert _heard(store, worker) == pytest.approx(2900, abs=2)


def test_an_even_lag_of_the_pipeline_kills_nobody(
    store: Client, program: Make, send: Make, canary: Make
) -> None:
    canary()
    worker = program()
    worker.start("workflow", "flow", -3000)
    _beats(worker, since=-2990, until=-125)
    for record in worker.records[20:]:
        record["Received"] += timedelta(seconds=120)
    send(worker)
    assert _state(store) == ALIVE


@pytest.mark.parametrize("signal", ["SIGKILL", ""])
def test_an_exit_that_arrives_first_holds_against_what_arrives_later(
    signal: str, store: Client, program: Make, send: Make, canary: Make
) -> None:
    canary()
    worker = program()
    worker.start("workflow", "flow", -100).use(-31)
    _beats(worker, since=-90, until=-31)
    early = program(worker_id=worker.worker_id)
    early.exit(-30, None if signal else 3, signal=signal, sequence=WATCHED if signal else 99)
    send(early)
    assert _worker(store)["status"] == "exited"
    _arrives(worker, -1)
    send(worker)
    assert _state(store) == DEAD
    assert _heard(store, worker) == pytest.approx(30, abs=2)


def test_the_process_itself_outlives_its_exit_by_going_on_and_by_nothing_else(
    store: Client, program: Make, send: Make, canary: Make
) -> None:
    canary()
    worker = program()
    flow = worker.start("workflow", "flow", -100)
    worker.exit(-40, 0)
    worker.beat(-35, sequence=WATCHED)
    worker.beat(-20, sequence=WATCHED + 1)
    send(worker)
    assert _state(store) == DEAD
    flow.use(-10)
    send(worker)
    assert _state(store) == ALIVE


@pytest.mark.parametrize("skew", [-600, 600])
def test_a_supervisor_beats_by_a_clock_of_its_own(
    skew: float, store: Client, program: Make, send: Make, canary: Make
) -> None:
    canary()
    worker = program()
    worker.start("workflow", "flow", -310)
    _beats(worker, until=-100)  # then it is busy in C
    watcher = program(worker_id=worker.worker_id, skew=skew)
    _beats(watcher, until=-5, sequence=WATCHED)
    send(worker, watcher)
    assert _state(store) == ALIVE
    assert _heard(store, worker) < 45
    watcher.exit(-1, None, signal="SIGTERM", sequence=WATCHED + 99)
    send(worker, watcher)
    assert _state(store) == (State.CANCELLED, "dead")


def test_a_worker_that_was_stopped_beyond_its_lease_is_alive_again(
    store: Client, program: Make, send: Make, canary: Make
) -> None:
    canary()
    worker = program()
    worker.start("workflow", "flow", -310)
    _beats(worker, until=-90)
    send(worker)
    assert _state(store) == DEAD
    worker.beat(-1)
    send(worker)
    assert _state(store) == ALIVE
