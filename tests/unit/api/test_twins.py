"""A decorated generator and its bare twin do the same, whatever is asked of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

import exectrail
from exectrail.testing import recording


def counting() -> Generator[Any, Any, str]:
    answers: list[Any] = []
    for number in range(3):
        answers.append((yield number))
    return f"got {answers}"


def catching() -> Generator[Any, Any, str]:
    for turn in range(4):
        try:
            yield turn
        except (KeyError, GeneratorExit) as error:
            yield f"caught {type(error).__name__}"
    return "end"


def cleaning() -> Generator[Any, Any, None]:
    try:
        yield 1
        yield 2
    finally:
        raise OSError("in its cleaning")


def ending() -> Generator[Any, Any, str]:
    try:
        yield 1
    except BaseException:
        return "ended by it"
    return "ended"


def delegating() -> Generator[Any, Any, Any]:
    return (yield from catching())


def stopping() -> Generator[Any, Any, Any]:
    yield 1
    raise StopIteration("not allowed")


async def acounting() -> AsyncGenerator[Any, Any]:
    answer = None
    for number in range(3):
        await asyncio.sleep(0)
        answer = yield number, answer


async def acatching() -> AsyncGenerator[Any, Any]:
    for turn in range(4):
        try:
            yield turn
        except KeyError as error:
            await asyncio.sleep(0)
            yield f"caught {type(error).__name__}"


async def acleaning() -> AsyncGenerator[Any, Any]:
    try:
        yield 1
        yield 2
    finally:
        await asyncio.sleep(0)
        raise OSError("in its cleaning")


async def aending() -> AsyncGenerator[Any, Any]:
    try:
        yield 1
    except BaseException:
        return


THROWN = [KeyError, ValueError, GeneratorExit, StopIteration, StopAsyncIteration, OSError]
acts = st.lists(
    st.one_of(
        st.just(("next", None)),
        st.tuples(st.just("send"), st.integers(0, 3)),
        st.tuples(st.just("throw"), st.sampled_from(THROWN)),
        st.just(("close", None)),
    ),
    max_size=8,
)
CLOSING = [("close", None)] * 5
"""Until the most stubborn one is at its end."""


def shown(error: BaseException) -> tuple[str, ...]:
    context = error.__context__
    cause = error.__cause__
    return (
        type(error).__name__,
        str(error),
        "" if cause is None else repr(cause),
        "" if context is None else repr(context),
    )


def play(make: Callable[[], Generator[Any, Any, Any]], history: list[tuple[str, Any]]) -> list[Any]:
    items = make()
    seen: list[Any] = []
    for act, argument in [*history, *CLOSING]:
        try:
            match act:
                case "next":
                    seen.append(next(items))
                case "send":
                    seen.append(items.send(argument))
                case "throw":
                    seen.append(items.throw(argument("thrown")))
                case _:
                    seen.append(items.close())
        except BaseException as error:
            seen.append((*shown(error), getattr(error, "value", None)))
    return seen


async def aplay(
    make: Callable[[], AsyncGenerator[Any, Any]], history: list[tuple[str, Any]]
) -> list[Any]:
    items = make()
    seen: list[Any] = []
    for act, argument in [*history, *CLOSING]:
        try:
            match act:
                case "next":
                    seen.append(await anext(items))
                case "send":
                    seen.append(await items.asend(argument))
                case "throw":
                    seen.append(await items.athrow(argument("thrown")))
                case _:
                    seen.append(await items.aclose())
        except BaseException as error:
            seen.append(shown(error))
    return seen


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from([counting, catching, cleaning, ending, delegating, stopping]),
    acts,
)
def test_generators(
    make: Callable[[], Generator[Any, Any, Any]], history: list[tuple[str, Any]]
) -> None:
    with recording() as told:
        assert play(exectrail.step(make), history) == play(make, history)
        started = any(act == "next" or (act, arg) == ("send", None) for act, arg in history)
        assert len(told.executions) <= int(started)
        assert exectrail.current() is told.attached is None


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([acounting, acatching, acleaning, aending]), acts)
def test_async_generators(
    make: Callable[[], AsyncGenerator[Any, Any]], history: list[tuple[str, Any]]
) -> None:
    async def both() -> tuple[list[Any], list[Any]]:
        return await aplay(exectrail.step(make), history), await aplay(make, history)

    with recording() as told:
        wrapped, bare = asyncio.run(both())
        assert wrapped == bare
        assert exectrail.current() is told.attached is None
