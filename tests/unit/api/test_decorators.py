"""Decorators: a function stays what it is, and each call is an execution."""

from __future__ import annotations

import asyncio
import functools
import gc
import inspect
import pickle
import sys
import warnings
import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
from typing import Any

import pytest

import exectrail
from exectrail.execution import Execution
from exectrail.testing import Recording


def ends(told: Recording) -> list[tuple[str, str | None, str]]:
    return [(e.name, e.state and e.state.value, e.reason) for e in told.executions]


@exectrail.step
def plain(a: int, *, b: int = 2) -> tuple[int, int, Execution | None]:
    """Its words."""
    return a, b, exectrail.current()


@exectrail.agent("planner", target_type="ticket")
async def coroutine(a: int) -> tuple[int, Execution | None]:
    await asyncio.sleep(0)
    return a, exectrail.current()


@exectrail.task("items")
def generator(count: int) -> Generator[Any, Any, str]:
    answers: list[Any] = []
    for number in range(count):
        assert exectrail.current() is not None
        answers.append((yield number))
    return f"got {answers}"


@exectrail.tool()
async def agenerator(count: int) -> AsyncGenerator[Any, Any]:
    answer: Any = None
    for number in range(count):
        await asyncio.sleep(0)
        assert exectrail.current() is not None
        answer = yield number, answer


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


class TheirError(Exception): ...


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


def test_generator_is_lazy_and_ends_with_its_last_item(told: Recording) -> None:
    items = generator(2)
    assert told.executions == []
    assert next(items) == 0
    assert ends(told) == [("items", "running", "")]
    assert exectrail.current() is None
    assert items.send("a") == 1
    with pytest.raises(StopIteration) as stop:
        items.send("b")
    assert stop.value.value == "got ['a', 'b']"
    assert ends(told) == [("items", "completed", "")]
    assert list(items) == []
    assert len(told.executions) == 1


def test_generator_never_started_is_no_execution(told: Recording) -> None:
    generator(1).close()
    with pytest.raises(KeyError):
        generator(1).throw(KeyError())
    assert told.executions == []


def test_generator_closed_early_is_cancelled(told: Recording) -> None:
    for leave in ("close", "break", "forget"):
        items = generator(5)
        if leave == "break":
            for _ in items:
                break
        else:
            next(items)
        if leave == "close":
            items.close()
        del items
    assert ends(told) == [("items", "cancelled", "stream_closed")] * 3


@pytest.mark.skipif(sys.version_info < (3, 13), reason="close() returns a value since 3.13")
def test_close_returns_what_the_generator_returns(told: Recording) -> None:
    items = exectrail.step(stubborn)()
    next(items)
    assert items.close() == "closed"  # pyright: ignore[reportGeneralTypeIssues]


def stubborn() -> Generator[Any, Any, str]:
    """Answers what is thrown into it."""
    while True:
        try:
            yield "item"
        except KeyError as error:
            yield error
        except GeneratorExit:
            return "closed"


def refusing() -> Iterator[str]:
    while True:
        try:
            yield "item"
        except GeneratorExit:
            yield "never"


def test_what_is_thrown_in_reaches_the_generator(told: Recording) -> None:
    items = exectrail.step(stubborn)()
    thrown = KeyError("k")
    assert next(items) == "item"
    assert items.throw(thrown) is thrown
    assert next(items) == "item"
    assert ends(told) == [("stubborn", "running", "")]
    with pytest.raises(LookupError):
        items.throw(LookupError())
    assert ends(told) == [("stubborn", "failed", "error")]


def test_generator_that_answers_its_closing_was_closed_early(told: Recording) -> None:
    items = exectrail.step(stubborn)()
    next(items)
    items.close()
    assert ends(told) == [("stubborn", "cancelled", "stream_closed")]


def test_generator_may_go_on_after_a_thrown_generator_exit(told: Recording) -> None:
    """As without us: only `close` insists."""
    items = exectrail.step(refusing)()
    next(items)
    assert items.throw(GeneratorExit()) == "never"  # pyright: ignore[reportAttributeAccessIssue]
    assert next(items) == "item"
    with pytest.raises(RuntimeError, match="generator ignored GeneratorExit"):
        items.close()  # pyright: ignore[reportAttributeAccessIssue]
    assert len(told.executions) == 1


def test_error_while_closing_fails_it_and_leaves(told: Recording) -> None:
    @exectrail.step
    def leaking() -> Iterator[int]:
        try:
            yield 1
        finally:
            raise TheirError

    items = leaking()
    next(items)
    with pytest.raises(TheirError):
        items.close()  # pyright: ignore[reportAttributeAccessIssue]
    assert ends(told) == [("leaking", "failed", "error")]


def test_thrown_exceptions_are_not_kept(told: Recording) -> None:
    def thrown_into(items: Generator[Any, Any, Any]) -> weakref.ref[TheirError]:
        next(items)
        error = TheirError()
        try:
            items.throw(error)
        except TheirError as caught:
            assert caught is error  # noqa: PT017
        kept = weakref.ref(error)
        del error
        return kept

    async def unruffled() -> AsyncGenerator[int, None]:
        yield 1

    async def athrown_into(items: AsyncGenerator[Any, Any]) -> weakref.ref[TheirError]:
        await anext(items)
        error = TheirError()
        try:
            await items.athrow(error)
        except TheirError as caught:
            assert caught is error  # noqa: PT017
        kept = weakref.ref(error)
        del error
        return kept

    gc.collect()
    gc.disable()
    try:
        assert thrown_into(stubborn())() is None  # without us
        assert thrown_into(exectrail.step(stubborn)())() is None
        assert asyncio.run(athrown_into(unruffled()))() is None
        assert asyncio.run(athrown_into(exectrail.step(unruffled)()))() is None
    finally:
        gc.enable()


