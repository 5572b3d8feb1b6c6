"""Threads, and tasks of thread pools, belong to the execution that started them, while it is open.

Our own current execution goes along and nothing else of the context: what else a thread sees is
the program's to say. Each is set beneath the frames that catch the program's exceptions, so
tracebacks are as without us.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Context, Token
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from exectrail.execution import current
from exectrail.execution.current import CURRENT, LENT
from exectrail.guard import guard

if TYPE_CHECKING:
    from exectrail.execution import Execution
    from exectrail.propagation.patches import Patches

_GUARD: Final = guard("propagation.thread")


def patch(patches: Patches, when_imported: Callable[[str, Callable[[], None]], None]) -> None:
    """Lend to every thread from now on."""
    import threading

    def pools() -> None:
        from concurrent.futures import thread

        with _GUARD:
            patches.replace(thread, "_WorkItem", lambda item: _lending(item, patches))

    patches.replace(threading.Thread, "_bootstrap", lambda run: Bootstrap(run, patches))
    when_imported("concurrent.futures.thread", pools)


class Bootstrap:
    """In place of `Thread._bootstrap`, which `Thread.start` asks for in the starting thread."""

    def __init__(self, original: Callable[..., None], patches: Patches) -> None:
        self._original = original
        self._patches = patches

    def __get__(self, thread: Any, owner: type | None = None) -> Any:
        bound = self._original.__get__(thread, owner)
        lent = None
        with _GUARD:
            lent = current() if thread is not None and self._patches.active() else None
        return bound if lent is None else partial(_begin, bound, thread, lent)


def _begin(run: Callable[[], None], thread: Any, lent: Execution) -> None:
    with _GUARD:
        # From Python 3.14 on the thread's code runs in a context that was made for it.
        context = getattr(thread, "_context", None)
        if not isinstance(context, Context):
            lend(lent)
        elif context.get(CURRENT) is None:
            context.run(lend, lent)
    run()


def _lending(item: type[Any], patches: Patches) -> type[Any]:
    class WorkItem(item):
        """A task that knows what was current where it was submitted."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self._lent: Execution | None = None
            with _GUARD:
                self._lent = current() if patches.active() else None

        def run(self, *args: Any, **kwargs: Any) -> None:
            tokens = lend(self._lent)
            try:
                super().run(*args, **kwargs)
            finally:
                take_back(tokens)

    return WorkItem


class Lent:
    """A function for a task of `multiprocessing.pool.ThreadPool`, whose threads do nothing else.

    Looked up to be called, it makes its execution the thread's and gives the function itself: no
    frame of ours is in what that raises.
    """

    __slots__ = ("_function", "_lent")

    def __init__(self, function: Callable[..., Any], lent: Execution | None) -> None:
        self._function = function
        self._lent = lent

    @property
    def __call__(self) -> Callable[..., Any]:
        lend(self._lent)
        return self._function


Tokens = tuple[Token["Execution | None"], Token["Execution | None"]]


def lend(execution: Execution | None) -> Tokens:
    """Make an execution current for this thread as long as it is open; None for none."""
    return CURRENT.set(execution), LENT.set(execution)


def take_back(tokens: Tokens) -> None:
    """Undo that."""
    CURRENT.reset(tokens[0])
    LENT.reset(tokens[1])
