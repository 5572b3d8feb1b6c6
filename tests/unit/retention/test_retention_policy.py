"""Limits as people write them, and which of them make answers wrong."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from exectrail.retention.policy import LEAST, RULES, days_of, said, warnings
from exectrail.retention.purposes import PURPOSES, Role, purpose_of
from exectrail.retention.text import size
from exectrail.storage.retention import defaults
from exectrail.storage.runner import load_migrations


@pytest.mark.parametrize(
    ("text", "days"),
    [("400", 400), ("400d", 400), ("12w", 84), ("2y", 730), ("forever", None), (" 1D ", 1)],
)
def test_a_limit_is_read_in_days(text: str, days: int | None):
    assert days_of(text) == days


@pytest.mark.parametrize("text", ["", "0", "0d", "-1", "2m", "1.5d", "d", "99999y", "never", "1 d"])
def test_what_is_no_limit_is_refused(text: str):
    with pytest.raises(ValueError, match="is not a limit like 90d"):
        days_of(text)


def test_limits_are_said_in_whole_years_where_they_are():
    assert [said(days) for days in (1, 365, 400, 730, 3650, None)] == [
        "1 d",
        "365 d",
        "400 d",
        "2 y",
        "10 y",
        "forever",
    ]


def test_the_limits_of_the_migrations_make_no_answer_wrong():
    assert warnings(defaults(m.text for m in load_migrations())) == []


def test_a_process_that_goes_before_its_runs_is_warned_of():
    told = warnings({"workers": 30, "executions_state": 400, "transitions": 20})

    assert told == [
        "workers is kept for 30 d, executions_state for 400 d: runs whose process died would no"
        " longer read abandoned"
    ]


def test_money_that_is_kept_for_longer_than_runs_is_right():
    assert warnings({"usage": None, "executions_state": 400}) == []
    assert warnings({"usage": 399, "executions_state": 400}) == [
        "usage is kept for 399 d, executions_state for 400 d: older runs would show no tokens and"
        " no cost"
    ]
    assert len(warnings({"usage": 400, "executions_state": None})) == 1


def test_limits_below_a_pause_are_warned_of_first():
    assert warnings({"executions_state": 1, "spans": 90})[0].startswith(
        "executions_state is kept for 1 d, less than 2 d: what pauses for longer"
    )


def test_every_table_of_the_schema_has_its_purpose():
    made = {
        name
        for migration in load_migrations()
        for name, rest in re.findall(
            r"CREATE TABLE IF NOT EXISTS (\w+)(.*?)(?=CREATE TABLE|\Z)", migration.text, re.DOTALL
        )
        if "MergeTree" in rest
    }

    assert made - PURPOSES.keys() == set()


def test_the_page_about_storage_lists_every_table():
    page = (Path(__file__).parents[3] / "docs" / "storage.md").read_text(encoding="utf-8")
    listed = page.partition("\n## Tables\n")[2].partition("\n## ")[0]
    named = set(re.findall(r"`(\w+\*?)`", "\n".join(re.findall(r"^\| (`[^|]+)", listed, re.M))))

    assert {"otel_metrics_*" if t.startswith("otel_metrics_") else t for t in PURPOSES} == named


def test_rules_speak_of_tables_that_there_are():
    spoken = {name for rule in RULES for name in rule[:2]} | LEAST.keys()

    assert spoken - PURPOSES.keys() == set()


def test_a_table_of_somebody_else_is_left_alone():
    assert purpose_of("their_table").role is Role.OWN


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 KiB"), (150 * 1024, "150 KiB"), (5 << 40, "5.0 TiB")],
)
def test_sizes_have_three_digits(number: int, text: str):
    assert size(number) == text
