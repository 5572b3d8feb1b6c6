"""Decorated async generators: sent to, closed, cancelled, left to the loop, side by side."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import pytest

import exectrail
from exectrail.execution import Execution
from exectrail.testing import Recording

from .decorated import TheirError, agenerator, ends


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
