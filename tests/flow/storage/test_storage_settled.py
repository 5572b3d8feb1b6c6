"""What has been dead for long is not judged again, and shown as it was, until it is heard again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from exectrail import queries
from exectrail.conventions import names
from exectrail.judge import Judge
from exectrail.rollup import Fold
from exectrail.storage.client import Client

Make = Callable[..., Any]
HOUR = 3600.0
_VIEWS = ("segments", "execution_tree", "executions")
_LEFT_OUT = {"state_ms", "work_ms", "wait_ms", "duration_ms", "told_apart"}
"""What grows while one looks, and what the judge alone asks for."""


def _look(store: Client) -> list[dict[str, Any]]:
    rows = [
        row for view in _VIEWS for row in store.query(f"SELECT * FROM {view} ORDER BY execution_id")
    ]
    return [{name: row[name] for name in row if name not in _LEFT_OUT} for row in rows]


def _states(store: Client) -> dict[str, tuple[str, str, str]]:
    rows = store.query("SELECT name, effective_state, reason, health FROM segments")
    return {row["name"]: (row["effective_state"], row["reason"], row["health"]) for row in rows}


def _settled(store: Client) -> set[str]:
    rows = store.query(
        "SELECT name FROM executions_state FINAL"
        " WHERE execution_id IN (SELECT execution_id FROM open_known FINAL WHERE ended = 2)"
    )
    return {row["name"] for row in rows}


def _open(store: Client) -> int:
    return store.fetch(queries.judge_open())[0].segments


def _judge(store: Client, hours_ago: float) -> None:
    at = datetime.now(UTC) - timedelta(hours=hours_ago)
    Judge(store, lambda: at).run_once()


def _fold(store: Client) -> None:
    assert list(Fold(store).run())[-1].done


@pytest.fixture
def silent(store: Client, program: Make, send: Make, canary: Make) -> Any:
    """A process that let its lease run out three hours ago, with a run and its step, settled.

    The lease is long: once it beats again it is to live until all that is asked was answered.
    """
    canary()
    worker = program(lease=900.0)
    run = worker.start("workflow", "flow", -3 * HOUR)
    worker.step = run.child("step", "step", -3 * HOUR + 1)
    worker.beat(-3 * HOUR + 30)
    send(worker)
    _judge(store, 2.5)
    before = _look(store)
    assert _states(store)["step"] == ("abandoned", "lease_expired", "dead")
    _fold(store)
    assert _settled(store) == {"flow", "step"}
    assert _open(store) == 0
    assert store.query("SELECT * FROM judged") == []
    assert _look(store) == before
    return worker


def test_what_was_just_said_to_be_dead_is_judged_on(
    store: Client, program: Make, send: Make, canary: Make
) -> None:
    canary()
    worker = program()
    worker.start("workflow", "flow", -3 * HOUR)
    worker.exit(-2 * HOUR, 1)
    send(worker)
    _judge(store, 0.5)
    _fold(store)
    assert (_settled(store), _open(store)) == (set(), 1)


def test_what_nothing_was_said_of_yet_is_judged_on(
    store: Client, program: Make, send: Make, canary: Make
) -> None:
    canary()
    worker = program()
    worker.start("workflow", "flow", -3 * HOUR)
    worker.exit(-2 * HOUR, 1)
    send(worker)
    _fold(store)
    assert (_settled(store), _open(store)) == (set(), 1)
    _judge(store, 2)
    _fold(store)
    assert (_settled(store), _open(store)) == ({"flow"}, 0)


def test_the_same_is_said_of_one_run_and_of_recent_ones(store: Client, silent: Any) -> None:
    [run] = store.fetch(queries.runs())
    root = run.execution_id
    assert run.effective_state == "abandoned"
    [asked] = store.query(
        "SELECT effective_state, reason, health FROM executions_of(since = '1970-01-01 00:00:00',"
        " root = {root:String})",
        {"root": root},
    )
    assert tuple(asked.values()) == ("abandoned", "lease_expired", "dead")


def test_nothing_more_is_said_of_it(store: Client, silent: Any) -> None:
    assert Judge(store).run_once() == []


def test_a_process_that_beats_again_is_alive_with_all_it_had(
    store: Client, send: Make, canary: Make, silent: Any
) -> None:
    silent.beat(-1)
    send(silent)
    canary()
    alive = {"flow": ("running", "", "alive"), "step": ("running", "", "stuck")}
    assert _states(store) == alive
    assert {found.verdict for found in Judge(store).run_once()} == {"alive", "stuck"}
    _fold(store)
    assert _settled(store) == set()
    assert _states(store) == alive
    assert _open(store) == 2


def test_what_ends_after_all_has_ended(
    store: Client, send: Make, canary: Make, silent: Any
) -> None:
    silent.step.move("completed", -1)
    send(silent)
    canary()
    assert _states(store)["step"] == ("completed", "", "")
    _fold(store)
    assert _states(store)["step"] == ("completed", "", "")
    said = {(found.segment_id, found.verdict) for found in Judge(store).run_once()}
    assert (silent.step.id, "alive") in said


def test_a_pause_that_was_resumed_elsewhere_is_not_judged_again(
    store: Client, program: Make, send: Make, canary: Make
) -> None:
    canary()
    first, second, third = program(), program(), program()
    first.start("workflow", "paused", -3 * HOUR).move(
        "paused", -3 * HOUR + 5, **{names.EXECUTION_RESUME_KEY: "k"}
    )
    first.start("workflow", "waits", -3 * HOUR).move(
        "paused", -3 * HOUR + 5, **{names.EXECUTION_RESUME_KEY: "other"}
    )
    second.start("workflow", "resumed", -2 * HOUR, resumes="k").move("completed", -2 * HOUR + 9)
    send(first, second)
    before = _look(store)
    _fold(store)
    assert _settled(store) == {"paused"}
    assert _open(store) == 1
    assert _look(store) == before
    third.start("workflow", "again", -1, resumes="k")
    third.beat(-0.5)
    send(third)
    canary()
    [fork] = store.query(
        "SELECT name, forked_from != '' AS forked FROM segments WHERE name = 'again'"
    )
    assert fork == {"name": "again", "forked": 1}
