"""Plans, checksums and states of migrations, without a database."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, cast

import pytest

from exectrail.storage.client import Client, StorageError
from exectrail.storage.runner import (
    TABLE,
    Migration,
    Runner,
    State,
    Status,
    load_migrations,
    plan,
)

ONE = Migration(1, "one", "CREATE TABLE IF NOT EXISTS a {on_cluster} (x UInt8) ENGINE = Memory;")
TWO = Migration(2, "two", "CREATE VIEW IF NOT EXISTS b AS SELECT ';';\nCREATE VIEW c AS SELECT 1")


class Recorded:
    """Stands where the client stands: answers what was applied, and writes down what is sent."""

    database = "exectrail"

    def __init__(self, applied: list[dict[str, Any]] | None, failing: str = "") -> None:
        self._applied = applied
        self._failing = failing
        self.sent: list[str] = []

    def query(
        self, sql: str, parameters: Mapping[str, object] | None = None, *, use_database: bool = True
    ) -> list[dict[str, Any]]:
        assert not use_database, "status must work before the database exists"
        if "system.columns" in sql or "engine_full" in sql:
            return []
        if "system.tables" in sql:
            there = self._applied is not None and (parameters or {})["name"] == TABLE
            return [{"tables": int(there)}]
        return self._applied or []

    def command(self, sql: str, *, use_database: bool = True) -> None:
        if self._failing and self._failing in sql:
            raise StorageError("no")
        self.sent.append(sql)


def _runner(store: Recorded, *migrations: Migration) -> Runner:
    return Runner(cast(Client, store), migrations=migrations)


def _row(migration: Migration, **changed: Any) -> dict[str, Any]:
    row = {"version": migration.version, "name": migration.name, "checksum": migration.checksum}
    return row | changed


def test_the_checksum_is_that_of_the_file() -> None:
    assert ONE.checksum == hashlib.sha256(ONE.text.encode()).hexdigest()
    assert Migration(1, "one", ONE.text + " ").checksum != ONE.checksum


def test_states() -> None:
    applied = [_row(ONE, checksum="0"), {"version": 9, "name": "later", "checksum": "1"}]
    three = Migration(3, "three", "SELECT 1")
    found = _runner(Recorded([*applied, _row(three)]), ONE, TWO, three).status()
    assert found == [
        Status(1, "one", State.CHANGED),
        Status(2, "two", State.PENDING),
        Status(3, "three", State.APPLIED),
        Status(9, "later", State.UNKNOWN),
    ]


def test_status_only_reads() -> None:
    store = Recorded(None)
    assert [line.state for line in _runner(store, ONE).status()] == [State.PENDING]
    assert store.sent == []


def test_a_version_is_written_down_after_its_statements() -> None:
    store = Recorded(None)
    assert _runner(store, ONE, TWO).apply() == [ONE, TWO]
    words = [" ".join(sql.split()[:3]) for sql in store.sent]
    assert words == [
        "CREATE DATABASE IF",
        "CREATE TABLE IF",
        "CREATE TABLE IF",
        "INSERT INTO exectrail_migrations",
        "CREATE VIEW IF",
        "CREATE VIEW c",
        "INSERT INTO exectrail_migrations",
    ]


def test_what_failed_stays_pending_and_says_where() -> None:
    store = Recorded(None, failing="VIEW c")
    with pytest.raises(StorageError, match="0002_two, statement 2 failed: no"):
        _runner(store, ONE, TWO).apply()
    assert [sql for sql in store.sent if "INSERT" in sql and "'two'" in sql] == []
    assert [sql for sql in store.sent if "INSERT" in sql and "'one'" in sql] != []


def test_a_changed_file_stops_everything() -> None:
    store = Recorded([_row(ONE, checksum="0")])
    with pytest.raises(StorageError, match="0001_one"):
        _runner(store, ONE, TWO).apply()
    assert store.sent == []


def test_an_older_program_leaves_what_a_newer_one_applied() -> None:
    store = Recorded([_row(ONE), {"version": 9, "name": "later", "checksum": "1"}])
    assert _runner(store, ONE).apply() == []
    assert store.sent == []


def test_the_plan_is_what_apply_sends() -> None:
    store = Recorded(None)
    _runner(store, ONE, TWO).apply()
    planned = list(plan([ONE, TWO], database="exectrail"))
    assert [sql for sql in planned if not sql.startswith("USE ")] == store.sent


def test_a_cluster_is_in_every_statement_but_those_that_write_down_what_was_done() -> None:
    planned = list(plan(load_migrations(), database="d", cluster="main"))
    [database, use, book, *rest] = planned
    assert database == "CREATE DATABASE IF NOT EXISTS `d` ON CLUSTER 'main' ENGINE = Atomic"
    assert use == "USE `d`"
    assert book.startswith("CREATE TABLE IF NOT EXISTS exectrail_migrations ON CLUSTER 'main' (")
    assert "'/clickhouse/tables/all/{database}/{table}', '{shard}-{replica}', applied_at" in book
    written = [sql for sql in rest if sql.startswith("INSERT INTO exectrail_migrations")]
    assert len(written) == len(load_migrations())
    assert [sql for sql in rest if sql not in written and "ON CLUSTER 'main'" not in sql] == []
    assert any("Distributed('main', 'd', 'otel_logs_local'" in sql for sql in rest)
    assert "{on_cluster}" not in "".join([*planned, *plan(load_migrations(), database="d")])


def test_what_cannot_be_put_on_a_cluster_is_named() -> None:
    with pytest.raises(StorageError, match="migration 0001_one: table a has no place on a cluster"):
        list(plan([ONE], database="d", cluster="main"))


@pytest.mark.parametrize("name", ["a'b", "a b", "", "a;b"])
def test_names_that_are_none_are_refused(name: str) -> None:
    with pytest.raises(StorageError):
        list(plan([ONE], database=name))
    with pytest.raises(StorageError):
        list(plan([ONE], database="d", cluster=name))


def test_what_ships_is_one_object_per_file_and_may_be_run_again() -> None:
    shipped = load_migrations()
    assert [m.version for m in shipped] == sorted({m.version for m in shipped})
    for migration in shipped:
        assert migration.text.lstrip().startswith("--"), migration.name
        [statement] = migration.statements(cluster=None)
        code = "\n".join(line for line in statement.splitlines() if not line.startswith("--"))
        assert "IF NOT EXISTS" in code or "CREATE OR REPLACE VIEW" in code, migration.name
        assert f" {migration.name} {{on_cluster}}" in migration.text, migration.name
    assert json.dumps([m.text for m in shipped])


def test_who_inserts_needs_no_right_to_read_what_views_feed_on() -> None:
    views = [m for m in load_migrations() if "CREATE MATERIALIZED VIEW" in m.text]
    assert views
    for view in views:
        assert " DEFINER = CURRENT_USER SQL SECURITY DEFINER AS\n" in view.text, view.name


def test_what_a_migration_says_of_another_is_its_name_and_number() -> None:
    shipped = load_migrations()
    names = {migration.version: migration.name for migration in shipped}

    said = [
        (migration.name, name, names.get(int(number)))
        for migration in shipped
        for tick, name, number in re.findall(r"(`?)\b(\w+)`?\s(?:-- +)?\((\d{4})\)", migration.text)
        if tick or "_" in name
    ]

    assert len(said) > 10
    assert [one for one in said if one[1] != one[2]] == []
