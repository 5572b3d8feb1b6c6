"""The highest of the latest values, for any number of those who ask since when.

Executions overlap, and each wants the peak of its own life. Kept are only values that no later one
has reached, so they fall from the oldest to the newest, and one list serves all.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Final

MOST: Final = 1024
"""Values kept: a process that only ever shrinks, a little each time."""


class Peaks:
    """Values in order of time, asked for their highest since a moment."""

    def __init__(self) -> None:
        self._moments: list[int] = []
        self._values: list[int] = []

    def add(self, moment: int, value: int) -> None:
        """Note a value. Moments never fall."""
        while self._values and self._values[-1] <= value:
            self._values.pop()
            self._moments.pop()
        self._moments.append(moment)
        self._values.append(value)
        if len(self._values) > MOST:  # the oldest stays: it is the peak of who began before it
            del self._values[1], self._moments[1]

    def since(self, moment: int) -> int | None:
        """The highest value at this moment or later."""
        at = bisect_left(self._moments, moment)
        return self._values[at] if at < len(self._values) else None
