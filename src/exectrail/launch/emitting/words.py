"""The words of the command line, as values; argparse says what is wrong with those it refuses."""

from __future__ import annotations

import re
from argparse import Action, ArgumentParser, Namespace
from argparse import ArgumentTypeError as Wrong
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from exectrail.conventions.statuses import from_status

_UNITS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


class Tags(Action):
    """Gathers tags."""

    def __call__(
        self,
        parser: ArgumentParser,
        namespace: Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        tags: dict[str, str] = dict(getattr(namespace, self.dest))
        setattr(namespace, self.dest, {**tags, **values})


def tag(word: str) -> dict[str, str]:
    """`KEY=VALUE`."""
    key, equals, value = word.partition("=")
    if not key or not equals:
        raise Wrong(f"{word!r} is not KEY=VALUE")
    return {key: value}


def status(word: str) -> str:
    """A state, or what another system calls it."""
    if from_status(word) is None:
        raise Wrong(f"no state is called {word!r}")
    return word


def pid(word: str) -> int:
    """A process id; 0 for none."""
    if not word.isdecimal():
        raise Wrong(f"{word!r} is no process id")
    return int(word)


def count(word: str) -> int:
    """A whole number from 0."""
    if not word.isdecimal():
        raise Wrong(f"{word!r} is no count")
    return int(word)


def fraction(word: str) -> float:
    """A number from 0 to 1, or per cent."""
    try:
        number = float(word.removesuffix("%")) / (100 if word.endswith("%") else 1)
    except ValueError:
        raise Wrong(f"{word!r} is no number") from None
    if not 0 <= number <= 1:
        raise Wrong(f"{word} is not from 0 to 1; per cent as 50%")
    return number


def amount(word: str) -> Decimal:
    """An amount of money."""
    try:
        amount = Decimal(word)
    except InvalidOperation:
        raise Wrong(f"{word!r} is no amount") from None
    if not amount.is_finite() or amount < 0:
        raise Wrong(f"{word!r} is no amount")
    return amount


def seconds(word: str) -> float:
    """A time: `90`, `90s`, `30m`, `2h`, `1d`."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", word)
    if match is None:
        raise Wrong(f"{word!r} is no time; like 90s, 30m, 2h or 1d")
    return float(match[1]) * _UNITS[match[2] or "s"]


def deadline(word: str) -> datetime:
    """A moment: so long from now, or RFC 3339; local without a zone."""
    if re.fullmatch(r"\d+(?:\.\d+)?[smhd]", word):
        return datetime.now(UTC) + timedelta(seconds=seconds(word))
    try:
        moment = datetime.fromisoformat(word)
    except ValueError:
        raise Wrong(f"{word!r} is no time; like 30m or 2026-11-21T18:00:00Z") from None
    return moment if moment.tzinfo else moment.astimezone()
