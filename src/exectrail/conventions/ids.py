"""Ids of executions, workers and supervisors: UUID version 7, so that text order is creation order.

RFC 9562, section 5.7.
"""

from __future__ import annotations

import os

_VERSION = 0x7 << 76
_VARIANT = 0b10 << 62
_RANDOM_A = ((1 << 12) - 1) << 64
_RANDOM_B = (1 << 62) - 1


def uuid7(unix_ns: int) -> str:
    """A new id.

    Args:
        unix_ns: Nanoseconds since the epoch; the id keeps the milliseconds.

    Returns:
        The canonical text form, 36 characters.
    """
    random = int.from_bytes(os.urandom(10), "big")
    milliseconds = (unix_ns // 1_000_000) & ((1 << 48) - 1)
    value = (milliseconds << 80) | _VERSION | _VARIANT
    value |= (random & _RANDOM_A) | (random & _RANDOM_B)
    digits = f"{value:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
