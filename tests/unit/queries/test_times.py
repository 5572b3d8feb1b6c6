"""What an id, or the beginning of one, says of when an execution was made."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from exectrail.conventions.ids import uuid7
from exectrail.queries.times import LATEST, NO_TIME, made, made_between

MOMENT = datetime(2026, 11, 21, 12, 30, 15, 678_000, tzinfo=UTC)
MS = timedelta(milliseconds=1)


def _id(moment: datetime) -> str:
    return uuid7(int(moment.timestamp() * 1000) * 1_000_000)


def test_an_id_says_when_it_was_made() -> None:
    assert made(_id(MOMENT)) == MOMENT


@pytest.mark.parametrize("strange", ["", "thread-7", "5f0e3c1a-9d2b-4c7e-8a41-0b6d9c2e7f13"])
def test_what_tells_no_time_was_made_at_none(strange: str) -> None:
    assert made(strange) == NO_TIME


def test_a_time_later_than_the_tables_hold_is_the_latest() -> None:
    assert made(str(UUID(int=(1 << 48) - 1 << 80 | 7 << 76 | 2 << 62))) == LATEST


@pytest.mark.parametrize("length", range(37))
def test_every_beginning_of_an_id_has_its_time_within(length: int) -> None:
    first, last = made_between(_id(MOMENT)[:length])
    assert first <= MOMENT <= last
    assert length < 13 or (first, last) == (MOMENT, MOMENT)


def test_eight_digits_are_a_minute_or_so() -> None:
    first, last = made_between(_id(MOMENT)[:8])
    assert last - first == 0xFFFF * MS


@pytest.mark.parametrize("beginning", ["thread-7", "01a1_", "0x1a", "0 ", "01A1"])
def test_what_is_no_beginning_of_such_an_id_has_no_time(beginning: str) -> None:
    assert made_between(beginning) == (NO_TIME, NO_TIME)
