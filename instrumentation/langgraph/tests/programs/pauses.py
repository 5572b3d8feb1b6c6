"""Programs that wait for a person or are stopped, and go on."""

from __future__ import annotations

from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.errors import GraphDrained
from langgraph.runtime import RunControl
from langgraph.types import Command, interrupt

from .fakes import HI, FakeChat, agent
from .runner import EMPTY, THREAD, Runner, did, flaky, program


@tool
def ask(topic: str) -> str:
    """Ask a person."""
    return interrupt("which one?")


def question(_state: Any) -> Any:
    return {"done": [interrupt("which?")]}


@program
def interrupted(run: Runner) -> None:
    nodes = {"a": did("a"), "ask": question, "b": did("b")}
    graph = run.graph("a>ask>b", nodes, name="ask", checkpointer=InMemorySaver())
    run(graph, EMPTY, THREAD)


@program
def interrupted_and_resumed(run: Runner) -> None:
    nodes = {"a": did("a"), "ask": question, "b": did("b")}
    graph = run.graph("a>ask>b", nodes, name="ask", checkpointer=InMemorySaver())
    run(graph, EMPTY, THREAD)
    run(graph, Command(resume="this"), THREAD)


@program
def asked_twice(run: Runner) -> None:
    def twice(_state: Any) -> Any:
        return {"done": [interrupt("which?"), interrupt("sure?")]}

    graph = run.graph("ask", {"ask": twice}, name="twice", checkpointer=InMemorySaver())
    run(graph, EMPTY, THREAD)
    run(graph, Command(resume="this"), THREAD)
    run(graph, Command(resume="yes"), THREAD)


@program
def interrupted_beside_a_branch(run: Runner) -> None:
    graph = run.graph(
        "ask, other",
        {"ask": question, "other": did("o")},
        name="side",
        checkpointer=InMemorySaver(),
    )
    run(graph, EMPTY, THREAD)
    run(graph, Command(resume="this"), THREAD)


@program
def interrupted_without_checkpointer(run: Runner) -> None:
    run(run.graph("ask", {"ask": question}, name="forgetful"), EMPTY, THREAD)


@program
def breakpoint_before(run: Runner) -> None:
    nodes = {"a": did("a"), "b": did("b")}
    options: Any = {"checkpointer": InMemorySaver(), "interrupt_before": ["b"]}
    graph = run.graph("a>b", nodes, name="break", **options)
    run(graph, EMPTY, THREAD)
    run(graph, None, THREAD)


@program
def breakpoint_after(run: Runner) -> None:
    nodes = {"a": did("a"), "b": did("b")}
    options: Any = {"checkpointer": InMemorySaver(), "interrupt_after": ["a"]}
    graph = run.graph("a>b", nodes, name="break", **options)
    run(graph, EMPTY, THREAD)
    run(graph, None, THREAD)


@program
def nested_interrupt_and_resume(run: Runner) -> None:
    inner = run.graph("i>ask", {"i": did("i"), "ask": question})
    graph = run.graph("sub", {"sub": inner}, name="nested", checkpointer=InMemorySaver())
    run(graph, EMPTY, THREAD)
    run(graph, Command(resume="this"), THREAD)


@program
def nested_breakpoint_and_resume(run: Runner) -> None:
    inner = run.graph("i>j", {"i": did("i"), "j": did("j")}, interrupt_before=["j"])
    graph = run.graph("sub", {"sub": inner}, name="nested", checkpointer=InMemorySaver())
    run(graph, EMPTY, THREAD)
    run(graph, None, THREAD)


@program
def interrupt_in_a_graph_called_in_a_node(run: Runner) -> None:
    inner = run.graph("ask", {"ask": question}, name="inner")
    outer = RunnableLambda(lambda s: inner.invoke(EMPTY), afunc=lambda s: inner.ainvoke(EMPTY))
    graph = run.graph("outer", {"outer": outer}, name="hand", checkpointer=InMemorySaver())
    run(graph, EMPTY, THREAD)
    run(graph, Command(resume="this"), THREAD)


@program
def human_in_the_loop(run: Runner) -> None:
    guarded = HumanInTheLoopMiddleware(interrupt_on={"look_up": True})
    made = agent("guarded", middleware=[guarded], checkpointer=InMemorySaver())
    run(made, HI, THREAD)
    run(made, Command(resume={"decisions": [{"type": "approve"}]}), THREAD)


@program
def tool_that_asks(run: Runner) -> None:
    made = create_agent(
        FakeChat(tool_name="ask"), [ask], name="curious", checkpointer=InMemorySaver()
    )
    run(made, HI, THREAD)
    run(made, Command(resume="this one"), THREAD)


@program
def question_read_from_a_stream_that_is_closed(run: Runner) -> None:
    graph = run.graph("ask", {"ask": question}, name="ask", checkpointer=InMemorySaver())
    if run.is_async:

        async def main() -> None:
            stream = graph.astream(EMPTY, THREAD, stream_mode="updates")
            async for _chunk in stream:
                break
            await stream.aclose()

        run.wait(main())
    else:
        stream = graph.stream(EMPTY, THREAD, stream_mode="updates")
        next(stream)
        stream.close()


@program
def drained_and_continued(run: Runner) -> None:
    control = RunControl()
    nodes = {"a": lambda s: control.request_drain("deploy"), "b": did("b")}
    inner = run.graph("a>b", nodes)
    graph = run.graph("sub", {"sub": inner}, name="drained", checkpointer=InMemorySaver())
    with pytest.raises(GraphDrained):
        run(graph, EMPTY, THREAD, control=control)
    run(graph, None, THREAD)


@program
def failed_and_continued(run: Runner) -> None:
    nodes = {"a": did("a"), "bad": flaky(1)}
    graph = run.graph("a>bad", nodes, name="again", checkpointer=InMemorySaver())
    with pytest.raises(ConnectionError):
        run(graph, EMPTY, THREAD)
    run(graph, None, THREAD)


@program
def forked(run: Runner) -> None:
    graph = run.graph("ask", {"ask": question}, name="fork", checkpointer=InMemorySaver())
    run(graph, EMPTY, THREAD)
    before = graph.get_state(THREAD).config
    run(graph, Command(resume="this"), THREAD)
    run(graph, Command(resume="that"), before)
