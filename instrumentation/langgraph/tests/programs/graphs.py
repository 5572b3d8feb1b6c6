"""Plain graphs, the functional API, and what stands around and inside."""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from langchain_core.runnables import RunnableLambda
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.func import entrypoint, task
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, Send, interrupt

import exectrail

from .fakes import FakeChat, look_up
from .runner import EMPTY, THREAD, Done, Runner, did, program


@program
def two_steps(run: Runner) -> None:
    run(run.graph("a>b", {"a": did("a"), "b": did("b")}, name="plain"), EMPTY)


@program
def a_loop(run: Runner) -> None:
    builder = StateGraph(Done)
    builder.add_node("work", run.node(did("x")))
    builder.add_edge(START, "work")
    builder.add_conditional_edges("work", lambda s: "work" if len(s["done"]) < 3 else END)
    run(builder.compile(name="loop"), EMPTY)


@program
def parallel_branches(run: Runner) -> None:
    nodes = {name: did(name) for name in ("a", "b", "c", "join")}
    run(run.graph("a>join, b>join, c>join", nodes, name="wide"), EMPTY)


@program
def send_map(run: Runner) -> None:
    builder = StateGraph(Done)
    builder.add_node("split", run.node(lambda s: {}))
    builder.add_node("work", run.node(did("x")))
    builder.add_edge(START, "split")
    builder.add_conditional_edges("split", lambda s: [Send("work", {"done": []}) for _ in range(3)])
    run(builder.compile(name="map"), EMPTY)


@program
def command_goto(run: Runner) -> None:
    builder = StateGraph(Done)
    builder.add_node("a", run.node(lambda s: Command(goto="c")), destinations=("b", "c"))
    builder.add_node("b", run.node(did("b")))
    builder.add_node("c", run.node(did("c")))
    builder.add_edge(START, "a")
    run(builder.compile(name="goto"), EMPTY)


@program
def command_to_parent(run: Runner) -> None:
    inner = run.graph("i", {"i": lambda s: Command(goto="next", graph=Command.PARENT)})
    builder = StateGraph(Done)
    builder.add_node("sub", inner, destinations=("next",))
    builder.add_node("next", run.node(did("next")))
    builder.add_edge(START, "sub")
    run(builder.compile(name="parent"), EMPTY)


@program
def batch(run: Runner) -> None:
    graph = run.graph("a", {"a": did("a")}, name="batch")
    if run.is_async:
        run.wait(graph.abatch([EMPTY, EMPTY]))
    else:
        graph.batch([EMPTY, EMPTY])


@program
def graph_called_in_a_node(run: Runner) -> None:
    inner = run.graph("i", {"i": did("i")}, name="inner")
    if run.is_async:

        async def outer(state: Any) -> Any:
            return await inner.ainvoke({"done": []})

        node: Any = RunnableLambda(outer)
    else:
        node = RunnableLambda(lambda state: inner.invoke({"done": []}))
    builder = StateGraph(Done)
    builder.add_node("outer", node)
    builder.add_edge(START, "outer")
    run(builder.compile(name="hand"), EMPTY)


def tasks(run: Runner, body: Callable[[int], int]) -> Any:
    if not run.is_async:
        return task(body, name="count")

    async def count(number: int) -> int:
        return body(number)

    return task(count)


def entry(run: Runner, times: int, counts: Any, **options: Any) -> Any:
    if run.is_async:

        async def main(number: int) -> int:
            for _ in range(times):
                number = await counts(number)
            return number

    else:

        def main(number: int) -> int:
            for _ in range(times):
                number = counts(number).result()
            return number

    main.__name__ = "counting"
    return entrypoint(**options)(main)


@program
def functional(run: Runner) -> None:
    run(entry(run, 3, tasks(run, lambda number: number + 1)), 1)


@program
def functional_interrupt_and_resume(run: Runner) -> None:
    counts = tasks(run, lambda number: interrupt("how many?"))
    made = entry(run, 1, counts, checkpointer=InMemorySaver())
    run(made, 1, THREAD)
    run(made, Command(resume=4), THREAD)


@program
def threads(run: Runner) -> None:
    model = FakeChat()

    def fan_out(_state: Any) -> Any:
        with ThreadPoolExecutor() as pool:
            pool.submit(contextvars.copy_context().run, model.invoke, "with context").result()
            pool.submit(model.invoke, "without").result()
        return {}

    run(run.graph("fan", {"fan": RunnableLambda(fan_out)}, name="threads"), EMPTY)


@program
def blocks_of_the_api(run: Runner) -> None:
    def node(_state: Any) -> Any:
        with exectrail.step("mine"):
            FakeChat().invoke("hi")
            look_up.invoke({"topic": "tides"})
        return {}

    with exectrail.task("around"):
        run(run.graph("work", {"work": RunnableLambda(node)}, name="blocks"), EMPTY)
