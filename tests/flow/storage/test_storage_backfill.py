"""What stood in adopted tables before is fed once, and `exectrail migrate` says what it adopts."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest

from exectrail.storage import backfill_command, commands
from exectrail.storage.client import Client
from exectrail.storage.runner import Runner

from .adopted import (
    VARIANTS,
    Open,
    a_program,
    adopt,
    answers,
    insert,
    made_of,
    spans_of,
    without_arrival,
)
from .program import Program

Command = Callable[..., tuple[int, str, str]]


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


def test_a_backfill_of_a_database_that_is_not_there_says_so(ours: Client, command: Command) -> None:
    code, told, errors = command("backfill")

    assert (code, told) == (2, "")
    assert f"has no database '{ours.database}'" in errors
    assert made_of(ours) == []


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
