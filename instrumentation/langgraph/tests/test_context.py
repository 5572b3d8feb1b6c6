"""What is current in the program's code: its execution, and a model call while it works."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from exectrail_langgraph import LangGraphInstrumentor
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from langgraph.graph import START, MessagesState, StateGraph

import exectrail
from exectrail.execution import Execution, ModelCall, current
from exectrail.testing import Recording, recording

EMPTY: Any = {"messages": []}


@pytest.fixture
def record() -> Iterator[Recording]:
    instrumentor = LangGraphInstrumentor()
    with recording() as recorder:
        instrumentor.activate()
        yield recorder
        instrumentor.uninstrument()


class Client(BaseChatModel):
    """Looks at what is attached where a provider's client would make its own span."""

    recorder: Any
    seen: list[Any]

    @property
    def _llm_type(self) -> str:
        return "client"

    def _generate(self, messages: Any, *args: Any, **kwargs: Any) -> Any:
        self.seen.append(self.recorder.attached)
        return ChatResult(generations=[ChatGeneration(message=AIMessage("hi"))])

    async def _agenerate(self, messages: Any, *args: Any, **kwargs: Any) -> Any:
        await asyncio.sleep(0)
        return self._generate(messages)


class StreamingClient(Client):
    def _stream(self, messages: Any, *args: Any, **kwargs: Any) -> Any:
        self.seen.append(self.recorder.attached)
        for word in ["a", "b", "c"]:
            yield ChatGenerationChunk(message=AIMessageChunk(content=word))


def graph(node: Any) -> Any:
    builder = StateGraph(MessagesState)
    builder.add_node("node", node)
    builder.add_edge(START, "node")
    return builder.compile(name="graph")


def names(*found: Execution | None) -> list[str]:
    return [f"{e.kind} {e.name}" if e is not None else "none" for e in found]


def test_node_and_tool_are_current_in_their_code(record: Recording) -> None:
    seen: list[Execution | None] = []

    @tool
    def look_up(topic: str) -> str:
        """Look a topic up."""
        seen.append(current())
        return "found"

    def node(_state: Any) -> Any:
        seen.append(current())
        look_up.invoke({"topic": "tides"})
        with exectrail.step("block"):
            seen.append(current())
        seen.append(current())

    graph(node).invoke(EMPTY)

    assert names(*seen) == ["step node", "tool look_up", "step block", "step node"]
    assert current() is None


async def test_node_is_current_in_async_code(record: Recording) -> None:
    seen: list[Execution | None] = []

    async def node(_state: Any) -> Any:
        await asyncio.sleep(0)
        seen.append(current())
        await asyncio.create_task(asyncio.to_thread(lambda: seen.append(current())))

    await graph(node).ainvoke(EMPTY)

    assert names(*seen, current()) == ["step node", "step node", "none"]


def test_chain_outside_a_graph_is_current_in_its_code(record: Recording) -> None:
    seen: list[Execution | None] = []
    chain = RunnableLambda(lambda x: seen.append(current())) | RunnableLambda(lambda x: x)

    chain.invoke("x")

    assert names(*seen) == ["task RunnableSequence"]
    assert record.tree() == "task RunnableSequence completed"


def test_model_call_is_attached_while_its_client_works(record: Recording) -> None:
    client = Client(recorder=record, seen=[])

    def node(_state: Any) -> Any:
        client.invoke("hi")
        client.seen.append(record.attached)

    graph(node).invoke(EMPTY)

    assert client.seen == [record.calls[0], None]
    assert isinstance(client.seen[0], ModelCall)


async def test_model_call_is_attached_while_its_async_client_works(record: Recording) -> None:
    client = Client(recorder=record, seen=[])

    async def node(_state: Any) -> Any:
        await asyncio.gather(client.ainvoke("one"), client.ainvoke("two"))
        client.seen.append(record.attached)

    await graph(node).ainvoke(EMPTY)
    await client.ainvoke("outside")

    assert client.seen == [record.calls[0], record.calls[1], None, record.calls[2]]
    assert record.attached is None


def test_nothing_is_attached_between_the_chunks_of_a_stream(record: Recording) -> None:
    client = StreamingClient(recorder=record, seen=[])

    between = [record.attached for _chunk in client.stream("hi")]

    assert client.seen == [record.calls[0]]
    assert set(between) == {None}


@pytest.mark.parametrize("by", ["model", "tool"])
def test_what_was_cancelled_is_told_when_the_node_goes_on(record: Recording, by: str) -> None:
    started = asyncio.Event()

    async def hangs(_state: Any) -> Any:
        started.set()
        await asyncio.sleep(60)

    inner = graph(hangs)
    client = Client(recorder=record, seen=[])
    states: list[str] = []

    @tool
    def look_up(topic: str) -> str:
        """Look a topic up."""
        return "found"

    async def node(_state: Any) -> Any:
        running = asyncio.create_task(inner.ainvoke(EMPTY))
        await started.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await (client.ainvoke("go on") if by == "model" else look_up.ainvoke({"topic": "x"}))
        states.extend(str(e.state) for e in record.executions)

    asyncio.run(graph(node).ainvoke(EMPTY))

    assert states[:4] == ["running", "running", "cancelled", "cancelled"]
