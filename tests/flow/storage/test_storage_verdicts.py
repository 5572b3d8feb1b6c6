"""Each verdict by its rule, with its evidence, in the views and in what the judge writes down."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from exectrail import queries
from exectrail.conventions import names
from exectrail.judge import Judge
from exectrail.storage.client import Client

Make = Callable[..., Any]
KEY = {names.EXECUTION_RESUME_KEY: "k"}
WATCHED = 2**31


def _health(store: Client) -> dict[str, tuple[str, str]]:
    rows = store.query("SELECT name, effective_state, health FROM segments")
    return {row["name"]: (row["effective_state"], row["health"]) for row in rows}


def _said(store: Client) -> list[tuple[str, str, str]]:
    rows = store.query(
        "SELECT s.name AS name, v.verdict AS verdict, v.reason AS reason"
        " FROM (SELECT * FROM verdicts FINAL) AS v"
        " JOIN segments AS s ON s.execution_id = v.segment_id ORDER BY v.time, name"
    )
    return [(row["name"], row["verdict"], row["reason"]) for row in rows]


def _past(program: Make, count: int, *, took: float, quiet: float) -> Any:
    """Runs that ended well, each `took` seconds long with a word each `quiet` seconds."""
    worker = program()
    for number in range(count):
        began = -90_000 + number * 10
        run = worker.start("workflow", "flow", began)
        at = began
        while at + quiet < began + took:
            at += quiet
            run.use(at)
        run.move("completed", began + took)
    worker.exit(-80_000, 0)
    return worker


@pytest.mark.parametrize("signal", ["SIGTERM", "SIGINT"])
@pytest.mark.parametrize("by", ["itself", "supervisor"])
def test_who_is_asked_to_go_is_cancelled_with_what_it_had_open(
    signal: str, by: str, store: Client, program: Make, send: Make, canary: Make
) -> None:
    canary()
    worker = program(host="h", pid=9)
    root = worker.start("workflow", "flow", -60)
    root.child("step", "one", -59).move("completed", -50)
    root.child("step", "two", -49)
    worker.start("workflow", "waits", -60, **KEY).move("paused", -55, **KEY)
    worker.start("workflow", "queued", -60, state="queued")
    worker.exit(-20, None, signal=signal, sequence=WATCHED if by == "supervisor" else 0)
    send(worker)
    [run] = [r for r in store.fetch(queries.runs(state="cancelled")) if r.name == "flow"]
    assert (run.state, run.outcome, run.reason) == ("running", "cancelled", "signal")
    assert (run.signal, run.host, run.pid, run.last_step) == (signal, "h", 9, "two")
    assert run.duration_ms == pytest.approx(40_000, abs=500)
    assert _health(store) == {
        "flow": ("cancelled", "dead"),
        "one": ("completed", ""),
        "two": ("cancelled", "dead"),
        "waits": ("paused", ""),
        "queued": ("queued", ""),
    }
    Judge(store).run_once()
    assert _said(store) == [("flow", "cancelled", "signal"), ("two", "cancelled", "signal")]
    [row] = store.query("SELECT signal, last_step FROM verdicts FINAL WHERE last_step != ''")
    assert row == {"signal": signal, "last_step": "two"}


@pytest.mark.parametrize(
    ("code", "signal", "oom"), [(0, "", False), (3, "", False), (None, "SIGKILL", True)]
)
def test_any_other_end_of_the_process_is_abandoned(
    code: int | None,
    signal: str,
    oom: bool,
    store: Client,
    program: Make,
    send: Make,
    canary: Make,
) -> None:
    canary()
    worker = program()
    worker.start("workflow", "flow", -60)
    worker.exit(-21, 0)  # what it said of itself gives way to what was seen
    worker.exit(-20, code, signal=signal, oom=oom, sequence=WATCHED)
    send(worker)
    [run] = store.fetch(queries.runs())
    assert (run.effective_state, run.reason) == ("abandoned", "process_exited")
    assert (run.exit_code, run.signal, bool(run.oom)) == (code, signal, oom)


def test_a_watcher_that_does_not_know_how_leaves_it_to_the_process_to_say(
    store: Client, program: Make, send: Make, canary: Make
) -> None:
    canary()
    worker = program()
    worker.start("workflow", "flow", -60)
    worker.exit(-21, None, signal="SIGTERM")
    worker.exit(-20, None, sequence=WATCHED)
    send(worker)
    assert _health(store) == {"flow": ("cancelled", "dead")}


def test_orphaned_is_what_works_on_in_another_process_when_nobody_waits_for_it(
    store: Client, program: Make, send: Make, canary: Make
) -> None:
    canary()
    parent, child = program(), program()
    ended = parent.start("workflow", "ended", -60)
    died = parent.start("workflow", "died", -60)
    waits = parent.start("workflow", "waits", -60)
    for above in (ended, died, waits):
        child.start("task", f"of {above.name}", -50, parent=above)
    ended.child("task", "thread of ended", -50)
    ended.move("completed", -40)
    waits.move("paused", -40, **KEY)
    child.beat(-1)
    parent.beat(-2)
    send(parent, child)
    assert _health(store)["of ended"] == ("running", "orphaned")
    assert _health(store)["thread of ended"] == ("running", "alive")
    assert {_health(store)[f"of {name}"] for name in ("died", "waits")} == {("running", "alive")}
    parent.exit(-1, 1)
    send(parent, child)
    assert _health(store)["of died"] == ("running", "orphaned")
    assert _health(store)["of waits"] == ("running", "alive")
    Judge(store).run_once()
    orphans = [said for said in _said(store) if said[1] == "orphaned"]
    assert orphans == [
        ("of died", "orphaned", "parent_died"),
        ("of ended", "orphaned", "parent_ended"),
    ]
    [row] = store.query("SELECT parent_id FROM verdicts FINAL WHERE reason = 'parent_died'")
    assert row["parent_id"] == died.id
    [run] = store.fetch(queries.runs(state="orphaned", limit=1))
    assert "orphaned" in run.flags


def test_without_enough_past_runs_the_ceiling_holds_and_can_be_set(
    store: Client, program: Make, send: Make, canary: Make
) -> None:
    canary()
    worker = program()
    worker.start("workflow", "flow", -1800)
    worker.beat(-1)
    send(_past(program, 19, took=10, quiet=1), worker)
    judge = Judge(store)
    judge.learn()
    [row] = store.query("SELECT health, flags FROM segments WHERE state = 'running'")
    assert (row["health"], row["flags"]) == ("alive", [])
    Judge(store, settings={"stuck_after_s": 1200}).learn()
    [row] = store.query("SELECT health, seconds, allowed_s FROM segments WHERE state = 'running'")
    assert (row["health"], row["allowed_s"]) == ("stuck", 1200)
    assert row["seconds"] == pytest.approx(1800, abs=60)
    judge.run_once()
    assert [(v, r) for _, v, r in _said(store)] == [("stuck", "ceiling")]


def test_with_twenty_past_runs_silence_and_length_are_measured_by_them(
    store: Client, program: Make, send: Make, canary: Make
) -> None:
    canary()
    past = _past(program, 20, took=60, quiet=20)
    worker = program()
    worker.start("workflow", "flow", -30).use(-5)  # as usual
    worker.start("workflow", "flow", -140).use(-110)  # 110 s of silence: more than 5 x 20 s
    worker.start("workflow", "flow", -95).use(-5)  # 95 s at work: more than 1.5 x 60 s
    waiting = worker.start("workflow", "flow", -300)  # its pause is no work and no silence
    waiting.move("paused", -290).move("running", -8)
    worker.start("workflow", "flow", -5000).move("paused", -4990)  # paused is never stuck
    worker.beat(-1)
    send(past, worker)
    judge = Judge(store, clock=lambda: datetime(2026, 11, 21, 12, tzinfo=UTC))
    judge.learn()
    [usual] = store.query("SELECT runs, quiet_p99_s, work_p99_s FROM baselines FINAL")
    assert usual == {"runs": 20, "quiet_p99_s": 20, "work_p99_s": 60}
    rows = store.query(
        "SELECT health, flags, seconds, allowed_s FROM segments WHERE NOT final ORDER BY started_at"
    )
    assert [(row["health"], row["flags"], row["allowed_s"]) for row in rows] == [
        ("alive", [], 0),
        ("alive", [], 0),
        ("stuck", ["stuck", "slow"], 100),
        ("slow", ["slow"], 90),
        ("alive", [], 0),
    ]
    judge.run_once()
    assert sorted((v, r) for _, v, r in _said(store)) == [
        ("slow", "baseline"),
        ("stuck", "baseline"),
    ]


def test_stuck_is_taken_back_when_it_is_heard_again_and_waits_for_nobody_dead(
    store: Client, program: Make, send: Make, canary: Make
) -> None:
    canary(seconds=9000)
    noon = datetime(2026, 11, 21, 12, tzinfo=UTC)
    judge = Judge(store, clock=lambda: noon)
    worker, remote = program(), program()
    flow = worker.start("workflow", "flow", -8000)
    outer = worker.start("workflow", "outer", -8000)
    remote.start("task", "remote", -7900, parent=outer)
    lately = worker.start("workflow", "lately", -8000)
    lately.child("step", "quick", -30).move("completed", -20)
    worker.beat(-1)
    send(worker, remote)
    assert _health(store) == {
        "flow": ("running", "stuck"),
        "outer": ("running", "stuck"),  # what it waits for is dead
        "remote": ("abandoned", "dead"),
        "lately": ("running", "alive"),
        "quick": ("completed", ""),
    }
    judge.run_once()
    noon += timedelta(minutes=1)
    flow.use(-1)
    send(worker)
    judge.run_once()
    assert [said for said in _said(store) if said[0] == "flow"] == [
        ("flow", "stuck", "ceiling"),
        ("flow", "alive", "heartbeat"),
    ]


def test_overdue_is_whatever_is_open_past_its_deadline(
    store: Client, program: Make, send: Make, canary: Make
) -> None:
    worker, other = program(), program()
    past = {names.EXECUTION_DEADLINE: (worker.base - timedelta(seconds=30)).isoformat()}
    ahead = {names.EXECUTION_DEADLINE: (worker.base + timedelta(hours=1)).isoformat()}
    worker.start("workflow", "running", -60, **past)
    worker.start("workflow", "queued", -60, state="queued", **past)
    worker.start("workflow", "created", -60, state="created", **past)
    worker.start("workflow", "in time", -60, state="queued", **ahead)
    worker.start("workflow", "done", -60, **past).move("completed", -20)
    never = {names.EXECUTION_RESUME_KEY: "never"}
    worker.start("workflow", "never resumed", -60, **never, **past).move("paused", -50, **never)
    worker.start("workflow", "resumed", -60, **KEY, **past).move("paused", -50, **KEY)
    other.start("workflow", "resumed", -40, resumes="k")  # states no deadline of its own
    worker.beat(-1)
    other.beat(-1)
    send(worker, other)
    assert {health for _, health in _health(store).values()} == {"", "unknown: pipeline silent"}
    canary()
    runs = {run.name: run for run in store.fetch(queries.runs())}
    overdue = {name for name, run in runs.items() if run.flags == ["overdue"]}
    assert overdue == {"running", "queued", "created", "never resumed", "resumed"}
    assert runs["queued"].flag_s == pytest.approx(30, abs=15)
    assert runs["never resumed"].state_ms == pytest.approx(50_000, abs=15_000)
    Judge(store).run_once()
    assert [said for said in _said(store) if said[0] == "resumed"] == [
        ("resumed", "overdue", "deadline")
    ]
    other.exit(-0.5, 1)
    send(other)
    assert _health(store)["resumed"][1] in ("", "dead")


def test_health_is_unknown_while_the_pipeline_is_silent_and_nothing_is_said_or_taken_back(
    store: Client, program: Make, send: Make, canary: Make
) -> None:
    canary(seconds=9000)
    worker = program()
    worker.start("workflow", "stuck", -8000)
    worker.start("workflow", "dies", -8000, **KEY)
    worker.beat(-1)
    send(worker)
    judge = Judge(store)
    judge.run_once()
    assert [v for _, v, _ in _said(store)] == ["stuck", "stuck"]
    store.command("TRUNCATE TABLE canary")
    worker.exit(-0.5, 1)
    send(worker)
    assert {health for _, health in _health(store).values()} == {"unknown: pipeline silent"}
    assert judge.run_once() == []


def test_a_retry_is_another_execution_under_the_same_root(
    store: Client, program: Make, send: Make, canary: Make
) -> None:
    canary()
    worker = program()
    root = worker.start("workflow", "flow", -60)
    root.child("step", "call", -50).move("failed", -45)
    again = root.child("step", "call", -40, **{names.EXECUTION_ATTEMPT: "2"})
    worker.exit(-20, None, signal="SIGKILL", sequence=WATCHED)
    send(worker)
    nodes = store.fetch(queries.tree(root.id))
    assert [(n.name, n.attempt, n.effective_state, n.root_id) for n in nodes] == [
        ("flow", 1, "abandoned", root.id),
        ("call", 1, "failed", root.id),
        ("call", 2, "abandoned", root.id),
    ]
    assert nodes[2].execution_id == again.id
    assert nodes[2].signal == "SIGKILL"
