"""What a user types, and what is refused with the exit code of a wrong call."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from exectrail.cli.arguments import limit, since, since_utc
from exectrail.cli.commands import register


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="exectrail")
    register(made.add_subparsers(required=True))
    return made


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("90s", timedelta(seconds=90)),
        ("30m", timedelta(minutes=30)),
        ("24h", timedelta(hours=24)),
        ("7d", timedelta(days=7)),
        (" 2w ", timedelta(weeks=2)),
    ],
)
def test_a_span_counts_back_from_now(text: str, span: timedelta) -> None:
    earliest = datetime.now(UTC) - span
    assert earliest <= since(text) <= datetime.now(UTC) - span


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-11-21T08:00Z", datetime(2026, 11, 21, 8, tzinfo=UTC)),
        ("2026-11-21T08:00:00.5+02:00", datetime(2026, 11, 21, 6, 0, 0, 500_000, tzinfo=UTC)),
        ("2026-11-21", datetime(2026, 11, 21).astimezone(UTC)),
        ("0400-01-01T00:00Z", datetime(1970, 1, 1, tzinfo=UTC)),
        ("99999w", datetime(1970, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_time_is_iso_8601_and_local_without_a_zone(text: str, time: datetime) -> None:
    assert since(text) == time


@pytest.mark.parametrize(("zone", "ahead"), [("Europe/Berlin", 1), ("Asia/Tokyo", 9)])
def test_a_date_is_of_the_zone_that_the_help_says(
    zone: str, ahead: int, live_in: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    live_in(zone)
    midnight = datetime(2026, 11, 22, tzinfo=UTC)
    for command, moment, meant in (
        ("runs", midnight - timedelta(hours=ahead), "without a zone it is local time"),
        ("cost", midnight, "without a zone it is UTC"),
    ):
        assert parser().parse_args([command, "--since", "2026-11-22"]).since == moment
        with pytest.raises(SystemExit):
            parser().parse_args([command, "--help"])
        assert meant in " ".join(capsys.readouterr().out.split())
    assert since_utc("2026-11-22T08:00+02:00") == datetime(2026, 11, 22, 6, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "yesterday", "7", "-7d", "7y", "999999w", "2026-13-01"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        since(text)


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "x", "1000001", "²"])
def test_what_is_no_limit_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        limit(text)


@pytest.mark.parametrize(
    "words",
    [
        "runs --state dead",
        "runs --outcome good",
        "runs --since soon",
        "runs --limit 0",
        "tree",
        "show",
        "cost --by moon",
        "cost --run 01 --since 7d",
    ],
)
def test_a_wrong_call_ends_with_2(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(words.split())

    assert ended.value.code == 2
    assert "usage: exectrail" in capsys.readouterr().err


def test_an_empty_id_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(["tree", " "])

    assert ended.value.code == 2
    assert "an id cannot be empty" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["runs", "tree", "show", "cost", "sql"])
def test_help_fits_a_hundred_columns_and_has_examples(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    with pytest.raises(SystemExit) as ended:
        parser().parse_args([command, "--help"])

    text = capsys.readouterr().out
    assert ended.value.code == 0
    assert f"examples:\n  exectrail {command}" in text
    assert [line for line in text.splitlines() if len(line) > 100] == []
