"""Figures, times and states in few characters, and never a wrong one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from exectrail.cli import words
from exectrail.queries import Usage


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "0ms"),
        (0.001, "<1ms"),
        (0.5, "<1ms"),
        (0.51, "1ms"),
        (999.4, "999ms"),
        (999.5, "1.0s"),
        (59_949, "59.9s"),
        (59_950, "1m00s"),
        (3_599_499, "59m59s"),
        (3_599_500, "1h00m"),
        (86_369_000, "23h59m"),
        (86_399_000, "1d00h"),
        (270_000_000, "3d03h"),
        (8_640_000_000, "100d"),
    ],
)
def test_a_duration_takes_at_most_six_characters_and_rounds_up_over_units(
    milliseconds: float, text: str
) -> None:
    assert words.duration(milliseconds) == text


@given(st.floats(0, 8e10))
def test_a_duration_stays_short(milliseconds: float) -> None:
    assert len(words.duration(milliseconds)) <= 6


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1.0k"),
        (9949, "9.9k"),
        (9950, "10k"),
        (999_499, "999k"),
        (999_500, "1.0M"),
        (18_446_744_073_709_551_615, "18447P"),
    ],
)
def test_counts_are_short(number: int, text: str) -> None:
    assert words.count(number) == text


@given(st.integers(0, 10**17))
def test_a_count_takes_at_most_four_characters(number: int) -> None:
    assert len(words.count(number)) <= 4


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s ago"),
        (59.9, "59s ago"),
        (60, "1m ago"),
        (3600, "1h ago"),
        (47 * 3600, "47h ago"),
        (48 * 3600, "2d ago"),
        (-0.4, "0s ago"),
        (-90, "in 1m"),
    ],
)
def test_age_is_told_in_one_unit_and_a_clock_ahead_is_not_hidden(seconds: float, text: str) -> None:
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    assert words.ago(now - timedelta(seconds=seconds), now) == text


def test_times_are_shown_in_the_zone_of_the_reader_and_written_in_utc() -> None:
    time = datetime(2026, 11, 21, 23, 30, 1, 234567, tzinfo=timezone(timedelta(hours=-5)))
    zone = timezone(timedelta(hours=5, minutes=30))

    assert words.moment(time, zone) == "2026-11-22 10:00:01 +0530"
    assert words.clock(time, zone) == "10:00:01.234"
    assert words.rfc3339(time) == "2026-11-22T04:30:01.234567Z"
    assert words.rfc3339(datetime(2026, 1, 1)) == "2026-01-01T00:00:00.000000Z"  # noqa: DTZ001


@pytest.mark.parametrize(
    ("amount", "currency", "digits", "text"),
    [
        ("0.0123", "USD", 4, "$0.0123"),
        ("0.00005", "USD", 4, "$0.0001"),
        ("0.0000499", "USD", 4, "<$0.0001"),
        ("0", "USD", 4, "$0.0000"),
        ("1234567.891", "EUR", 2, "€1,234,567.89"),
        ("1.5", "CHF", 4, "CHF 1.5000"),
    ],
)
def test_money_never_rounds_to_nothing(amount: str, currency: str, digits: int, text: str) -> None:
    assert words.money(Decimal(amount), currency, digits) == text


@pytest.mark.parametrize(
    ("calls", "priced", "cost", "text", "share"),
    [
        (0, 0, None, "-", ""),
        (3, 0, None, "?", "0%"),
        (3, 2, "0.0123", "$0.0123 +?", "66%"),
        (3, 3, "0.0123", "$0.0123", "100%"),
        (2000, 1999, "1", "$1.0000 +?", "99%"),
        (2000, 1, "1", "$1.0000 +?", "<1%"),
        (1, 1, "0", "$0.0000", "100%"),
    ],
)
def test_an_unknown_cost_is_never_0_and_a_part_of_it_is_marked(
    calls: int, priced: int, cost: str | None, text: str, share: str, rows: Any
) -> None:
    usage = rows.make(Usage, **rows.usage(calls, cost, priced))

    assert words.cost_text(usage).plain == text
    assert words.share(usage) == share


def test_the_digits_of_an_amount_suit_its_size() -> None:
    amounts = (None, Decimal("0.0099"), Decimal("0.01"), Decimal("99.9"), Decimal(100))

    assert [words.digits(amount) for amount in amounts] == [6, 6, 4, 4, 2]


def test_the_digits_of_a_column_suit_its_greatest_amount() -> None:
    assert words.places([]) == 6
    assert words.places([Decimal("0.0099"), None]) == 6
    assert words.places([Decimal("0.0099"), Decimal("0.01")]) == 4
    assert words.places([Decimal(100_000)]) == 2


@pytest.mark.parametrize(
    ("arguments", "text", "style"),
    [
        (("running", "", "alive"), "running", "blue"),
        (("paused",), "paused", "yellow"),
        (("blocked",), "blocked", "magenta"),
        (("completed", "success"), "completed", "green"),
        (("failed", "failed"), "failed", "red"),
        (("failed", "partial"), "failed, partial", "red"),
        (("cancelled", "cancelled"), "cancelled", "bright_black"),
        (("abandoned", "abandoned", "dead"), "abandoned", "bold red"),
        (("running", "", "stuck", ["stuck", "slow"]), "running, stuck, slow", "blue"),
        (("running", "", "unknown: pipeline silent"), "running (?)", "blue"),
        (("something_new",), "something_new", ""),
    ],
)
def test_a_state_has_its_colour_and_what_adds_to_it(
    arguments: tuple[Any, ...], text: str, style: str
) -> None:
    made = words.state_text(*arguments)

    assert (made.plain, str(made.style)) == (text, style)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("two\nlines\tand  more ", "two lines and more"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("bell\x07 c1\x9b", "bell\\x07 c1\\x9b"),
        ("a\u202egnp.exe", "a\\u202egnp.exe"),
        ("\ud800", "\\ud800"),
        ("[bold]not markup[/bold] :smile:", "[bold]not markup[/bold] :smile:"),
        ("grün 東京 👩\u200d💻", "grün 東京 👩\u200d💻"),
    ],
)
def test_text_of_the_store_cannot_steer_the_terminal(given: str, shown: str) -> None:
    assert words.clean(given) == shown


@given(st.text())
def test_whatever_a_name_holds_it_is_one_printable_line(text: str) -> None:
    shown = words.clean(text)

    assert "\n" not in shown
    assert "\x1b" not in shown
    assert cell_len(shown) >= 0
    shown.encode("utf-8")


def test_tokens_are_shown_only_where_a_model_was_called(rows: Any) -> None:
    assert words.tokens(rows.make(Usage)) == ""
    assert words.tokens(rows.make(Usage, **rows.usage(12))) == "12k/1.2k"
