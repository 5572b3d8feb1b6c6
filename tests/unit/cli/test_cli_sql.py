"""Answers to hand-written SQL as a table and as JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from exectrail.cli.sql import render, sql_document
from exectrail.storage.client import Answer

ANSWER = Answer(
    [("workflow", "String"), ("cost", "Nullable(Decimal(38, 12))"), ("at", "DateTime"), ("a", "A")],
    [
        ("refund", Decimal("0.0100"), datetime(2026, 11, 21, 12, tzinfo=UTC), ["x", "y"]),
        ("night\x1b[2J\nly", None, datetime(2026, 11, 21, 13, tzinfo=UTC), {"k": 1}),
    ],
)


def test_a_table_shows_values_and_null() -> None:
    assert [line.plain for line in render(ANSWER, 100)] == [
        "workflow         cost  at                           a",
        "refund           0.01  2026-11-21T12:00:00.000000Z  ['x', 'y']",
        "night\\x1b[2J ly  NULL  2026-11-21T13:00:00.000000Z  {'k': 1}",
    ]


def test_a_table_is_cut_to_the_width() -> None:
    assert max(line.cell_len for line in render(ANSWER, 50)) <= 50


def test_the_document_has_types_and_rows() -> None:
    made = sql_document(ANSWER)

    assert made["columns"] == [
        {"name": "workflow", "type": "String"},
        {"name": "cost", "type": "Nullable(Decimal(38, 12))"},
        {"name": "at", "type": "DateTime"},
        {"name": "a", "type": "A"},
    ]
    assert made["rows"] == [
        {
            "workflow": "refund",
            "cost": "0.01",
            "at": "2026-11-21T12:00:00.000000Z",
            "a": ["x", "y"],
        },
        {
            "workflow": "night\x1b[2J\nly",
            "cost": None,
            "at": "2026-11-21T13:00:00.000000Z",
            "a": {"k": 1},
        },
    ]
