"""Functions and classes of the standard library that are wrapped, and how they are put back.

Without wrapt: importing that takes longer than a small program, and here are few functions, each of
a known kind.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from types import BuiltinFunctionType
from typing import Any, SupportsIndex

Wrapper = Callable[[Any, tuple[Any, ...], dict[str, Any]], Any]
"""Called with what is wrapped, arguments (the instance first) and keywords."""


class Patches:
    """What is in place. Undone it is gone; buried under another's wrapper it does nothing."""

    def __init__(self) -> None:
        self._on = True
        self._undo: list[Callable[[], None]] = []

    def active(self) -> bool:
        """Whether the patches are to do anything."""
        return self._on

    def wrap(self, place: Any, name: str, wrapper: Wrapper) -> None:
        """Wrap a function or method; signature and kind stay as they were.

        Raises:
            KeyError: There is no such attribute.
        """

        def make(original: Callable[..., Any]) -> Callable[..., Any]:
            def ours(*args: Any, **kwargs: Any) -> Any:
                if self._on:
                    return wrapper(original, args, kwargs)
                return original(*args, **kwargs)

            if isinstance(original, BuiltinFunctionType):
                return Builtin(original, ours)
            return wraps(original)(ours)

        self.replace(place, name, make)

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


class Builtin:
    """A wrapped function of C. It takes no instance where it stands in a class, as those do not,
    and pickles as the function itself, which a task of a pool may be."""

    def __init__(self, original: Callable[..., Any], call: Callable[..., Any]) -> None:
        self.__wrapped__ = original
        self.__module__ = original.__module__
        self._call = call

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._call(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__wrapped__, name)

    def __repr__(self) -> str:
        return repr(self.__wrapped__)

    # What `isinstance` asks besides the type.
    __class__ = property(lambda _self: BuiltinFunctionType)  # pyright: ignore

    @property
    def __doc__(self) -> str | None:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.__wrapped__.__doc__

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]:
        import pickle

        return pickle.loads, (pickle.dumps(self.__wrapped__, int(protocol)),)
