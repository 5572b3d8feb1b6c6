"""What a task of a pool brings along into the process that runs it.

A task's function travels as a `Passenger`, which unpickles as the function itself: the worker runs
what it would run without us, with no frame of ours in any traceback. Loaded in workers where
nothing else of exectrail may be: it imports nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

text: str | None = None
"""The parent that came with the latest task, as `parent.write` has it; empty for none, None where
no task came. A worker runs one task at a time."""


class Passenger:
    """A function that a pool takes to another process, and the parent that goes with it."""

    __slots__ = ("_function", "_text")

    def __init__(self, function: Callable[..., Any], text: str) -> None:
        self._function = function
        self._text = text

    def __reduce__(self) -> tuple[Any, ...]:
        return arrive, (self._text, self._function)


def arrive(brought: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Unpickled in the worker, just before it runs the task."""
    global text
    text = brought
    return function
