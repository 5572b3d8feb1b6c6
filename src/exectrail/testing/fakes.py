"""A clock and ids that are the same in every run."""

from __future__ import annotations

import itertools
from typing import Final

START_NS: Final = 1_767_225_600_000_000_000
"""2026-01-01T00:00:00Z."""


class FakeClock:
    """A clock that moves by one step with each look at it.

    Args:
        start_ns: The first time, nanoseconds since the epoch.
        step_ns: How far it moves each time; one millisecond by default.
    """

    def __init__(self, start_ns: int = START_NS, step_ns: int = 1_000_000) -> None:
        self._times = itertools.count(start_ns, step_ns)

    def __call__(self) -> int:
        """The time, nanoseconds since the epoch."""
        return next(self._times)


class FakeIds:
    """Ids in the shape of UUID version 7, numbered from 1."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def __call__(self, unix_ns: int) -> str:
        """The next id. It keeps the time as a real one does: text order is order of creation."""
        milliseconds = f"{unix_ns // 1_000_000:012x}"
        return f"{milliseconds[:8]}-{milliseconds[8:]}-7000-8000-{next(self._numbers):012x}"
