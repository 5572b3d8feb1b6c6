"""The section LOGS of `exectrail show --logs`."""

from __future__ import annotations

from typing import Any

from exectrail.cli.logs import log_lines
from exectrail.cli.screen import View
from exectrail.cli.show import RunReport, render, show_document
from exectrail.queries import LogLine


def text(rows: list[Any] | None, view: View) -> list[str]:
    return [line.plain for line in log_lines(rows, view)]


def test_lines_say_when_how_severe_and_who(rows: Any, view: View) -> None:
    logged = [
        rows.make(LogLine, name="look", severity="INFO", logger="shop.orders", body="one\ntwo"),
        rows.make(
            *(LogLine,),
            name="look",
            severity="ERROR",
            logger="shop",
            body="it failed \x1b[31m",
            error_type="LookupError",
            error_message="no such thing",
        ),
        rows.make(LogLine, name="night", severity="INFO", stream="stderr", body="a warning"),
    ]
    shown = text(logged, view)

    assert [line[14:] for line in shown if not line.startswith("  ")] == [
        "INFO   look  shop.orders",
        "ERROR  look  shop",
        "INFO   night  stderr",
    ]
    said = [line.strip() for line in shown if line.startswith("  ")]
    assert said[:2] == ["one", "two"]
    assert "\x1b" not in said[2]
    assert said[3:] == ["LookupError: no such thing", "a warning"]


def test_long_lines_are_wrapped_to_the_screen(rows: Any, view: View) -> None:
    shown = text([rows.make(LogLine, severity="INFO", body="word " * 60)], view)

    assert max(map(len, shown)) <= view.width - 2


def test_it_says_why_there_are_none(rows: Any, view: View) -> None:
    assert text([], view) == ["nothing was logged, or EXECTRAIL_LOGS is not set"]


def test_they_are_shown_to_who_asks_alone(rows: Any, view: View) -> None:
    run = rows.run(1, "refund", "completed", ended_at=rows.before(1))
    asked, not_asked = RunReport(subject=run, logs=[]), RunReport(subject=run)

    assert [line.plain for line in render(asked, view) if "LOGS" in line.plain] == [
        "LOGS",
        "  nothing was logged, or EXECTRAIL_LOGS is not set",
    ]
    assert not [line for line in render(not_asked, view) if "LOGS" in line.plain]
    assert show_document(asked)["logs"] == []
    assert "logs" not in show_document(not_asked)
