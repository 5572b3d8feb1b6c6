"""A program is written once, and `Runner` runs its graphs in the mode of the test.

Its nodes are plain functions, or coroutine functions in the async modes where `Runner.node` wraps
them.
"""

from __future__ import annotations

import asyncio
import itertools
import operator
from collections.abc import Callable
from typing import Annotated, Any, TypedDict

from langgraph.graph import START, StateGraph

MODES = ["invoke", "stream", "ainvoke", "astream"]
THREAD: Any = {"configurable": {"thread_id": "t-1"}}
EMPTY: Any = {"done": []}
PROGRAMS: dict[str, Callable[[Runner], None]] = {}


def program(run: Callable[[Runner], None]) -> Callable[[Runner], None]:
    PROGRAMS[run.__name__] = run
    return run


class Done(TypedDict, total=False):
    done: Annotated[list[str], operator.add]


class Runner:
    """Runs graphs in one mode."""

    def __init__(self, mode: str) -> None:
        self.mode = mode
        self.is_async = mode.startswith("a")
        self.loop = asyncio.new_event_loop()

    def __call__(self, graph: Any, given: Any, config: Any = None, **options: Any) -> Any:
        if self.mode == "invoke":
            return graph.invoke(given, config, **options)
        if self.mode == "stream":
            return list(graph.stream(given, config, **options))
        if self.mode == "ainvoke":
            return self.wait(graph.ainvoke(given, config, **options))

        async def collect() -> list[Any]:
            return [chunk async for chunk in graph.astream(given, config, **options)]

        return self.wait(collect())

    def wait(self, awaitable: Any) -> Any:
        return self.loop.run_until_complete(awaitable)

    def node(self, function: Callable[[Any], Any]) -> Any:
        if not self.is_async:
            return function

        async def coroutine(state: Any) -> Any:
            await asyncio.sleep(0)
            return function(state)

        return coroutine

    def graph(self, edges: str, nodes: dict[str, Any], schema: Any = Done, **options: Any) -> Any:
        """A graph from paths like `a>b, c>b`; their first nodes follow the start."""
        builder = StateGraph(schema)
        for name, node in nodes.items():
            extra = {}
            if isinstance(node, tuple):
                node, extra = node
            plain = callable(node) and not hasattr(node, "invoke")
            builder.add_node(name, self.node(node) if plain else node, **extra)
        for path in edges.split(","):
            for source, target in itertools.pairwise([START, *path.strip().split(">")]):
                builder.add_edge(source, target)
        return builder.compile(**options)


def did(name: str) -> Callable[[Any], Any]:
    return lambda state: {"done": [name]}


def flaky(failures: int) -> Callable[[Any], Any]:
    tries: list[int] = []

    def node(_state: Any) -> Any:
        tries.append(1)
        if len(tries) <= failures:
            raise ConnectionError("down")
        return {"done": ["x"]}

    return node


def hanging(started: asyncio.Event) -> Any:
    async def node(_state: Any) -> Any:
        started.set()
        await asyncio.sleep(60)

    return node
