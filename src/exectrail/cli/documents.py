"""Rows as JSON: the same names in every command.

Keys are the columns of the views, but for one thing: `state` is the state that people see, the
judge's word included (`effective_state` in SQL), and `reported_state` what the program said last
(`state` in SQL).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from exectrail.cli.words import rfc3339
from exectrail.queries import Usage

_USAGE: Final = frozenset(field.name for field in fields(Usage))
_BOOLEAN: Final = frozenset({"is_root", "oom", "origin", "silent", "valid", "result_valid"})


def document(row: Any, *, without: Iterable[str] = ()) -> dict[str, object]:
    """A typed row as a JSON object.

    Args:
        row: An instance of one of the row types of `queries`.
        without: Fields to leave out.
    """
    judged = hasattr(row, "effective_state")
    left_out = set(without)
    keys: dict[str, object] = {}
    names = [field.name for field in fields(row) if field.name not in left_out]
    # What it is stands before what it used.
    for name in sorted(names, key=_USAGE.__contains__):
        value = getattr(row, name)
        if judged and name in ("state", "effective_state"):
            name = "reported_state" if name == "state" else "state"
        keys[name] = bool(value) if name in _BOOLEAN and value is not None else plain(value)
    if isinstance(row, Usage):
        keys["priced_share"] = row.priced_share
        keys.setdefault("currency", "USD")
    return keys


def plain(value: object) -> object:
    """A value as JSON has it: decimals as text, times as RFC 3339 in UTC, no NaN."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Decimal):
        return decimal(value)
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, Sequence | set | frozenset):
        return [plain(part) for part in value]
    return str(value)


def decimal(value: Decimal) -> str:
    """`0.0123`: all digits that count, never an exponent."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