def test_nothing_is_attached_across_a_yield(told: Recording) -> None:
    """Two generators taken in turns: neither lies within the other, nor the caller in them."""

    @exectrail.step
    def inner() -> Iterator[Execution | None]:
        for _ in range(2):
            with exectrail.tool("t"):
                found = exectrail.current()
            yield found and found.parent

    with exectrail.workflow("w") as around:
        one, two = inner(), inner()
        pairs = [(next(one), next(two)) for _ in range(2)]
        assert exectrail.current() is told.attached is around
    first, second = told.executions[1], told.executions[3]
    assert pairs == [(first, second), (first, second)]
    assert first.parent is second.parent is around


async def test_async_generator_sends_and_ends(told: Recording) -> None:
    items = agenerator(2)
    assert told.executions == []
    assert await anext(items) == (0, None)
    assert exectrail.current() is None
    assert await items.asend("a") == (1, "a")
    assert ends(told) == [("agenerator", "running", "")]
    with exectrail.workflow("w") as around:
        with pytest.raises(StopAsyncIteration):
            await items.asend("b")
        assert exectrail.current() is told.attached is around
    assert ends(told) == [("agenerator", "completed", ""), ("w", "completed", "")]


async def test_async_generator_that_fails_leaves_nothing_current(told: Recording) -> None:
    @exectrail.step
    async def failing() -> AsyncIterator[int]:
        yield 1
        raise TheirError

    items = failing()
    await anext(items)
    with exectrail.workflow("w") as around:
        with pytest.raises(TheirError):
            await anext(items)
        assert exectrail.current() is told.attached is around
    assert ends(told)[0] == ("failing", "failed", "error")


async def test_async_generator_closed_early_is_cancelled(told: Recording) -> None:
    items = agenerator(5)
    await anext(items)
    await items.aclose()
    await agenerator(1).aclose()  # never started
    assert ends(told) == [("agenerator", "cancelled", "stream_closed")]


async def test_async_generator_left_to_the_loop_is_cancelled(told: Recording) -> None:
    async for _ in agenerator(5):
        break
    gc.collect()
    for _ in range(10):
        await asyncio.sleep(0)
    assert ends(told) == [("agenerator", "cancelled", "stream_closed")]


def test_loop_that_ends_closes_async_generators_as_ever(
    told: Recording, caplog: pytest.LogCaptureFixture
) -> None:
    cleaned: list[str] = []

    @exectrail.step
    async def cleaning(name: str) -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            await asyncio.sleep(0)
            cleaned.append(name)

    async def leave_early() -> list[AsyncIterator[int]]:
        streams = [cleaning(name) for name in "abc"]
        for stream in streams:
            await anext(stream)
        return streams

    streams = asyncio.run(leave_early())
    assert sorted(cleaned) == ["a", "b", "c"]
    assert len(streams) == 3
    assert caplog.records == []
    assert ends(told) == [("cleaning", "cancelled", "stream_closed")] * 3


async def test_what_is_thrown_in_reaches_the_async_generator(told: Recording) -> None:
    @exectrail.step
    async def answering() -> AsyncGenerator[Any, Any]:
        while True:
            try:
                yield "item"
            except KeyError as error:
                yield error
            except GeneratorExit:
                await asyncio.sleep(0)
                return

    items = answering()
    thrown = KeyError("k")
    assert await anext(items) == "item"
    assert await items.athrow(thrown) is thrown
    assert await anext(items) == "item"
    await items.aclose()
    assert ends(told) == [("answering", "cancelled", "stream_closed")]

    other = answering()
    await anext(other)
    with pytest.raises(LookupError):
        await other.athrow(LookupError())
    assert ends(told)[1] == ("answering", "failed", "error")


async def test_cancelled_within_an_async_generator_is_cancelled(told: Recording) -> None:
    @exectrail.step
    async def waiting() -> AsyncGenerator[int, None]:
        yield 1
        await asyncio.Event().wait()

    async def drain() -> None:
        async for _ in waiting():
            pass

    task = asyncio.create_task(drain())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ends(told) == [("waiting", "cancelled", "user_request")]


async def test_async_generators_side_by_side_do_not_mix(told: Recording) -> None:
    @exectrail.step
    async def work(name: str) -> AsyncGenerator[tuple[str, Execution | None], None]:
        for _ in range(3):
            await asyncio.sleep(0)
            with exectrail.tool(name) as own:
                await asyncio.sleep(0)
            yield name, own.parent

    async def drain(name: str) -> set[tuple[str, Execution | None]]:
        found = set[tuple[str, Execution | None]]()
        async for item in work(name):
            assert exectrail.current() is around
            await asyncio.sleep(0)
            found.add(item)
        return found

    with exectrail.workflow("w") as around:
        found = await asyncio.gather(*(drain(name) for name in "abc"))
    for name, items in zip("abc", found, strict=True):
        [(own, parent)] = items
        assert own == name
        assert parent is not None
        assert parent.parent is around
        tools = [e for e in told.executions if e.parent is parent]
        assert [tool.name for tool in tools] == [name] * 3


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
