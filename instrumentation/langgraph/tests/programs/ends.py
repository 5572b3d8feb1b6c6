"""Ends from outside: cancelled, closed, out of time."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from langgraph.graph import START, StateGraph
from langgraph.types import RetryPolicy

from .fakes import FakeChat
from .runner import EMPTY, Done, Runner, did, hanging, program


@program
def cancelled_task(run: Runner) -> None:
    async def main() -> None:
        started = asyncio.Event()
        inner = run.graph("slow", {"slow": RunnableLambda(hanging(started))})
        graph = run.graph("quick>sub", {"quick": did("q"), "sub": inner}, name="cancelled")
        running = asyncio.create_task(graph.ainvoke(EMPTY))
        await started.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    run.wait(main())


@program
def cancelled_tool_and_model(run: Runner) -> None:
    """LangChain tells neither of a cancelled tool's end, nor of a cancelled model's."""

    async def main() -> None:
        started = asyncio.Event()

        @tool("hang")
        async def hang(topic: str) -> str:
            """Hang."""
            started.set()
            await asyncio.sleep(60)
            return ""

        class Hanging(FakeChat):
            async def _agenerate(self, *args: Any, **kwargs: Any) -> Any:
                started.set()
                await asyncio.sleep(60)

        async def model(_state: Any) -> Any:
            await Hanging().ainvoke("hi")

        async def uses_tool(_state: Any) -> Any:
            await hang.ainvoke({"topic": "x"})

        for node in (model, uses_tool):
            started.clear()
            graph = run.graph("work", {"work": RunnableLambda(node)}, name="cancelled")
            running = asyncio.create_task(graph.ainvoke(EMPTY))
            await started.wait()
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running

    run.wait(main())


@program
def cancelled_in_a_node_that_goes_on(run: Runner) -> None:
    async def main() -> None:
        started = asyncio.Event()
        inner = run.graph("slow", {"slow": RunnableLambda(hanging(started))}, name="inner")

        async def patient(_state: Any) -> Any:
            running = asyncio.create_task(inner.ainvoke(EMPTY))
            await started.wait()
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            await FakeChat().ainvoke("and now?")
            return {"done": ["without"]}

        await run.graph("patient", {"patient": RunnableLambda(patient)}, name="on").ainvoke(EMPTY)

    run.wait(main())


@program
def closed_stream(run: Runner) -> None:
    graph = run.graph("a>b", {"a": did("a"), "b": did("b")}, name="closed")
    if run.is_async:

        async def main() -> None:
            stream = graph.astream(EMPTY, stream_mode="updates")
            async for _chunk in stream:
                break
            await stream.aclose()

        run.wait(main())
    else:
        stream = graph.stream(EMPTY, stream_mode="updates")
        next(stream)
        stream.close()


@program
def closed_stream_with_a_node_at_work(run: Runner) -> None:
    async def main() -> None:
        started = asyncio.Event()
        nodes = {"quick": did("q"), "slow": RunnableLambda(hanging(started))}
        graph = run.graph("quick, slow", nodes, name="closed")
        stream = graph.astream(EMPTY, stream_mode="updates")
        async for _chunk in stream:
            break
        await started.wait()
        await stream.aclose()

    run.wait(main())


@program
def step_timeout(run: Runner) -> None:
    if run.is_async:
        node: Any = RunnableLambda(hanging(asyncio.Event()))
    else:
        node = RunnableLambda(lambda state: (threading.Event().wait(0.5) and None) or {"done": []})
    graph = run.graph("quick, slow", {"quick": did("q"), "slow": node}, name="late")
    graph.step_timeout = 0.2
    with pytest.raises(TimeoutError):
        run(graph, EMPTY)


@program
def node_timeout_and_retry(run: Runner) -> None:
    tries: list[int] = []

    async def slow_at_first(_state: Any) -> Any:
        tries.append(1)
        if len(tries) == 1:
            await asyncio.sleep(60)
        return {"done": ["x"]}

    builder = StateGraph(Done)
    policy = RetryPolicy(max_attempts=2, initial_interval=0.001, jitter=False)
    builder.add_node("slow", slow_at_first, timeout=0.2, retry_policy=policy)
    builder.add_edge(START, "slow")
    run(builder.compile(name="late"), EMPTY)
