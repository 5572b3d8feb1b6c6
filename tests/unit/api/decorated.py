"""Decorated functions that tests call, and how the executions of their calls ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator
from typing import Any

import exectrail
from exectrail.execution import Execution
from exectrail.testing import Recording


def ends(told: Recording) -> list[tuple[str, str | None, str]]:
    return [(e.name, e.state and e.state.value, e.reason) for e in told.executions]


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


class TheirError(Exception): ...
