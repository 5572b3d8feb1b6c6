"""Options that several commands share, and how their values are read."""

from __future__ import annotations

import argparse
import re
import textwrap
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Final

from exectrail.storage.client import DEFAULT_DATABASE

if TYPE_CHECKING:
    SubParsers = argparse._SubParsersAction[argparse.ArgumentParser]

_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SPAN: Final = re.compile(r"(\d{1,6})([smhdw])")

_CURRENCY: Final = re.compile(r"[A-Z]{3}")

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""Nothing is older, and the database does not read what is."""


def command(
    subparsers: SubParsers, name: str, summary: str, description: str, examples: str
) -> argparse.ArgumentParser:
    """A parser with the options that every command has.

    Args:
        subparsers: Where it is added.
        name: The command.
        summary: One line for the list of commands.
        description: What it does, for its own help.
        examples: Lines for the end of its help.
    """
    parser = subparsers.add_parser(
        name,
        help=summary,
        description=textwrap.fill(description, 88),
        epilog=f"examples:\n{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="one JSON document, for programs")
    parser.add_argument(
        "--url",
        metavar="URL",
        help="ClickHouse HTTP interface (default: EXECTRAIL_CLICKHOUSE_URL, or the embedded stack)",
    )
    parser.add_argument(
        "--database", default=DEFAULT_DATABASE, metavar="NAME", help="default: %(default)s"
    )
    return parser


def add_id(parser: argparse.ArgumentParser) -> None:
    """Add the argument that says which run."""
    parser.add_argument(
        "id",
        metavar="ID",
        type=_id,
        help="id of a run or of a part of one, or the beginning of it;"
        " or the whole id that the framework uses",
    )


def add_since(parser: argparse._ActionsContainer, meaning: str, *, utc: bool = False) -> None:
    """Add `--since`; with `utc` for what is counted by days, which are those of UTC."""
    parser.add_argument(
        "--since",
        metavar="WHEN",
        type=since_utc if utc else since,
        help=f"{meaning}: 30m, 24h, 7d, 2w, or a date or time like 2026-11-21 or 2026-11-21T08:00Z;"
        f" without a zone it is {'UTC' if utc else 'local time'}",
    )


def since(text: str) -> datetime:
    """A time from `24h`, `7d`, or ISO 8601; without a zone it is local.

    Raises:
        argparse.ArgumentTypeError: It is neither.
    """
    return _since(text, None)


def since_utc(text: str) -> datetime:
    """The same, but without a zone it is UTC.

    Raises:
        argparse.ArgumentTypeError: It is neither.
    """
    return _since(text, UTC)


def _since(text: str, zone: tzinfo | None) -> datetime:
    word = text.strip()
    now = datetime.now(UTC)
    if match := _SPAN.fullmatch(word):
        amount, unit = match.groups()
        try:
            return max(now - timedelta(**{_UNITS[unit]: int(amount)}), _EPOCH)
        except OverflowError as error:
            raise argparse.ArgumentTypeError(f"{text!r} is longer ago than time goes") from error
    try:
        found = datetime.fromisoformat(word)
        known = found if found.tzinfo else found.replace(tzinfo=zone)
        return max(known.astimezone(UTC), _EPOCH)
    except (ValueError, OverflowError) as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither a span like 30m, 24h, 7d nor a time like 2026-11-21T08:00Z"
        ) from error


def currency(text: str) -> str:
    """A currency by its three letters.

    Raises:
        argparse.ArgumentTypeError: It is none.
    """
    if not _CURRENCY.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no currency: write three capital letters")
    return text


def limit(text: str) -> int:
    """A number of rows.

    Raises:
        argparse.ArgumentTypeError: It is not a whole number from 1 to a million.
    """
    if not text.isdecimal() or not 1 <= int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to 1000000")
    return int(text)


def _id(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("an id cannot be empty")
    return text.strip()
