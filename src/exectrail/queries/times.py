"""The times in ids that are UUIDv7 (RFC 9562, section 5.7), as the column `created` has them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

NO_TIME: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""Of ids that tell none."""
LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)
"""Where the tables put what says that it was made later."""

_DIGITS: Final = 12
"""Hexadecimal digits of an id that are its millisecond."""
_BEGINNING: Final = re.compile("[0-9a-f-]*")


def made(execution_id: str) -> datetime:
    """When an execution was made, by its id; `NO_TIME` where that tells nothing."""
    try:
        found = UUID(execution_id)
    except ValueError:
        return NO_TIME
    return _moment(found.int >> 80) if found.version == 7 else NO_TIME


def made_between(beginning: str) -> tuple[datetime, datetime]:
    """From when until when executions were made whose ids begin so and tell a time.

    Args:
        beginning: In lower case.

    Returns:
        Both `NO_TIME` where no such id begins so.
    """
    if not _BEGINNING.fullmatch(beginning):
        return NO_TIME, NO_TIME
    digits = beginning.replace("-", "")[:_DIGITS]
    first, last = (int(digits.ljust(_DIGITS, rest), 16) for rest in "0f")
    return _moment(first), _moment(last)


def _moment(milliseconds: int) -> datetime:
    latest = int(LATEST.timestamp() * 1000)
    return datetime.fromtimestamp(min(milliseconds, latest) / 1000, UTC)
