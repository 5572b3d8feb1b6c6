"""Tables that somebody else made: read as ours are, and left as they are."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from exectrail.conventions import names
from exectrail.storage import backfill_command, commands
from exectrail.storage.client import Client, StorageError
from exectrail.storage.foreign import Origin
from exectrail.storage.runner import Runner, load_migrations
from exectrail.storage.statements import split_statements

from .conftest import Program

Open = Callable[[str], Client]
Command = Callable[..., tuple[int, str, str]]
VARIANTS = ("exporter_oldest", "exporter_0_120", "exporter_0_161", "clickstack")
FOLDER = Path(__file__).parent / "foreign"
QUERIES = Path(__file__).parents[3] / "src/exectrail/queries"


@pytest.fixture
def databases(engine: Client, open_database: Open) -> Iterator[Callable[[str], Client]]:
    """Opens databases of which nothing is there yet; they are dropped after the test."""
    opened: list[Client] = []

    def make(name: str) -> Client:
        opened.append(open_database(f"{name}_{uuid4().hex[:8]}"))
        return opened[-1]

    yield make
    # The last first: what hangs on a table of theirs goes before it.
    for client in reversed(opened):
        client.command(f"DROP DATABASE IF EXISTS {client.database} SYNC", use_database=False)
        client.close()


@pytest.fixture
def ours(databases: Open) -> Client:
    return databases("ours")


@pytest.fixture
def make_theirs(databases: Open) -> Callable[..., Client]:
    """A database with tables as somebody else makes them."""

    def make(variant: str = "exporter_0_161", *more: str) -> Client:
        client = databases("theirs")
        client.command(f"CREATE DATABASE {client.database} ENGINE = Atomic", use_database=False)
        for statement in [*split_statements((FOLDER / f"{variant}.sql").read_text()), *more]:
            client.command(statement)
        return client

    return make


def adopt(ours: Client, theirs: Client, **renamed: str) -> None:
    Runner(ours, adopt=Origin.named(theirs.database, renamed)).apply()


def insert(theirs: Client, table: str, rows: list[dict[str, Any]]) -> None:
    """As an exporter does: it knows the columns of its own tables."""
    known = {
        row["name"]
        for row in theirs.query(
            "SELECT name FROM system.columns WHERE database = {d:String} AND table = {t:String}",
            {"d": theirs.database, "t": table},
        )
    }
    theirs.insert(table, [{k: v for k, v in row.items() if k in known} for row in rows])


def made_of(client: Client) -> list[dict[str, Any]]:
    return client.query(
        "SELECT name, create_table_query FROM system.tables WHERE database = {d:String}"
        " ORDER BY name",
        {"d": client.database},
        use_database=False,
    )


def a_program(base: datetime, **settings: Any) -> Program:
    """One run with a step, a model call and an end, and one that goes on."""
    program = Program(base, **settings)
    done = program.start("workflow", "review", -60, agent="critic")
    step = done.child("step", "read", -50)
    step.use(-45, cost="0.5")
    step.move("completed", -40)
    done.move("completed", -30)
    program.start("workflow", "watch", -20)
    program.beat(-1)
    return program


def spans_of(program: Program, base: datetime) -> list[dict[str, Any]]:
    """A span of each execution, one of a call, and one of somebody else."""
    ids = dict.fromkeys(r["LogAttributes"].get(names.EXECUTION_ID) for r in program.records)
    attributes = [{names.EXECUTION_ID: one} for one in ids if one]
    attributes += [{names.GEN_AI_OPERATION_NAME: "chat"}, {"http.route": "/"}]
    return [
        {
            "Timestamp": base - timedelta(seconds=40 - number),
            "TraceId": "a" * 32,
            "SpanId": f"{number:016x}",
            "ParentSpanId": "",
            "SpanName": "work",
            "SpanKind": "Internal",
            "ServiceName": "svc",
            "ResourceAttributes": {names.SERVICE_NAME: "svc"},
            "SpanAttributes": given,
            "Duration": 5_000_000,
            "StatusCode": "Ok",
            "StatusMessage": "fine",
        }
        for number, given in enumerate(attributes)
    ]


def a_canary(base: datetime) -> list[dict[str, Any]]:
    return [
        {
            "MetricName": "otelcol_exporter_queue_size",
            "Attributes": {"data_type": "logs", "exporter": "clickhouse"},
            "TimeUnix": base,
            "Value": 0.0,
        }
    ]


TOLD = {
    "executions": "execution_id, name, state, outcome, calls, cost, worker_id",
    "execution_tree": "execution_id, parent_id, kind, name, state, cost, input_tokens",
    "usage": "execution_id, sequence, ts, cost, uncached_tokens, output_tokens",
    "transitions": "execution_id, sequence, ts, state, previous_state, valid",
    "spans": "span_id, ts, duration_ms, span_name, span_kind, status, status_message, execution_id",
}


def answers(client: Client) -> dict[str, list[dict[str, Any]]]:
    """What our tables and views say, but for times of arrival."""
    found: dict[str, list[dict[str, Any]]] = {}
    for name, columns in TOLD.items():
        final = "FINAL" if name in ("usage", "transitions", "spans") else ""
        found[name] = client.query(f"SELECT {columns} FROM {name} {final} ORDER BY ALL")
    return found


@pytest.fixture
def as_ours(databases: Open) -> Callable[..., Client]:
    """The same rows in tables of our own."""

    def make(logs: list[dict[str, Any]], spans: list[dict[str, Any]]) -> Client:
        client = databases("own")
        Runner(client).apply()
        client.insert("otel_logs", logs)
        client.insert("otel_traces", spans)
        return client

    return make


def without_arrival(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: v for k, v in record.items() if k != "Received"} for record in records]


@pytest.mark.parametrize("variant", VARIANTS)
def test_tables_of_any_version_are_read_as_ours_are_and_stay_as_they_are(
    variant: str,
    ours: Client,
    make_theirs: Callable[..., Client],
    as_ours: Callable[..., Client],
    base: datetime,
) -> None:
    theirs = make_theirs(variant)
    before = made_of(theirs)
    adopt(ours, theirs)
    program = a_program(base)
    logs, spans = without_arrival(program.records), spans_of(program, base)

    insert(theirs, "otel_logs", logs)
    insert(theirs, "otel_traces", spans)
    insert(theirs, "otel_metrics_gauge", a_canary(base))

    expected = answers(as_ours(logs, spans))
    assert expected["executions"]
    assert len(expected["spans"]) == len(spans) - 1
    assert answers(ours) == expected
    assert ours.query("SELECT count() AS n FROM canary") == [{"n": 1}]
    assert made_of(theirs) == before
    own = {row["name"] for row in made_of(ours)}
    migrations = {m.name for m in load_migrations()}
    assert own == migrations | {"exectrail_migrations", "exectrail_adopted"}


def test_what_asks_for_metrics_that_are_not_read_finds_none(
    ours: Client, make_theirs: Callable[..., Client]
) -> None:
    adopt(ours, make_theirs())
    times = {"from": "now64(3) - 3600", "to": "now64(3)"}
    for name in ("panel_fleet_pipeline", "panel_health_dropped", "panel_health_collector"):
        text = (QUERIES / f"{name}.sql").read_text()
        text = text.replace("{project:Array(String)}", "emptyArrayString()")
        for parameter, moment in times.items():
            text = text.replace(f"{{{parameter}:DateTime64(3, 'UTC')}}", f"({moment})")
        rows = ours.query(text)
        assert [row.get("dropped") for row in rows] == ([0] if "fleet" in name else [])


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_raw_tables_stand_under_our_names_too(
    variant: str, ours: Client, make_theirs: Callable[..., Client], base: datetime
) -> None:
    theirs = make_theirs(variant)
    adopt(ours, theirs)
    line = {"Timestamp": base, "Body": "said", "LogAttributes": {}, "ResourceAttributes": {}}
    insert(theirs, "otel_logs", [line])

    rows = ours.query("SELECT Body, EventName, Received = Timestamp AS own_time FROM otel_logs")

    assert rows == [{"Body": "said", "EventName": "", "own_time": True}] or rows == [
        {"Body": "said", "EventName": "", "own_time": 1}
    ]
    assert ours.query("SELECT count() AS n FROM otel_traces") == [{"n": 0}]


def test_the_store_says_when_a_block_arrived(
    ours: Client, make_theirs: Callable[..., Client], base: datetime
) -> None:
    theirs = make_theirs()
    adopt(ours, theirs)
    program = Program(base, skew=-600)
    program.start("workflow", "late", 0)

    before = datetime.now(UTC)
    insert(theirs, "otel_logs", without_arrival(program.records))
    after = datetime.now(UTC)

    (row,) = ours.query("SELECT received FROM transitions")
    assert before - timedelta(seconds=1) <= row["received"] <= after + timedelta(seconds=1)


@pytest.mark.parametrize("engine", ["Null", "MergeTree ORDER BY tuple()"])
def test_tables_by_other_names_and_engines(
    engine: str, ours: Client, make_theirs: Callable[..., Client], base: datetime
) -> None:
    theirs = make_theirs("exporter_0_161", f"CREATE TABLE my_logs AS otel_logs ENGINE = {engine}")
    adopt(ours, theirs, logs="my_logs")
    program = a_program(base)

    insert(theirs, "my_logs", without_arrival(program.records))

    assert ours.query("SELECT count() AS n FROM executions") == [{"n": 2}]
    assert ours.query("SELECT count() AS n FROM otel_logs") == [
        {"n": 0 if engine == "Null" else len(program.records)}
    ]


def test_a_later_apply_goes_on_with_what_was_adopted(
    ours: Client, make_theirs: Callable[..., Client], base: datetime
) -> None:
    theirs = make_theirs()
    shipped = load_migrations()
    origin = Origin.named(theirs.database)
    Runner(ours, adopt=origin, migrations=shipped[:9]).apply()

    assert Runner(ours).apply() == shipped[9:]
    assert Runner(ours, adopt=origin).apply() == []

    insert(theirs, "otel_logs", without_arrival(a_program(base).records))
    assert ours.query("SELECT count() AS n FROM executions") == [{"n": 2}]


def test_without_ours_theirs_goes_on_alone(
    ours: Client, make_theirs: Callable[..., Client], base: datetime
) -> None:
    theirs = make_theirs()
    before = made_of(theirs)
    adopt(ours, theirs)
    for view in ("events_from_logs", "spans_from_traces", "canary_from_gauges"):
        ours.command(f"DROP VIEW {view} SYNC")
    ours.command(f"DROP DATABASE {ours.database} SYNC", use_database=False)

    insert(theirs, "otel_logs", without_arrival(a_program(base).records))

    assert made_of(theirs) == before
    assert theirs.query("SELECT count() > 0 AS yes FROM otel_logs")[0]["yes"]


# What is refused.


def refused(ours: Client, theirs: Client, **renamed: str) -> str:
    with pytest.raises(StorageError) as caught:
        adopt(ours, theirs, **renamed)
    assert made_of(ours) == [], "nothing is made where something is refused"
    return str(caught.value)


def test_attributes_as_json_are_refused_with_what_to_do(
    ours: Client, make_theirs: Callable[..., Client]
) -> None:
    told = refused(ours, make_theirs("exporter_0_161_json"))

    assert "otel_traces keeps ResourceAttributes as JSON" in told
    assert "otel_logs keeps ResourceAttributes as JSON" in told
    assert told.count("collector/existing.yaml") == 2


def test_a_view_is_refused(ours: Client, make_theirs: Callable[..., Client]) -> None:
    theirs = make_theirs("exporter_0_161", "CREATE VIEW seen AS SELECT * FROM otel_logs")

    assert "seen is a View" in refused(ours, theirs, logs="seen")


def test_what_is_missing_is_said_by_name(ours: Client, make_theirs: Callable[..., Client]) -> None:
    theirs = make_theirs(
        "exporter_0_161",
        "CREATE TABLE spans_of_all AS otel_traces ENGINE = Null",
        "DROP TABLE otel_traces_trace_id_ts_mv",
        "DROP TABLE otel_traces",
        "ALTER TABLE otel_logs DROP COLUMN LogAttributes",
        "ALTER TABLE otel_metrics_gauge MODIFY COLUMN Value String",
    )

    told = refused(ours, theirs)

    assert f"{theirs.database}.otel_traces is not there" in told
    assert f"{theirs.database}.spans_of_all" in told
    assert "--tables traces=NAME" in told
    assert "otel_logs has no column LogAttributes" in told
    assert "otel_metrics_gauge has Value of type String, which is no number" in told


def test_ours_and_theirs_in_one_database_are_refused(
    make_theirs: Callable[..., Client],
) -> None:
    theirs = make_theirs()
    before = made_of(theirs)

    with pytest.raises(StorageError, match="Name another with --database"):
        adopt(theirs, theirs)
    with pytest.raises(StorageError, match=f"--adopt --otel-database {theirs.database}"):
        Runner(theirs).apply()

    assert made_of(theirs) == before


def test_a_database_with_tables_of_its_own_adopts_none(
    ours: Client, make_theirs: Callable[..., Client]
) -> None:
    Runner(ours).apply()

    with pytest.raises(StorageError, match="has raw tables of its own"):
        adopt(ours, make_theirs())


def test_what_was_adopted_is_not_changed_over(
    ours: Client, make_theirs: Callable[..., Client]
) -> None:
    theirs = make_theirs()
    adopt(ours, theirs)

    with pytest.raises(StorageError, match=rf"adopted others already: {theirs.database}\.otel"):
        adopt(ours, make_theirs())


# What came before.


@pytest.fixture
def command(
    ours: Client, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """`exectrail migrate ...` in our database: exit code, output, errors."""

    @contextmanager
    def connected(url: str | None, *, database: str) -> Iterator[Client]:
        yield ours

    for module in (commands, backfill_command):
        monkeypatch.setattr(module, "connect", connected)

    def run(*words: str) -> tuple[int, str, str]:
        parser = argparse.ArgumentParser()
        commands.register(parser.add_subparsers())
        args = parser.parse_args(["migrate", *words, "--database", ours.database])
        code = args.run(args)
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


@pytest.mark.parametrize("variant", VARIANTS)
def test_what_came_before_is_fed_once_however_often(
    variant: str,
    ours: Client,
    make_theirs: Callable[..., Client],
    as_ours: Callable[..., Client],
    command: Command,
    base: datetime,
) -> None:
    theirs = make_theirs(variant)
    program = a_program(base - timedelta(days=3))
    records, spans = without_arrival(program.records), spans_of(program, base - timedelta(days=2))
    insert(theirs, "otel_logs", records)
    insert(theirs, "otel_traces", spans)
    adopt(ours, theirs)
    assert ours.query("SELECT count() AS n FROM executions") == [{"n": 0}]

    code, told, _ = command("backfill")
    assert code == 0
    assert f"{theirs.database}.otel_logs" in told
    assert f"{len(records) + len(spans):,} rows" in told
    assert ours.query("SELECT count() AS n FROM executions") == [{"n": 0}]

    for _ in range(2):
        code, told, errors = command("backfill", "--yes")
        assert (code, errors) == (0, "")
        at_their_time = [row | {"Received": row["Timestamp"]} for row in records]
        expected = as_ours(at_their_time, [s | {"Received": s["Timestamp"]} for s in spans])
        assert answers(ours) == answers(expected)
    assert ours.query("SELECT max(received) AS at FROM transitions FINAL")[0]["at"] < base


def test_a_backfill_is_for_programs_too_and_takes_a_part(
    ours: Client, make_theirs: Callable[..., Client], command: Command, base: datetime
) -> None:
    theirs = make_theirs()
    for days in (3, 40):
        program = a_program(base - timedelta(days=days))
        insert(theirs, "otel_logs", without_arrival(program.records))
    adopt(ours, theirs)

    code, told, _ = command("backfill", "--since", "30d", "--yes", "--json")

    assert code == 0
    document = json.loads(told)
    assert document["done"] is True
    assert [step["rows"] for step in document["steps"]] == [len(program.records)]
    assert document["rows"]["usage"] == {"before": 0, "after": 1}
    assert ours.query("SELECT count() AS n FROM executions") == [{"n": 2}]


def test_a_worker_whose_clock_is_behind_is_not_silent_after_a_backfill(
    ours: Client,
    make_theirs: Callable[..., Client],
    command: Command,
    base: datetime,
) -> None:
    """What came before has no time of arrival, and its own clock would say ten minutes ago."""
    theirs = make_theirs()
    program = Program(base, skew=-600)
    program.start("workflow", "watch", -20)
    early = without_arrival(program.records)
    insert(theirs, "otel_logs", early)
    adopt(ours, theirs)
    program.beat(0)
    insert(theirs, "otel_logs", without_arrival(program.records[len(early) :]))
    worker = "SELECT min(delay_us) AS delay, max(beat) AS beat FROM workers"
    before = ours.query(worker)

    command("backfill", "--yes")

    assert ours.query("SELECT count() AS n FROM executions") == [{"n": 1}]
    assert ours.query(worker) == before
    assert before[0]["delay"] > 590e6


def test_a_backfill_needs_something_adopted(ours: Client, command: Command) -> None:
    Runner(ours).apply()

    code, _, errors = command("backfill")

    assert code == 2
    assert "has adopted nothing" in errors


# On the command line.


def test_status_says_before_anything_is_made_what_can_be_read(
    ours: Client, make_theirs: Callable[..., Client], command: Command
) -> None:
    theirs = make_theirs("exporter_0_161", "CREATE TABLE kept_not AS otel_logs ENGINE = Null")
    where = ("--adopt", "--otel-database", theirs.database)

    code, told, _ = command("status", *where, "--tables", "logs=kept_not")
    assert code == 1
    lines = told.splitlines()
    assert lines[0] == f"reads    otel_traces         {theirs.database}.otel_traces (MergeTree)"
    assert lines[1] == f"reads    otel_logs           {theirs.database}.kept_not (Null)"
    assert "keeps nothing (Null)" in lines[2]

    code, told, _ = command("status", *where, "--tables", "logs=nowhere", "--json")
    assert code == 1
    (problem,) = json.loads(told)["adopted"][1]["problems"]
    assert "nowhere is not there" in problem
    assert made_of(ours) == []


def test_the_plan_of_an_adoption_is_what_apply_does(
    ours: Client, databases: Open, make_theirs: Callable[..., Client], command: Command
) -> None:
    theirs = make_theirs()
    where = ("--adopt", "--otel-database", theirs.database)
    code, told, _ = command("plan", *where, "--json")
    assert code == 0
    by_hand = databases("by_hand")
    for number, statement in enumerate(json.loads(told)):
        by_hand.command(statement.replace(ours.database, by_hand.database), use_database=number > 0)

    code, told, _ = command("apply", *where)

    assert code == 0
    assert told.splitlines()[-1].startswith("What they held before is not in yet")
    made = [(r["name"], r["create_table_query"]) for r in made_of(ours)]
    assert made == [
        (r["name"], r["create_table_query"].replace(by_hand.database, ours.database))
        for r in made_of(by_hand)
    ]
    code, told, _ = command("status")
    assert code == 0
    assert told.splitlines()[2].startswith("reads    otel_metrics_gauge")


def test_options_that_do_not_fit_are_explained(
    ours: Client, make_theirs: Callable[..., Client], command: Command
) -> None:
    theirs = make_theirs()
    for words, explained in (
        (("--otel-database", theirs.database), "say what to --adopt"),
        (("--adopt", "--tables", "metrics=x"), "'metrics' is none of the tables"),
        (("--adopt", "--tables", "logs=a'b"), "is not a name"),
        (("--adopt", "--cluster", "main"), "do not meet"),
    ):
        code, _, errors = command("apply", *words)
        assert code == 2
        assert explained in errors
    assert made_of(ours) == []
