"""JSON that a program can rely on."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from exectrail.cli.documents import document, plain
from exectrail.queries import Transition


@pytest.mark.parametrize(
    ("value", "made"),
    [
        (None, None),
        (True, True),
        (3, 3),
        (2**64 - 1, 18446744073709551615),
        (0.5, 0.5),
        (float("nan"), None),
        (float("-inf"), None),
        (Decimal("0.012300000000"), "0.0123"),
        (Decimal("1E+3"), "1000"),
        (Decimal("0E-12"), "0"),
        (Decimal("-0.000000000001"), "-0.000000000001"),
        (datetime(2026, 11, 21, 12, tzinfo=UTC), "2026-11-21T12:00:00.000000Z"),
        (date(2026, 11, 21), "2026-11-21"),
        ("text\x1b", "text\x1b"),
        (b"\xffa", "\\xffa"),
        (("a", Decimal(1)), ["a", "1"]),
        ({"k": Decimal("1.10")}, {"k": "1.1"}),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    ],
)
def test_values_have_a_form_that_loses_nothing(value: object, made: object) -> None:
    assert plain(value) == made
    json.dumps(plain(value), allow_nan=False)


def test_the_state_is_the_one_that_people_see(rows: Any) -> None:
    made = document(rows.run(1, "refund", "abandoned", oom=1))

    assert (made["state"], made["reported_state"], made["oom"]) == ("abandoned", "running", True)
    assert "effective_state" not in made


def test_a_transition_keeps_its_state(rows: Any) -> None:
    made = document(rows.make(Transition, state="paused", previous_state="running", valid=0))

    assert (made["state"], made["previous_state"], made["valid"]) == ("paused", "running", False)


def test_usage_has_its_share_and_its_currency(rows: Any) -> None:
    made = document(rows.run(1, "refund", "completed", **rows.usage(4, "0.1200", priced=3)))

    assert (made["cost"], made["currency"], made["priced_share"]) == ("0.12", "USD", 0.75)
    unknown = document(rows.run(1, "refund", "completed", **rows.usage(4)))
    assert (unknown["cost"], unknown["priced_share"]) == (None, 0.0)
    none = document(rows.run(1, "refund", "completed"))
    assert (none["cost"], none["priced_share"]) == (None, None)
