"""Functions and classes of the standard library that are wrapped, and how they are put back."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any, SupportsIndex

import wrapt

Wrapper = Callable[[Any, Any, Any, Any], Any]
"""Called with what is wrapped, its instance, arguments and keywords."""


class Wrapped(wrapt.FunctionWrapper):  # pyright: ignore[reportMissingTypeArgument]  not in 1.17
    """Looks like what it wraps, and pickles as that: a pool's task may be a function of `os`."""

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]:
        return pickle.loads, (pickle.dumps(self.__wrapped__, int(protocol)),)

    def __reduce__(self) -> tuple[Any, ...]:
        return self.__reduce_ex__(pickle.DEFAULT_PROTOCOL)


class Patches:
    """What is in place. Undone it is gone; buried under another's wrapper it does nothing."""

    def __init__(self) -> None:
        self._on = True
        self._undo: list[Callable[[], None]] = []

    def active(self) -> bool:
        """Whether the patches are to do anything."""
        return self._on

    def wrap(self, place: Any, name: str, wrapper: Wrapper) -> None:
        """Wrap a function or method; signature and kind stay as they were."""
        self.replace(place, name, lambda original: Wrapped(original, wrapper, enabled=self.active))

    def replace(self, place: Any, name: str, make: Callable[[Any], Any]) -> None:
        """Put something in place of an attribute.

        Raises:
            KeyError: There is no such attribute.
        """
        original = vars(place)[name]
        ours = make(original)
        setattr(place, name, ours)

        def undo() -> None:
            if vars(place).get(name) is ours:
                setattr(place, name, original)

        self._undo.append(undo)

    def undo(self) -> None:
        """Put everything back, the last one first."""
        self._on = False
        while self._undo:
            self._undo.pop()()
