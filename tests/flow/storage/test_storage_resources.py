"""What a run used: the latest report of each of its segments, and all of them together."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from exectrail import queries
from exectrail.conventions import names
from exectrail.rollup import Fold
from exectrail.storage.client import Client

KEY = "shop|flow|thread-1|"
PAUSE = {names.EXECUTION_RESUME_KEY: KEY, names.EXECUTION_REASON: "human_input"}


def used(cpu: float, peak: int, scope: str = "exclusive", **more: Any) -> dict[str, str]:
    told = {
        names.RESOURCE_CPU_TIME: cpu,
        names.RESOURCE_MEMORY_PEAK: peak,
        names.RESOURCE_SCOPE: scope,
        **more,
    }
    return {name: str(value) for name, value in told.items()}


def test_the_latest_report_counts_however_they_come(
    store: Client, program: Callable[..., Any], scatter: Callable[..., None]
) -> None:
    one = program()
    run = one.start("workflow", "flow", -100)
    for turn in range(1, 6):
        share = {names.RESOURCE_SHARE: turn / 10}
        told = used(turn, 1000 * turn, "shared", **share)
        run.tell(names.EVENT_EXECUTION_RESOURCE_USAGE, -100 + turn, told)
    agent = run.child("agent", "writer", -50)
    agent.tell(names.EVENT_EXECUTION_RESOURCE_USAGE, -40, used(0.5, 10))
    scatter(one.records, random.Random(7))

    rows = {row.name: row for row in store.fetch(queries.run_resources(run.id))}
    assert set(rows) == {"flow", "writer"}
    flow = rows["flow"]
    assert (flow.cpu_seconds, flow.memory_peak_bytes) == (5.0, 5000)
    assert (flow.resource_scope, flow.resource_share) == ("shared", 0.5)
    assert (flow.disk_read_bytes, flow.disk_write_bytes) == (None, None)
    assert rows["writer"].resource_share is None


def test_a_run_that_went_on_in_another_process_used_what_both_did(
    store: Client, program: Callable[..., Any], send: Callable[..., None]
) -> None:
    one, two = program(host="a", pid=1), program(host="b", pid=2)
    first = one.start("workflow", "flow", -100, **{names.EXECUTION_RESUME_KEY: KEY})
    disk = {names.RESOURCE_DISK_WRITE: 70, names.RESOURCE_SHARE: 0.25}
    first.tell(names.EVENT_EXECUTION_RESOURCE_USAGE, -90, used(1, 10, "shared"))
    first.tell(names.EVENT_EXECUTION_RESOURCE_USAGE, -81, used(2, 900, "shared", **disk))
    first.move("paused", -80, **PAUSE)
    second = two.start("workflow", "flow", -30, resumes=KEY)
    alone = {names.RESOURCE_SHARE: 1}
    second.tell(names.EVENT_EXECUTION_RESOURCE_USAGE, -20, used(4, 300, **alone))
    second.move("completed", -19)
    send(one, two)

    [row] = store.fetch(queries.run_resources(first.id))
    assert row.execution_id == first.id
    assert (row.cpu_seconds, row.memory_peak_bytes) == (6.0, 900)
    assert (row.disk_read_bytes, row.disk_write_bytes) == (None, 70)
    assert (row.resource_scope, row.resource_share) == ("shared", 1.0)


def test_figures_that_cannot_be_are_not_told(
    store: Client, program: Callable[..., Any], send: Callable[..., None]
) -> None:
    one = program()
    run = one.start("workflow", "flow", -100)
    told = {names.RESOURCE_CPU_TIME: "many", names.RESOURCE_MEMORY_PEAK: "-1"}
    for at, share in enumerate(("7", "-0.1", "nan", "inf", "half")):
        wrong = told | {names.RESOURCE_SHARE: share, names.RESOURCE_SCOPE: "shared"}
        run.tell(names.EVENT_EXECUTION_RESOURCE_USAGE, -90 + at, wrong)
        one_more = program()
        other = one_more.start("workflow", "other", -50)
        other.tell(names.EVENT_EXECUTION_RESOURCE_USAGE, -40, wrong)
        send(one_more)
        [row] = store.fetch(queries.run_resources(other.id))
        assert (row.cpu_seconds, row.memory_peak_bytes, row.resource_share) == (None, None, None)
    send(one)

    assert store.fetch(queries.run_resources(run.id))[0].resource_share is None


SUPERVISED = 2**31


def seen(
    one: Any, at: float, sequence: int, event: str, cpu: float, peak: int, **more: Any
) -> None:
    """A supervisor says of a process what it has used in its life."""
    told = {
        names.WORKER_SEQUENCE: SUPERVISED + sequence,
        names.RESOURCE_CPU_TIME: cpu,
        names.RESOURCE_MEMORY_PEAK: peak,
        **more,
    }
    one.record(event, at, {name: str(value) for name, value in told.items()})


def test_of_a_killed_run_what_its_process_had_used_is_known(
    store: Client, program: Callable[..., Any], scatter: Callable[..., None]
) -> None:
    one = program()
    run = one.start("workflow", "flow", -100)
    agent = run.child("agent", "writer", -50)
    other = one.start("workflow", "other run", -90)
    ended = one.start("workflow", "ended", -90).move("completed", -80)
    run.tell(names.EVENT_EXECUTION_RESOURCE_USAGE, -40, used(0.5, 10, "shared"))
    seen(one, -60, 0, names.EVENT_WORKER_HEARTBEAT, 2, 900)
    seen(one, -30, 1, names.EVENT_WORKER_HEARTBEAT, 3, 1000, **{names.RESOURCE_DISK_READ: 7})
    disk = {names.RESOURCE_DISK_READ: 9, names.WORKER_SIGNAL: "SIGKILL"}
    seen(one, -20, 2, names.EVENT_WORKER_EXITED, 4, 1000, **disk)
    scatter(one.records, random.Random(7))

    killed, told = store.fetch(queries.run_resources(run.id))
    assert (killed.execution_id, killed.name, killed.resource_scope) == (run.id, "flow", "process")
    assert (killed.cpu_seconds, killed.memory_peak_bytes) == (4.0, 1000)
    assert (killed.disk_read_bytes, killed.disk_write_bytes) == (9, None)
    assert killed.resource_share is None
    assert (told.execution_id, told.cpu_seconds, told.resource_scope) == (run.id, 0.5, "shared")
    [row] = store.fetch(queries.run_resources(other.id))
    assert (row.cpu_seconds, row.resource_scope) == (4.0, "process")
    assert store.fetch(queries.run_resources(ended.id)) == []
    assert agent.parent_id == run.id


def test_what_an_execution_told_later_than_its_process_was_looked_at_is_the_last_word(
    store: Client, program: Callable[..., Any], send: Callable[..., None]
) -> None:
    one = program()
    run = one.start("workflow", "flow", -100)
    seen(one, -60, 0, names.EVENT_WORKER_HEARTBEAT, 2, 900)
    run.tell(names.EVENT_EXECUTION_RESOURCE_USAGE, -40, used(0.5, 10))
    waits = one.start("workflow", "waits", -90).move("paused", -80, **PAUSE)
    send(one)

    [row] = store.fetch(queries.run_resources(run.id))
    assert (row.cpu_seconds, row.resource_scope) == (0.5, "exclusive")
    assert store.fetch(queries.run_resources(waits.id)) == []


def test_figures_of_a_process_that_cannot_be_are_not_told(
    store: Client, program: Callable[..., Any], send: Callable[..., None]
) -> None:
    one = program()
    run = one.start("workflow", "flow", -100)
    seen(one, -60, 0, names.EVENT_WORKER_HEARTBEAT, float("nan"), 2**64 - 1)
    send(one)

    [row] = store.fetch(queries.run_resources(run.id))
    assert (row.cpu_seconds, row.memory_peak_bytes, row.disk_read_bytes) == (None, None, None)


def test_a_run_that_went_on_elsewhere_is_shown_with_the_process_it_was_killed_in(
    store: Client, program: Callable[..., Any], send: Callable[..., None]
) -> None:
    one, two = program(host="a", pid=1), program(host="b", pid=2)
    first = one.start("workflow", "flow", -100, **{names.EXECUTION_RESUME_KEY: KEY})
    first.tell(names.EVENT_EXECUTION_RESOURCE_USAGE, -81, used(2, 900))
    first.move("paused", -80, **PAUSE)
    seen(one, -70, 0, names.EVENT_WORKER_EXITED, 9, 9000)
    two.start("workflow", "flow", -30, resumes=KEY)
    seen(two, -20, 0, names.EVENT_WORKER_EXITED, 5, 500)
    send(one, two)

    rows = store.fetch(queries.run_resources(first.id))
    assert [(row.execution_id, row.cpu_seconds, row.resource_scope) for row in rows] == [
        (first.id, 5.0, "process"),
        (first.id, 2.0, "exclusive"),
    ]


def _folded(store: Client) -> tuple[dict[str, Any], dict[str, Any]]:
    """What was folded: by run, and by agent."""
    for _ in Fold(store).run():
        pass
    taken = "cpu_seconds, memory_peak_bytes, resource_scope"
    runs = store.query(f"SELECT execution_id, {taken} FROM runs FINAL")
    agents = store.query(f"SELECT agent, {taken} FROM runs_by_agent FINAL WHERE agent != ''")
    return (
        {row["execution_id"]: tuple(row.values())[1:] for row in runs},
        {row["agent"]: tuple(row.values())[1:] for row in agents},
    )


def test_what_is_folded_of_a_run_is_what_its_own_execution_told_last(
    store: Client, program: Callable[..., Any], scatter: Callable[..., None]
) -> None:
    one, two, other = program(host="a", pid=1), program(host="b", pid=2), program(host="c", pid=3)
    run = one.start("workflow", "flow", -100, **{names.EXECUTION_RESUME_KEY: KEY})
    agent = run.child("agent", "writer", -95, agent="writer")
    agent.child("tool", "search", -94).tell(
        names.EVENT_EXECUTION_RESOURCE_USAGE, -93, used(50, 5_000)
    )
    agent.tell(names.EVENT_EXECUTION_RESOURCE_USAGE, -90, used(1, 500))
    agent.tell(names.EVENT_EXECUTION_RESOURCE_USAGE, -85, used(1.5, 600)).move("completed", -84)
    run.tell(names.EVENT_EXECUTION_RESOURCE_USAGE, -82, used(1, 400))
    run.tell(names.EVENT_EXECUTION_RESOURCE_USAGE, -81, used(2, 900)).move("paused", -80, **PAUSE)
    again = two.start("workflow", "flow", -30, resumes=KEY)
    more = again.child("agent", "writer", -29, agent="writer")
    more.tell(names.EVENT_EXECUTION_RESOURCE_USAGE, -25, used(3, 300, "shared"))
    more.move("completed", -24)
    again.child("agent", "mute", -23, agent="mute").move("completed", -22)
    again.tell(names.EVENT_EXECUTION_RESOURCE_USAGE, -20, used(4, 300, "shared"))
    again.move("completed", -19)
    mute = other.start("workflow", "mute", -50).move("completed", -40)
    half = other.start("workflow", "half", -50)
    half.tell(names.EVENT_EXECUTION_RESOURCE_USAGE, -45, {names.RESOURCE_CPU_TIME: "0"})
    half.move("completed", -40)
    scatter([*one.records, *two.records, *other.records], random.Random(7))

    runs, agents = _folded(store)

    assert runs == {
        run.id: (6.0, 900, "shared"),
        mute.id: (None, None, ""),
        half.id: (0.0, None, ""),
    }
    assert agents == {"writer": (4.5, 600, "shared"), "mute": (None, None, "")}
    [row] = [row for row in store.fetch(queries.run_resources(run.id)) if row.name == "flow"]
    assert (row.cpu_seconds, row.memory_peak_bytes, row.resource_scope) == runs[run.id]


def test_hours_and_days_count_those_that_told_and_ended_and_no_others(
    store: Client, program: Callable[..., Any], send: Callable[..., None]
) -> None:
    one = program()
    for number in range(6):
        run = one.start("workflow", "flow", -3600 + number)
        agent = run.child("agent", "writer", -3600 + number, agent="writer")
        if number != 1:
            agent.tell(names.EVENT_EXECUTION_RESOURCE_USAGE, -3000, used(number, 100))
            told = used(10 * number, 1000 * number)
            if number == 2:
                del told[names.RESOURCE_MEMORY_PEAK]
            run.tell(names.EVENT_EXECUTION_RESOURCE_USAGE, -2999, told)
        if number != 5:  # it goes on: what it takes is not known yet
            agent.move("completed", -2990)
            run.move("completed", -2990 + number)
    one.beat(-1)
    send(one)
    _folded(store)

    expected = {
        "runs": {"cpu_runs": 4, "cpu_seconds": 90.0, "memory_runs": 3, "memory_peak_bytes": 7e3},
        "agents": {"cpu_runs": 4, "cpu_seconds": 9.0, "memory_runs": 4, "memory_peak_bytes": 400},
    }
    sums = ", ".join(f"sum(h.{name}) AS {name}" for name in expected["runs"])
    for what, figures in expected.items():
        for unit in ("hourly", "daily"):
            assert store.query(f"SELECT {sums} FROM {what}_{unit} AS h FINAL") == [figures]


def test_what_is_told_later_is_folded_anew(
    store: Client, program: Callable[..., Any], send: Callable[..., None]
) -> None:
    one = program()
    run = one.start("workflow", "flow", -100)
    run.tell(names.EVENT_EXECUTION_RESOURCE_USAGE, -90, used(1, 100)).move("completed", -80)
    send(one)
    assert _folded(store)[0] == {run.id: (1.0, 100, "exclusive")}

    one.records.clear()
    run.tell(names.EVENT_EXECUTION_RESOURCE_USAGE, -79, used(3, 200))
    send(one)
    assert _folded(store)[0] == {run.id: (3.0, 200, "exclusive")}
