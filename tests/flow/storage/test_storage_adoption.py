"""Tables that somebody else made: read as ours are, and left as they are."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from exectrail.storage.client import Client, StorageError
from exectrail.storage.foreign import Origin
from exectrail.storage.runner import Runner, load_migrations

from .adopted import (
    VARIANTS,
    a_canary,
    a_program,
    adopt,
    answers,
    insert,
    made_of,
    spans_of,
    without_arrival,
)
from .program import Program

QUERIES = Path(__file__).parents[3] / "src/exectrail/queries"


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
