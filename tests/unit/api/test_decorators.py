"""Decorators: a function stays what it is, and each call is an execution."""

from __future__ import annotations

import asyncio
import functools
import gc
import inspect
import pickle
import warnings
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

import exectrail
from exectrail.execution import Execution
from exectrail.testing import Recording

from .decorated import TheirError, agenerator, coroutine, ends, generator


@exectrail.step
def plain(a: int, *, b: int = 2) -> tuple[int, int, Execution | None]:
    """Its words."""
    return a, b, exectrail.current()


def test_functions_stay_what_they_are() -> None:
    assert not inspect.iscoroutinefunction(plain)
    assert not inspect.isgeneratorfunction(plain)
    assert inspect.iscoroutinefunction(coroutine)
    assert inspect.isgeneratorfunction(generator)
    assert inspect.isasyncgenfunction(agenerator)
    assert (plain.__name__, plain.__doc__, plain.__module__) == ("plain", "Its words.", __name__)
    assert str(inspect.signature(plain)).startswith("(a: 'int', *, b: 'int' = 2)")
    assert pickle.loads(pickle.dumps(plain)) is plain


def test_plain_function(told: Recording) -> None:
    a, b, own = plain(1, b=3)
    assert (a, b, own) == (1, 3, told.executions[0])
    assert ends(told) == [("plain", "completed", "")]
    with pytest.raises(TypeError):
        plain()  # pyright: ignore[reportCallIssue]
    assert told.executions[1].state == "failed"
    assert exectrail.current() is None


async def test_coroutine_function(told: Recording) -> None:
    waiting = coroutine(1)
    assert told.executions == []  # nothing runs before it is awaited
    a, own = await waiting
    assert (a, own) == (1, told.executions[0])
    assert exectrail.current() is told.attached is None
    assert own is not None
    assert (own.name, own.kind, own.about.target_type) == ("planner", "agent", "ticket")
    assert ends(told) == [("planner", "completed", "")]


def test_coroutine_that_is_never_awaited_is_no_execution(told: Recording) -> None:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        coroutine(1)
        gc.collect()
    assert [str(w.message) for w in said] == ["coroutine 'coroutine' was never awaited"]
    assert told.executions == []


async def test_coroutine_that_fails_leaves_nothing_current(told: Recording) -> None:
    @exectrail.step
    async def failing() -> None:
        raise TheirError

    with exectrail.workflow("w") as around:
        with pytest.raises(TheirError):
            await failing()
        assert exectrail.current() is told.attached is around


async def test_cancelled_task_is_cancelled(told: Recording) -> None:
    started = asyncio.Event()

    @exectrail.step
    async def forever() -> None:
        started.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(forever())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ends(told) == [("forever", "cancelled", "user_request")]


async def test_timeout_fails_with_its_reason(told: Recording) -> None:
    @exectrail.step
    async def late() -> None:
        async with asyncio.timeout(0):
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        await late()
    assert ends(told) == [("late", "failed", "timeout")]


async def test_function_that_returns_a_coroutine_ends_with_it(told: Recording) -> None:
    @exectrail.step
    def returns() -> Any:
        return coroutine(1)

    waiting = returns()
    assert inspect.iscoroutine(waiting)
    assert ends(told) == [("returns", "running", "")]
    assert exectrail.current() is None
    await waiting
    assert ends(told) == [("returns", "completed", ""), ("planner", "completed", "")]
    assert told.executions[1].parent is told.executions[0]


def raiser(how: str, error: BaseException) -> Callable[[], Any]:
    def plainly() -> None:
        raise error

    async def asynchronously() -> None:
        raise error

    def lazily() -> Iterator[int]:
        yield 1
        raise error

    async def both() -> AsyncIterator[int]:
        yield 1
        raise error

    def drain() -> list[int]:
        return list(exectrail.step("s")(lazily)())

    async def adrain() -> list[int]:
        return [item async for item in exectrail.step("s")(both)()]

    return {
        "plain": exectrail.step("s")(plainly),
        "async": lambda: asyncio.run(exectrail.step("s")(asynchronously)()),
        "generator": drain,
        "async generator": lambda: asyncio.run(adrain()),
    }[how]


@pytest.mark.parametrize("how", ["plain", "async", "generator", "async generator"])
def test_the_very_exception_leaves_and_nothing_keeps_it(told: Recording, how: str) -> None:
    gc.collect()
    gc.disable()
    try:
        error = TheirError("no")
        kept = weakref.ref(error)
        with pytest.raises(TheirError) as caught:
            raiser(how, error)()
        assert caught.value is error
        assert error.__context__ is error.__cause__ is None
        assert ends(told) == [("s", "failed", "error")]
        error.__traceback__ = None
        del error, caught
        assert kept() is None
    finally:
        gc.enable()


def test_recursion_nests(told: Recording) -> None:
    @exectrail.step
    def count(left: int) -> int:
        return left and 1 + count(left - 1)

    assert count(2) == 2
    assert told.tree() == "step count completed\n  step count completed\n    step count completed"


class Things:
    @exectrail.step
    def method(self) -> object:
        return self

    @exectrail.step
    @staticmethod
    def below(a: int) -> int:
        return a

    @staticmethod
    @exectrail.step
    def above(a: int) -> int:
        return a

    @exectrail.step("named")
    @classmethod
    def of_class(cls) -> type:
        return cls

    @exectrail.step
    @classmethod
    def of_class_bare(cls) -> type:
        return cls


def test_methods_are_methods(told: Recording) -> None:
    things = Things()
    assert things.method() is things
    assert things.below(1) == Things.below(1) == things.above(1) == 1
    assert things.of_class() is Things.of_class() is things.of_class_bare() is Things
    assert [e.name for e in told.executions] == [
        "method",
        "below",
        "below",
        "above",
        "named",
        "named",
        "of_class_bare",
    ]


async def test_what_is_no_function_can_be_wrapped(told: Recording) -> None:
    class Callable_:  # noqa: N801
        def __call__(self) -> int:
            return 7

    assert exectrail.step(functools.partial(max, 3))(5) == 5
    assert exectrail.step(Callable_())() == 7
    assert exectrail.step(len)([1]) == 1
    assert await exectrail.step(functools.partial(coroutine, 1))() == (1, told.executions[4])
    assert [e.name for e in told.executions[:4]] == ["partial", "Callable_", "len", "partial"]


def doubled(number: int) -> int:
    return 2 * number


doubled = exectrail.step(doubled)


def test_wrapped_functions_can_be_pickled_for_other_processes() -> None:
    assert pickle.loads(pickle.dumps(doubled)) is doubled


def test_a_block_as_decorator_names_after_each_function(told: Recording) -> None:
    block = exectrail.step()

    @block
    def one() -> None: ...

    @block
    def two() -> None: ...

    one()
    two()
    assert [e.name for e in told.executions] == ["one", "two"]
