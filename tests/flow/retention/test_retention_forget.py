"""`exectrail forget` on the real engine: a run or a project goes, and nothing of others does."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from exectrail.conventions import names
from exectrail.rollup import Fold
from exectrail.storage.client import Client, connect
from exectrail.storage.runner import Runner
from exectrail.storage.tables import Tables, as_text

from .conftest import Call
from .programs import Program, Segment, days_ago, deliver, span, speak, work

pytestmark = pytest.mark.slow


def holding(store: Client, word: str) -> dict[str, int]:
    """Rows by table that have a word in any text of theirs."""
    tables = Tables(store)
    found = {
        table.name: tables.count(
            table.name, f"position({as_text(table.texts)}, {{word:String}}) > 0", {"word": word}
        )
        for table in tables.all()
        if table.texts
    }
    return {name: rows for name, rows in found.items() if rows}


def counts(store: Client) -> dict[str, int]:
    tables = Tables(store)
    return {table.name: tables.count(table.name) for table in tables.all()}


def fold(store: Client) -> None:
    """Write what there is into rows of runs and sums."""
    for _ in Fold(store).run():
        pass


def sums(store: Client) -> dict[str, tuple[int, ...]]:
    """Runs and calls by what is told by the day."""
    rows = store.query(
        "SELECT 'runs' AS what, sum(runs) AS number, sum(calls) AS calls FROM runs_daily FINAL"
        " UNION ALL SELECT 'agents', sum(runs), sum(calls) FROM agents_daily FINAL"
        " UNION ALL SELECT 'usage', 0, sum(calls) FROM usage_daily FINAL"
    )
    return {row["what"]: (int(row["number"]), int(row["calls"])) for row in rows}


def names_of(call: Call, **where: str) -> set[str]:
    return {run["name"] for run in call("runs", "--json", **where).document["runs"]}


@pytest.fixture
def runs(store: Client) -> dict[str, Segment]:
    """A run that was resumed by another process, and others, one of which speaks of it."""
    first, second, other = (Program(days_ago(days)) for days in (2, 1, 0.5))
    run = work(first, "secret", end="paused", key="k-1")
    resumed = second.start("workflow", "secret", 0.0, resumes="k-1")
    resumed.use(1.0, "0.5").log(1.5, "the customer said no").move("completed", 2.0)
    second.start("tool", "lookup", 1.2, parent=resumed).move("failed", 1.4)
    fork = other.start("workflow", "fork", 0.0)
    fork.move("running", 0.5, **{names.EXECUTION_FORKED_FROM: run.id})
    fork.tell(names.EVENT_EXECUTION_PROGRESS, 1.0, {names.EXECUTION_MESSAGE: f"after {run.id}"})
    fork.use(1.2, "0.25").move("completed", 2.0)
    plain = work(other, "plain")
    # It cannot be used, and names the run.
    second.record(names.EVENT_EXECUTION_PROGRESS, 3.0, {names.EXECUTION_ID: run.id})
    deliver(store, first, second, other)
    store.insert("otel_traces", [span(one, 1.0) for one in (run, resumed, fork, plain)])
    # Of another instrumentation, in the run's trace: it has no id of ours.
    store.insert("otel_traces", [span(resumed, 1.1) | {"SpanAttributes": {"http.method": "GET"}}])
    store.insert(
        "otel_metrics_gauge",
        [
            {
                "MetricName": "latency",
                "TimeUnix": run.program.base,
                "Exemplars.FilteredAttributes": [{}],
                "Exemplars.TimeUnix": [run.program.base],
                "Exemplars.Value": [1.0],
                "Exemplars.SpanId": [""],
                "Exemplars.TraceId": [trace],
            }
            for trace in (resumed.trace_id, plain.trace_id)
        ],
    )
    store.insert(
        "verdicts",
        [
            {
                "execution_id": run.id,
                "segment_id": one,
                "verdict": "slow",
                "time": days_ago(1),
                "last_heartbeat": days_ago(1),
            }
            for one in (run.id, resumed.id)
        ],
    )
    speak(store)
    fold(store)
    return {"run": run, "resumed": resumed, "fork": fork, "plain": plain}


def test_a_run_goes_with_all_its_parts_and_nothing_else_does(
    store: Client, call: Call, runs: dict[str, Segment]
):
    run, resumed = runs["run"], runs["resumed"]
    words = (run.id, resumed.id, run.trace_id, resumed.trace_id, "the customer said no")
    before = counts(store)
    plain = call("show", runs["plain"].id, "--logs", "--json").document
    assert holding(store, run.id).keys() >= {"otel_logs", "otel_traces", "rejects", "verdicts"}
    assert sums(store)["runs"] == (3, 6)

    dry = call("forget", "--run", run.id, "--json").document
    assert (dry["done"], dry["kind"], dry["segments"]) == (False, "run", 4)
    assert counts(store) == before
    assert {one["table"] for one in dry["mentions"]} == {
        "executions_state",
        "transitions",
        "progress",
        "runs",
    }

    done = call("forget", "--run", run.id[:30], "--yes", "--json").document
    assert done["left"] == []
    assert done["rows"] == dry["rows"]

    assert {word: holding(store, word) for word in words} == {word: {} for word in words}
    assert names_of(call) == {"fork", "plain"}
    assert call("show", runs["plain"].id, "--logs", "--json").document == plain
    fork = call("show", runs["fork"].id, "--json").document["run"]
    assert (fork["state"], fork["cost"], fork["forked_from"]) == (
        "completed",
        "0.25",
        "",
    )
    after = counts(store)
    assert {name: before[name] - after[name] for name in done["rows"]} == done["rows"]
    assert after["otel_metrics_gauge"] == before["otel_metrics_gauge"] - 1

    assert done["hours_that_keep_its_share"] == 0
    assert sums(store) == {"runs": (2, 3), "agents": (1, 2), "usage": (0, 3)}

    (noted,) = store.query("SELECT * FROM erasures")
    assert noted["subject"] == "run"
    assert noted["subject_hash"] == hashlib.sha256(run.id.encode()).hexdigest().encode()
    assert noted["rows"] == done["rows"]
    assert call("forget", "--run", run.id).code == 1


def test_a_trace_that_another_run_shares_stays_for_it(store: Client, call: Call):
    program = Program(days_ago(1))
    one, other = work(program, "one"), program.start("workflow", "other", 5.0)
    other.trace_id = one.trace_id
    other.move("completed", 6.0)
    deliver(store, program)
    request = span(other, 5.0) | {"SpanAttributes": {"http.method": "GET"}}
    store.insert("otel_traces", [span(one, 1.0), span(other, 5.0), request])

    assert call("forget", "--run", one.id, "--yes").code == 0

    assert Tables(store).count("otel_traces") == 2
    assert holding(store, one.id) == {}
    assert names_of(call) == {"other"}


def test_a_project_goes_and_the_other_stays(store: Client, call: Call):
    blue, red = Program(days_ago(2), project="blue"), Program(days_ago(2), project="red")
    gone, stays = work(blue, "gone"), work(red, "stays")
    deliver(store, blue, red)
    store.insert("otel_traces", [span(gone, 1.0), span(stays, 1.0)])
    store.insert(
        "verdicts",
        [
            {"execution_id": one.id, "segment_id": one.id, "verdict": "slow", "time": days_ago(1)}
            for one in (gone, stays)
        ],
    )
    fold(store)
    before = call("show", stays.id, "--logs", "--json").document

    done = call("forget", "--project", "blue", "--yes", "--json").document

    assert done["left"] == []
    assert done["rows"]["workers"] == 1
    for word in ("blue", gone.id, gone.trace_id, blue.worker_id):
        assert holding(store, word) == {}, word
    assert call("show", stays.id, "--logs", "--json").document == before
    assert names_of(call) == {"stays"}
    assert sums(store)["runs"] == (1, 2)
    nothing = call("forget", "--project", "blue", "--json").document
    assert (nothing["rows"], nothing["segments"]) == ({}, 0)


@pytest.fixture
def elsewhere(call: Call) -> Iterator[str]:
    """A name for a database to attach to; it is gone afterwards."""
    name = f"attached_{uuid4().hex[:8]}"
    yield name
    call("archive", "detach", database=name)


def test_an_archive_forgets_what_the_tables_have_long_lost(
    store: Client, call: Call, elsewhere: str, tmp_path: Path
):
    old, older = Program(days_ago(90)), Program(days_ago(91))
    gone, stays = work(old, "gone"), work(older, "stays")
    deliver(store, old, older)
    speak(store)
    directory = tmp_path / "archive"
    words = ("archive", "all", "--before", "50d", "--to", directory, "--drop", "--yes")
    assert call(*words).code == 0
    assert names_of(call) == set()
    untouched = call("forget", "--run", gone.id)
    assert (untouched.code, "no execution has an id" in untouched.err) == (1, True)

    dry = call("forget", "--run", gone.id, "--archive", directory, "--json").document
    assert (dry["rows"], dry["segments"]) == ({}, 2)
    assert {Path(path).parts[-3] for path in dry["archived_rows"]} >= {"usage", "transitions"}
    done = call("forget", "--run", gone.id, "--archive", directory, "--yes", "--json").document
    assert done["archived_rows"] == dry["archived_rows"]

    everything = b"".join(path.read_bytes() for path in directory.rglob("*") if path.is_file())
    assert gone.id.encode() not in everything
    again = call("forget", "--run", gone.id, "--archive", directory)
    assert (again.code, "no execution has an id" in again.err) == (1, True)
    assert call("archive", "attach", directory, database=elsewhere).code == 0
    assert names_of(call, database=elsewhere) == {"stays"}
    told = call("show", stays.id, "--json", database=elsewhere).document["run"]
    assert (told["state"], told["calls"], told["cost"]) == ("completed", 2, "0.01")
    (noted,) = store.query("SELECT * FROM erasures")
    assert noted["archived_rows"] == done["archived_rows"]


def test_an_archive_of_raw_rows_alone_forgets_too(store: Client, call: Call, tmp_path: Path):
    Tables(store).set_ttl("otel_traces", "", None)
    program = Program(days_ago(90))
    gone, stays = work(program, "gone"), work(program, "stays")
    deliver(store, program)
    store.insert("otel_traces", [span(gone, 1.0), span(stays, 1.0)])
    words = ("archive", "otel_traces", "--before", "50d", "--to", tmp_path)
    assert call(*words).code == 0

    done = call("forget", "--run", gone.id, "--archive", tmp_path, "--yes", "--json").document

    assert (done["left"], list(done["archived_rows"].values())) == ([], [1])
    assert holding(store, gone.id) == {}
    everything = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert (gone.id.encode() in everything, stays.id.encode() in everything) == (False, True)
    nowhere = call("forget", "--run", stays.id, "--archive", tmp_path / "none", "--yes")
    assert (nowhere.code, "holds no finished batch" in nowhere.err) == (1, True)


@pytest.fixture
def theirs(url: str) -> Iterator[Callable[[str], Client]]:
    """Makes a database with raw tables of somebody else, as an exporter makes them."""
    made: list[Client] = []

    def make(like: str) -> Client:
        client = connect(url, database=f"theirs_{uuid4().hex[:8]}")
        made.append(client)
        client.command(f"CREATE DATABASE {client.database}", use_database=False)
        for table in ("otel_traces", "otel_logs", "otel_metrics_gauge"):
            client.command(
                f"CREATE TABLE {table} ENGINE = MergeTree ORDER BY tuple()"
                f" AS SELECT * EXCEPT Received FROM {like}.{table} LIMIT 0"
            )
        return client

    yield make
    for client in made:
        client.command(f"DROP DATABASE {client.database} SYNC", use_database=False)
        client.close()


def test_tables_of_somebody_else_are_told_of_and_left_until_that_is_said(
    store: Client, call: Call, url: str, theirs: Callable[[str], Client]
):
    other = theirs(store.database)
    with connect(url, database=f"beside_{uuid4().hex[:8]}") as beside:
        adopted = ("migrate", "apply", "--adopt", "--otel-database", other.database)
        assert call(*adopted, database=beside.database).code == 0
        program = Program(days_ago(1))
        gone, stays = work(program, "gone"), work(program, "stays")
        rows = [
            {key: value for key, value in one.items() if key != "Received"}
            for one in program.records
        ]
        other.insert("otel_logs", rows)
        where = {"database": beside.database}
        assert names_of(call, **where) == {"gone", "stays"}
        refused = call("retention", "set", "otel_logs=5d", **where)
        assert (refused.code, "exectrail did not make" in refused.err) == (1, True)
        assert call("retention", "set", "--all", "2y", **where).code == 0
        assert f"{other.database}.otel_logs" in call("retention", "show", **where).err

        told = call("forget", "--run", gone.id, "--yes", **where)
        assert (told.code, "left in tables that somebody else made" in told.err) == (0, True)
        assert names_of(call, **where) == {"stays"}
        assert holding(other, gone.id).keys() == {"otel_logs"}

        # A late word of it, and it is there again.
        other.insert("otel_logs", [rows[0]])
        words = ("forget", "--run", gone.id, "--including-adopted", "--yes")
        assert call(*words, **where).code == 0
        assert holding(other, gone.id) == {}
        assert holding(other, stays.id).keys() == {"otel_logs"}
        assert names_of(call, **where) == {"stays"}
        beside.command(f"DROP DATABASE {beside.database} SYNC", use_database=False)


def test_what_is_no_whole_run_is_refused(store: Client, call: Call, runs: dict[str, Segment]):
    part = store.query("SELECT execution_id FROM executions_state WHERE name = 'draft' LIMIT 1")
    before = counts(store)

    for words, reason in (
        (("--run", part[0]["execution_id"]), "a run goes whole"),
        (("--run", "ffffffff"), "no execution has an id that begins with"),
        (("--project", ""), "cannot be empty"),
    ):
        told = call("forget", *words, "--yes")
        assert (told.code, reason in told.err) == (1, True), told
    assert call("forget", "--yes").code == 2
    assert call("forget", "--run", "a", "--project", "b").code == 2
    assert counts(store) == before
    assert Runner(store).apply() == []
