"""Pools of processes: each task takes along what is current where it is handed in.

A pool lives longer than the execution that made it, and its processes longer than their
environment says anything of what they do.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from exectrail.execution import current
from exectrail.guard import guard
from exectrail.propagation.arrival import Passenger
from exectrail.propagation.environment import task_parent
from exectrail.propagation.threads import Lent

if TYPE_CHECKING:
    from exectrail.propagation.patches import Patches

_GUARD: Final = guard("propagation.pool")


def patch(patches: Patches, when_imported: Callable[[str, Callable[[], None]], None]) -> None:
    """Send along with every task from now on."""

    def futures() -> None:
        from concurrent.futures import process

        with _GUARD:
            patches.replace(process, "_WorkItem", lambda item: _accompanied(item, patches))

    def pools() -> None:
        from multiprocessing import pool

        with _GUARD:
            patches.wrap(pool.Pool, "apply_async", _applied)
            patches.wrap(pool.Pool, "_guarded_task_generation", _mapped)

    when_imported("concurrent.futures.process", futures)
    when_imported("multiprocessing.pool", pools)


def _accompanied(item: type[Any], patches: Patches) -> type[Any]:
    class WorkItem(item):
        """A task whose function takes along what is current where it was submitted."""

        def __init__(self, future: Any, fn: Any, args: Any, kwargs: Any) -> None:
            if patches.active():
                fn = _boarding(fn)
            super().__init__(future, fn, args, kwargs)

    return WorkItem


def _applied(wrapped: Any, args: Any, kwargs: Any) -> Any:
    if len(args) > 1:
        args = (args[0], _taken(args[0], args[1]), *args[2:])
    elif args and "func" in kwargs:
        kwargs = {**kwargs, "func": _taken(args[0], kwargs["func"])}
    return wrapped(*args, **kwargs)


def _mapped(wrapped: Any, args: Any, kwargs: Any) -> Any:
    # Called where the program maps; the generator that it makes runs in a thread of the pool.
    if len(args) > 2:
        args = (*args[:2], _taken(args[0], args[2]), *args[3:])
    return wrapped(*args, **kwargs)


def _taken(pool: Any, function: Any) -> Any:
    with _GUARD:
        from multiprocessing.pool import ThreadPool

        return Lent(function, current()) if isinstance(pool, ThreadPool) else _boarding(function)
    return function


def _boarding(function: Any) -> Any:
    with _GUARD:
        if _same_python():
            return Passenger(function, task_parent())
    return function


def _same_python() -> bool:
    """Whether the workers have what this process has: forked, or of the same Python and path."""
    from multiprocessing.spawn import get_executable

    executable = get_executable()
    return bool(executable) and os.fsencode(executable) == os.fsencode(sys.executable)
