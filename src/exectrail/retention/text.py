"""How amounts of rows and bytes read."""

from __future__ import annotations

from typing import Final

_STEPS: Final = ("B", "KiB", "MiB", "GiB", "TiB")


def amount(rows: int) -> str:
    """A number of rows, by thousands."""
    return f"{rows:,}"


def counted(number: int, what: str) -> str:
    """A number of things, by the word for one: `1 row`, `2,000 rows`."""
    return f"{amount(number)} {what}" if number == 1 else f"{amount(number)} {what}s"


def size(number: int) -> str:
    """Bytes by powers of 1024, to three digits."""
    value = float(number)
    for unit in _STEPS:
        if value < 1000 or unit == _STEPS[-1]:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1024
    raise AssertionError
