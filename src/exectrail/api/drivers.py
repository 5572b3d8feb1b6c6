"""Drives the four kinds of functions, each as it is: sync stays sync, a generator stays lazy.

An execution of a generator starts with its first item. It is attached only while the generator's
own code runs, never across a `yield`: the context there is the caller's.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from typing import Any, TypeVar, cast

from exectrail.api.run import Run

F = TypeVar("F", bound=Callable[..., Any])
R = TypeVar("R")
Begin = Callable[[], Run]
Resume = Callable[[Any], Any]


def driven(function: F, begin: Begin) -> F:
    """Wrap a function so that each call is a run.

    Args:
        function: Sync, async, generator or async generator function; also a plain one that returns
            a coroutine.
        begin: Starts the run.
    """
    if inspect.isasyncgenfunction(function):
        wrapper = _async_generator(function, begin)
    elif inspect.iscoroutinefunction(function):
        wrapper = _coroutine(function, begin)
    elif inspect.isgeneratorfunction(function):
        wrapper = _generator(function, begin)
    else:
        wrapper = _plain(function, begin)
    return cast(F, functools.wraps(function)(wrapper))


def _plain(function: Callable[..., Any], begin: Begin) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        run = begin()
        run.attach()
        try:
            value = function(*args, **kwargs)
        except BaseException as error:
            run.detach()
            run.end(error)
            raise
        run.detach()
        if inspect.iscoroutine(value):
            return _awaited(value, run)
        run.end(None)
        return value

    return wrapper


def _coroutine(function: Callable[..., Any], begin: Begin) -> Callable[..., Any]:
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        return await _awaited(function(*args, **kwargs), begin())

    return wrapper


async def _awaited(coroutine: Coroutine[Any, Any, R], run: Run) -> R:
    run.attach()
    try:
        value = await coroutine
    except BaseException as error:
        run.detach()
        run.end(error)
        raise
    run.detach()
    run.end(None)
    return value


def _generator(function: Callable[..., Any], begin: Begin) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        items: Generator[Any, Any, Any] = function(*args, **kwargs)
        run = begin()
        advance: Resume = items.send
        given, closed = None, False
        while True:
            run.attach()
            try:
                item = advance(given)
            except StopIteration as stop:
                run.detach()
                run.end(GeneratorExit() if closed else None)
                return stop.value
            except BaseException as error:
                run.detach()
                run.end(error)
                raise
            finally:
                given = None  # else an exception that was thrown in would hold this frame
            run.detach()
            try:
                advance, given, closed = items.send, (yield item), False
            except BaseException as thrown:  # noqa: BLE001  handed on to the generator
                # Closing too: a generator may answer it with its last word.
                advance, given = cast(Resume, items.throw), thrown
                closed = isinstance(thrown, GeneratorExit)

    return wrapper


def _async_generator(function: Callable[..., Any], begin: Begin) -> Callable[..., Any]:
    async def wrapper(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        items: AsyncGenerator[Any, Any] = function(*args, **kwargs)
        run = begin()
        advance: Resume = functools.partial(_first_asend, items)
        given, closed = None, False
        while True:
            run.attach()
            try:
                item = await advance(given)
            except StopAsyncIteration:
                run.detach()
                run.end(GeneratorExit() if closed else None)
                return
            except BaseException as error:
                run.detach()
                run.end(error)
                raise
            finally:
                given = None
            run.detach()
            try:
                advance, given, closed = items.asend, (yield item), False
            except BaseException as thrown:  # noqa: BLE001  handed on to the generator
                advance, given = cast(Resume, items.athrow), thrown
                closed = isinstance(thrown, GeneratorExit)

    return wrapper


def _first_asend(items: AsyncGenerator[Any, Any], _given: object) -> Any:
    """The first step of an async generator, which the event loop does not get to know.

    Ours around it is the one that the loop knows and closes when it shuts down. It would close both
    at once, and complain that one of them is already running.
    """
    hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(None, None)
    try:
        return items.asend(None)
    finally:
        sys.set_asyncgen_hooks(*hooks)
