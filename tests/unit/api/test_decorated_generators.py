"""Decorated generators: lazy as ever, and one execution from the first item to the last."""

from __future__ import annotations

import asyncio
import gc
import sys
import weakref
from collections.abc import AsyncGenerator, Generator, Iterator
from typing import Any

import pytest

import exectrail
from exectrail.execution import Execution
from exectrail.testing import Recording

from .decorated import TheirError, ends, generator


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
