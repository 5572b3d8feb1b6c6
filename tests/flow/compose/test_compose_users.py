"""What each user of the composed database may do and may not, asked of the database's engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from exectrail.storage.runner import load_migrations, plan

from .engine import INSERTS, denied, run_as
from .services import ROOT


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database that the user of the migrations made, with what that user may do."""
    place = tmp_path_factory.mktemp("clickhouse")
    statements = list(plan(load_migrations(), database="exectrail"))

    answers = run_as("exectrail", place, statements)

    assert [a for a in answers if a.startswith("Code: ")] == []
    return place


def test_the_judges_user_reads_and_writes(migrated: Path):
    assert run_as(
        "exectrail",
        migrated,
        [
            "USE exectrail",
            "SELECT count() FROM judged",
            "INSERT INTO judge_settings (name, value) VALUES ('stuck_after_s', 60)",
            "SELECT stuck_after_s FROM judge_rules",
        ],
    ) == ["", "0", "", "60"]


def test_the_database_is_backed_up_and_brought_back(migrated: Path):
    answers = run_as(
        "exectrail",
        migrated,
        [
            "INSERT INTO exectrail.judge_settings (name, value) VALUES ('kept', 1)",
            "BACKUP DATABASE exectrail TO Disk('backups', 'night')",
            "TRUNCATE TABLE exectrail.judge_settings",
            "SELECT count() FROM exectrail.judge_settings",
            "DROP DATABASE exectrail SYNC",
            "RESTORE DATABASE exectrail FROM Disk('backups', 'night')",
            "SELECT value FROM exectrail.judge_settings FINAL WHERE name = 'kept'",
        ],
    )

    assert [answer.split("\t")[-1] for answer in answers] == [
        *("", "BACKUP_CREATED", "", "0", "", "RESTORED", "1"),
    ]
    assert list(migrated.rglob("night"))


def test_the_collectors_user_inserts_and_what_it_inserts_reaches_the_typed_tables(migrated: Path):
    assert set(INSERTS) == {m.name for m in load_migrations() if m.name.startswith("otel_")}

    asked = [f"DESCRIBE TABLE exectrail.{table}" for table in INSERTS]
    sent = [f"INSERT INTO exectrail.{table} {values}" for table, values in INSERTS.items()]
    answers = run_as("collector", migrated, [*asked, *sent])

    assert [a for a in answers if a.startswith("Code: ")] == []
    assert answers[len(asked) :] == [""] * len(sent)
    stored = run_as("exectrail", migrated, ["SELECT count() > 0 FROM exectrail.canary"])
    assert stored == ["1"] or stored == ["true"]


def test_the_collectors_user_can_do_nothing_else(migrated: Path):
    answers = run_as(
        "collector",
        migrated,
        [
            "SELECT count() FROM exectrail.otel_logs",
            "SELECT Body FROM exectrail.otel_logs",
            "SELECT count() FROM exectrail.executions",
            "INSERT INTO exectrail.verdicts (reason) VALUES ('x')",
            "ALTER TABLE exectrail.otel_logs DELETE WHERE 1",
            "TRUNCATE TABLE exectrail.otel_logs",
            "DROP TABLE exectrail.otel_logs",
            "CREATE DATABASE other",
            "CREATE TABLE exectrail.t (a Int8) ENGINE = Memory",
            "SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a String')",
            "SELECT * FROM file('/etc/passwd', 'LineAsString')",
            "CREATE USER somebody",
        ],
    )

    assert [a for a in answers if not denied(a)] == []


def test_grafanas_user_reads_everything_of_ours(migrated: Path):
    views = [m.name for m in load_migrations() if not m.name.endswith(("_of", "_from_events"))]
    asked = [f"SELECT count() FROM {name}" for name in views if "_from_" not in name]
    answers = run_as(
        "grafana",
        migrated,
        [
            "USE exectrail",
            *asked,
            "SELECT count() FROM executions_of(since = '2020-01-01 00:00:00', root = '')",
            # what the dashboard Health asks of the server itself
            "SELECT count() FROM system.user_query_log",
            "SELECT count() > 40 FROM system.tables WHERE database = 'exectrail' AND engine LIKE"
            " '%MergeTree' AND total_bytes >= 0 AND active_parts >= 0",
            "SELECT groupArray(name) FROM system.databases",
            "SELECT count() > 0 FROM system.columns WHERE table = 'executions'",
            "SET max_execution_time = 30",
            "SELECT 1 SETTINGS limit = 0",
        ],
    )

    assert [a for a in answers if a.startswith("Code: ")] == []
    assert answers[-5:] == ["1", "['exectrail']", "1", "", "1"]


def test_grafanas_user_sees_which_of_its_questions_were_slow(migrated: Path):
    text = (ROOT / "src/exectrail/queries/panel_health_slow.sql").read_text()
    for name, moment in (("from", "now64(3) - INTERVAL 1 HOUR"), ("to", "now64(3)")):
        text = text.replace(f"{{{name}:DateTime64(3, 'UTC')}}", f"({moment})")
    # While the second one is answered, the first one is written down.
    asked = ["SELECT sleep(2), count() FROM exectrail.runs", "SELECT sleep(1)"]

    *_, told = run_as(
        "grafana",
        migrated,
        [*asked, f"SELECT times, max_ms >= 2000, failures, slowest FROM ({text})"],
    )

    assert told.splitlines()[0] == "1\t1\t0\tSELECT sleep(2), count() FROM exectrail.runs"


def test_grafanas_user_can_neither_write_nor_lift_its_limits(migrated: Path):
    writes = [
        "INSERT INTO exectrail.otel_logs (Body) VALUES ('x')",
        "ALTER TABLE exectrail.otel_logs DELETE WHERE 1",
        "DROP TABLE exectrail.otel_logs",
        "CREATE TABLE exectrail.t (a Int8) ENGINE = Memory",
        "SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a String')",
        "SELECT * FROM file('/etc/passwd', 'LineAsString')",
        "SELECT * FROM remote('127.0.0.1', exectrail.otel_logs)",
        "SELECT * FROM system.users",
    ]
    lifts = [
        "SET readonly = 0",
        "SET max_execution_time = 0",
        "SET max_execution_time = 3600",
        "SET max_memory_usage = 0",
        "SET max_result_rows = 0",
        "SET max_concurrent_queries_for_user = 0",
    ]
    *answers, much = run_as(
        "grafana", migrated, [*writes, *lifts, "SELECT number FROM numbers(3000000)"]
    )

    assert [a for a in answers[: len(writes)] if not denied(a)] == []
    assert [
        a for a in answers[len(writes) :] if not a.startswith(("Code: 164.", "Code: 452."))
    ] == []
    assert much.startswith("Code: 396.")  # TOO_MANY_ROWS_OR_BYTES
