"""What is thought of tables that the embedded engine cannot have, and of columns of any type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import pytest

from exectrail.storage.client import Client, StorageError
from exectrail.storage.foreign import ForeignTable, Origin, inspect
from exectrail.storage.raw_columns import WANTED, Column, Kind, reading

MAP = "Map(LowCardinality(String), String)"
TYPES = {
    Kind.TIME: "DateTime64(9)",
    Kind.TEXT: "String",
    Kind.MAP: MAP,
    Kind.WHOLE: "UInt64",
    Kind.REAL: "Float64",
}


class Described:
    """Stands where the client stands: tables with all columns, of one engine."""

    database = "exectrail"

    def __init__(self, engine: str, full: str = "", **types: str) -> None:
        self._engine = engine
        self._full = full or engine
        self._types = types

    def query(
        self, sql: str, parameters: Mapping[str, object], *, use_database: bool = True
    ) -> list[dict[str, Any]]:
        assert not use_database
        if "system.tables" in sql:
            return [
                {"name": name, "engine": self._engine, "engine_full": self._full} for name in WANTED
            ]
        return [
            {
                "table": name,
                "name": column.name,
                "type": self._types.get(column.name, TYPES[column.kind]),
            }
            for name, table in WANTED.items()
            for column in table.columns
        ]


def look(engine: str, full: str = "", **types: str) -> ForeignTable:
    """The log records of such a database."""
    client = cast(Client, Described(engine, full, **types))
    return inspect(client, Origin.named("otel"))["otel_logs"]


def test_a_distributed_table_is_refused_and_the_local_one_is_named() -> None:
    full = "Distributed('main', 'otel', 'otel_logs_local', rand()) SETTINGS fsync_after_insert = 1"

    (problem,) = look("Distributed", full).problems

    assert problem.startswith("otel.otel_logs is Distributed")
    assert "(Distributed('main', 'otel', 'otel_logs_local', rand()))" in problem
    assert "SETTINGS" not in problem


@pytest.mark.parametrize("engine", ["MergeTree", "ReplacingMergeTree", "SharedMergeTree", "Null"])
def test_tables_that_are_inserted_into_are_read(engine: str) -> None:
    assert look(engine).problems == ()


@pytest.mark.parametrize("engine", ["View", "MaterializedView", "Merge", "Kafka", "Memory"])
def test_tables_of_other_engines_are_refused(engine: str) -> None:
    assert f"is a {engine}" in look(engine).problems[0]


def test_of_a_replicated_table_it_is_said_what_a_view_sees() -> None:
    table = look("ReplicatedMergeTree")

    assert table.problems == ()
    assert "at the node it was made on" in table.notes[0]


@pytest.mark.parametrize(
    ("kind", "there", "expression"),
    [
        (Kind.TIME, "DateTime", "X"),
        (Kind.TIME, "DateTime64(3, 'Europe/Berlin')", "X"),
        (Kind.TIME, "Date", None),
        (Kind.TIME, "Nullable(DateTime64(9))", None),
        (Kind.TEXT, "LowCardinality(String)", "X"),
        (Kind.TEXT, "Nullable(String)", "ifNull(toString(X), '')"),
        (Kind.TEXT, "LowCardinality(Nullable(String))", "ifNull(toString(X), '')"),
        (Kind.TEXT, "FixedString(16)", "toStringCutToZero(X)"),
        (Kind.TEXT, "Enum8('Ok' = 1, 'Error' = 2)", "toString(X)"),
        (Kind.TEXT, "UInt8", None),
        (Kind.TEXT, "Array(String)", None),
        (Kind.MAP, MAP, "X"),
        (Kind.MAP, "Map(String, String)", f"CAST(X, '{MAP}')"),
        (Kind.MAP, "Map(String, Nullable(String))", None),
        (Kind.MAP, "JSON", None),
        (Kind.MAP, "JSON(max_dynamic_paths=64)", None),
        (Kind.WHOLE, "Int64", "toUInt64(X)"),
        (Kind.WHOLE, "Float64", None),
        (Kind.REAL, "Float32", "toFloat64(X)"),
        (Kind.REAL, "Decimal(18, 3)", None),
    ],
)
def test_a_column_is_read_by_its_type(kind: Kind, there: str, expression: str | None) -> None:
    assert reading(Column("X", kind), there) == expression


def test_json_is_told_once_for_each_table() -> None:
    problems = look("MergeTree", ResourceAttributes="JSON", LogAttributes="JSON").problems

    assert len(problems) == 1
    assert "`json: true`" in problems[0]


@pytest.mark.parametrize("database", ["a`b", "a.b", "", "it's"])
def test_names_that_are_none_are_refused(database: str) -> None:
    with pytest.raises(StorageError, match="is not a name"):
        Origin.named(database)
