"""Where text goes: width, time and zone of whoever reads, and the way out to the terminal."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Final, TextIO

from rich.console import Console
from rich.text import Text

WIDTH: Final = 100
"""Characters of a line where there is no terminal to ask."""

# For terminals that cannot show them; one character each, so that columns stay.
_PLAIN: Final = str.maketrans("├└│─…·×", "|`|-~-x")


@dataclass(frozen=True, slots=True)
class View:
    """Who looks: how wide, when, and in which zone (None is the local one)."""

    width: int
    now: datetime
    zone: tzinfo | None = None


def view() -> View:
    """The view of this process; `COLUMNS` wins over the terminal's own width."""
    return View(shutil.get_terminal_size((WIDTH, 24)).columns, datetime.now(UTC))


def write(lines: Iterable[Text], stream: TextIO | None = None) -> None:
    """Print lines; in colour on a terminal, unless NO_COLOR is set.

    Raises:
        BrokenPipeError: Nobody reads any more.
    """
    out = sys.stdout if stream is None else stream
    console = Console(
        file=out,
        width=10_000,
        no_color=bool(os.environ.get("NO_COLOR")),
        color_system=None if os.environ.get("NO_COLOR") else "auto",
        highlight=False,
        markup=False,
        emoji=False,
    )
    for line in lines:
        # Captured, for rich ends the process itself where a pipe is closed.
        with console.capture() as printed:
            console.print(line, soft_wrap=True)
        out.write(_encodable(printed.get(), out))


def write_json(document: Mapping[str, object]) -> None:
    """Print one JSON document, in ASCII.

    Raises:
        BrokenPipeError: Nobody reads any more.
    """
    sys.stdout.write(json.dumps(document, indent=2, allow_nan=False) + "\n")


def tell(message: str) -> None:
    """Say something beside the answer, on stderr."""
    lines = message.splitlines() or [""]
    lines[0] = f"exectrail: {lines[0]}"
    sys.stderr.write(_encodable("\n".join(lines) + "\n", sys.stderr))


def _encodable(text: str, stream: TextIO) -> str:
    encoding = stream.encoding or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(_PLAIN).encode(encoding, "replace").decode(encoding)
    return text
