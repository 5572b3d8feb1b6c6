"""The lines that were logged within a run, for `exectrail show --logs`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.text import Text

from exectrail.cli.layout import wrap
from exectrail.cli.screen import View
from exectrail.cli.words import clean, clock
from exectrail.queries import LogLine

INDENT: Final = 4
"""Spaces before the words of a line."""
_STYLES: Final = {"WARN": "yellow", "ERROR": "red", "FATAL": "bold red"}


def log_lines(rows: Sequence[LogLine] | None, view: View) -> list[Text]:
    """When, how severe, who; and beneath it what was said."""
    if rows is None:
        return []
    lines = [] if rows else [Text("nothing was logged, or EXECTRAIL_LOGS is not set", "dim")]
    for row in rows:
        head = Text(f"{clock(row.ts, view.zone)}  ", "dim")
        head.append(clean(row.severity or "-").ljust(5), _STYLES.get(row.severity, ""))
        head.append(f"  {clean(row.name)}  {clean(row.logger or row.stream)}".rstrip(), "dim")
        lines.append(head)
        error = f"{clean(row.error_type)}: {clean(row.error_message)}".strip(": ")
        for said in (*map(clean, row.body.splitlines()), error):
            if said:
                wide = max(20, view.width - INDENT)
                lines += [Text("  ") + part for part in wrap(Text(said), wide)]
    return lines
