"""Agents with their models and tools, and LangChain outside any graph."""

from __future__ import annotations

from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from langgraph.graph import END, START, MessagesState, StateGraph

from .fakes import HI, FakeChat, FakeStream, agent, look_up
from .runner import EMPTY, Runner, did, program


@tool
def broken(topic: str) -> str:
    """Fail."""
    raise ValueError("broken")


@program
def agent_with_tools(run: Runner) -> None:
    run(agent("solo", turns=2), HI)


@program
def supervisor_with_three_agents(run: Runner) -> None:
    names = ("researcher", "writer", "reviewer")
    visited: list[str] = []

    def next_agent(_state: Any) -> str:
        return next((name for name in names if name not in visited), END)

    def supervise(_state: Any) -> Any:
        return {}

    builder = StateGraph(MessagesState)
    builder.add_node("supervisor", run.node(supervise))
    builder.add_edge(START, "supervisor")
    builder.add_conditional_edges("supervisor", next_agent)
    for name in names:
        builder.add_node(name, agent(name))
        builder.add_node(f"note_{name}", run.node(lambda s, name=name: visited.append(name)))
        builder.add_edge(name, f"note_{name}")
        builder.add_edge(f"note_{name}", "supervisor")
    run(builder.compile(name="office"), HI)


@program
def agent_as_tool(run: Runner) -> None:
    helper = agent("helper", turns=0)

    @tool("delegate")
    def delegate(topic: str) -> str:
        """Hand the topic on."""
        return helper.invoke(HI)["messages"][-1].text

    run(create_agent(FakeChat(tool_name="delegate"), [delegate], name="chief"), HI)


@program
def tool_error_ends_the_run(run: Runner) -> None:
    made = create_agent(FakeChat(tool_name="broken"), [broken], name="clumsy")
    with pytest.raises(ValueError, match="broken"):
        run(made, HI)


@program
def tool_error_is_handled(run: Runner) -> None:
    from langgraph.prebuilt import ToolNode

    builder = StateGraph(MessagesState)
    builder.add_node("tools", ToolNode([broken], handle_tool_errors=True))
    builder.add_edge(START, "tools")
    call = {"name": "broken", "args": {"topic": "x"}, "id": "c-1"}
    run(builder.compile(name="careful"), {"messages": [AIMessage("", tool_calls=[call])]})


def calls_model(run: Runner, model: Any) -> Any:
    if run.is_async:
        return RunnableLambda(lambda s: {}, afunc=lambda s: _aside(model.ainvoke("hi")))
    return RunnableLambda(lambda s: _nothing(model.invoke("hi")))


def _nothing(_value: Any) -> dict[str, Any]:
    return {}


async def _aside(awaitable: Any) -> dict[str, Any]:
    return _nothing(await awaitable)


@program
def model_fallback(run: Runner) -> None:
    model = FakeChat(error="down").with_fallbacks([FakeChat()])
    run(run.graph("ask", {"ask": calls_model(run, model)}, name="models"), EMPTY)


@program
def model_error(run: Runner) -> None:
    graph = run.graph("ask", {"ask": calls_model(run, FakeChat(error="down"))}, name="models")
    with pytest.raises(ConnectionError):
        run(graph, EMPTY)


@program
def streamed_tokens(run: Runner) -> None:
    graph = run.graph("ask", {"ask": calls_model(run, FakeStream())}, name="tokens")
    run(graph, EMPTY, stream_mode="messages")


@program
def model_stream_closed(run: Runner) -> None:
    def read_one(_state: Any) -> Any:
        stream = FakeStream().stream("hi")
        next(stream)
        stream.close()
        return {}

    run(run.graph("ask", {"ask": RunnableLambda(read_one)}, name="tokens"), EMPTY)


@program
def alone(run: Runner) -> None:
    """A model, a chain and a tool without any graph."""
    run(FakeChat(), "hi")
    run(RunnableLambda(lambda x: x) | FakeChat() | RunnableLambda(lambda x: x), "hi")
    run(RunnableLambda(lambda x: x) | RunnableLambda(lambda x: x), "hi")
    run(look_up, {"topic": "tides"})


@program
def chain_around_a_graph(run: Runner) -> None:
    graph = run.graph("a", {"a": did("a")}, name="inside")
    run(RunnableLambda(lambda x: x) | graph | RunnableLambda(lambda x: x), EMPTY)
