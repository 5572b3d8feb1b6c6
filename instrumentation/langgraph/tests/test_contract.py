"""The contract that every adapter keeps, for LangGraph: sync and async, results, chunks, errors."""

from __future__ import annotations

import asyncio
import inspect
import operator
from collections.abc import Mapping
from typing import Annotated, Any, TypedDict

from exectrail_langgraph import LangGraphInstrumentor, forest, hooks, tracker, translate
from langchain.agents import create_agent
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.tracers import context as tracers_context
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph
from langgraph.pregel import _loop, main
from langgraph.types import Command, RetryPolicy, interrupt

from exectrail.execution.current import _resolvers
from exectrail.testing.contract import AdapterContract, Program, Site

USAGE: Any = {"input_tokens": 7, "output_tokens": 2, "total_tokens": 9}


class State(TypedDict, total=False):
    done: Annotated[list[str], operator.add]


class FakeChat(GenericFakeChatModel):
    def bind_tools(self, tools: Any, **kwargs: Any) -> FakeChat:
        return self


def look_up(topic: str) -> str:
    """Look a topic up."""
    return "twice a day"


def agent() -> Any:
    call = {"name": "look_up", "args": {"topic": "tides"}, "id": "call-1"}
    answers = [
        AIMessage("", id="m-1", tool_calls=[call], usage_metadata=USAGE),
        AIMessage("twice", id="m-2", usage_metadata=USAGE),
    ]
    return create_agent(FakeChat(messages=iter(answers)), [look_up], name="helper")


def texts(state: Any) -> list[str]:
    return [message.text for message in state["messages"]]


class OwnCallbacks(BaseCallbackHandler):
    def __init__(self) -> None:
        self.heard: list[str] = []

    def on_chain_start(self, *args: Any, name: str = "", **kwargs: Any) -> None:
        self.heard.append(f"start {name}")

    def on_tool_end(self, output: Any, **kwargs: Any) -> None:
        self.heard.append(f"tool {output.content}")


def asking() -> Any:
    builder = StateGraph(State)
    builder.add_node("before", lambda s: {"done": ["before"]})
    builder.add_node("ask", lambda s: {"done": [interrupt("which?")]})
    builder.add_edge(START, "before")
    builder.add_edge("before", "ask")
    return builder.compile(name="asking", checkpointer=InMemorySaver())


THREAD: Any = {"configurable": {"thread_id": "t-1"}}
HI: Any = {"messages": [("user", "hi")]}


def failing() -> Any:
    tries: list[int] = []

    def flaky(_state: State) -> Any:
        tries.append(1)
        raise ConnectionError(f"down {len(tries)}")

    policy = RetryPolicy(max_attempts=2, initial_interval=0.0, jitter=False)
    builder = StateGraph(State)
    builder.add_node("inner", lambda s: {"done": ["x"]})
    builder.add_node("flaky", flaky, retry_policy=policy)
    builder.add_edge(START, "inner")
    builder.add_edge("inner", "flaky")
    return builder.compile(name="failing")


def agent_runs() -> Any:
    own = OwnCallbacks()
    listed = [own]
    result = agent().invoke(HI, {"callbacks": listed})
    return texts(result), own.heard, listed == [own]


async def agent_runs_async() -> Any:
    own = OwnCallbacks()
    result = await agent().ainvoke(HI, {"callbacks": [own]})
    return texts(result), own.heard


def agent_streams() -> Any:
    chunks = agent().stream(HI, stream_mode=["updates", "messages"], subgraphs=True)
    return [_shape(chunk) for chunk in chunks]


async def agent_streams_async() -> Any:
    return [_shape(chunk) async for chunk in agent().astream(HI, stream_mode="messages")]


def _shape(chunk: Any) -> Any:
    if isinstance(chunk, tuple):
        return tuple(_shape(part) for part in chunk)
    if isinstance(chunk, dict):
        return sorted(str(key) for key in chunk)
    return getattr(chunk, "text", None) or type(chunk).__name__


def pauses_and_resumes() -> Any:
    graph = asking()
    first = graph.invoke({"done": []}, THREAD)
    return first["__interrupt__"][0].value, graph.invoke(Command(resume="this"), THREAD)


async def pauses_and_resumes_async() -> Any:
    graph = asking()
    first = await graph.ainvoke({"done": []}, THREAD)
    return first["__interrupt__"][0].value, await graph.ainvoke(Command(resume="this"), THREAD)


def fails() -> Any:
    return failing().invoke({"done": []})


async def fails_async() -> Any:
    return await failing().ainvoke({"done": []})


async def is_cancelled() -> Any:
    started = asyncio.Event()

    async def hangs(_state: State) -> Any:
        started.set()
        await asyncio.sleep(60)

    builder = StateGraph(State)
    builder.add_node("hangs", hangs)
    builder.add_edge(START, "hangs")
    running = asyncio.create_task(builder.compile(name="hangs").ainvoke({"done": []}))
    await started.wait()
    running.cancel()
    await running


def is_closed_early() -> Any:
    stream = asking().stream({"done": []}, THREAD, stream_mode="updates")
    first = next(stream)
    stream.close()
    return first


def model_alone() -> Any:
    model = FakeChat(messages=iter([AIMessage("a b", id="m-1", usage_metadata=USAGE)]))
    return [chunk.text for chunk in model.stream("hi")]


PROGRAMS: list[Program] = [
    agent_runs,
    agent_runs_async,
    agent_streams,
    agent_streams_async,
    pauses_and_resumes,
    pauses_and_resumes_async,
    fails,
    fails_async,
    is_cancelled,
    is_closed_early,
    model_alone,
]


def _functions(place: Any, label: str) -> list[Site]:
    return [
        (f"{label}.{name}", place, name)
        for name, _ in inspect.getmembers(place, inspect.isfunction)
        if not name.startswith("__") and (inspect.isclass(place) or _is_own(place, name))
    ]


def _is_own(module: Any, name: str) -> bool:
    return getattr(module, name).__module__ == module.__name__


class TestLangGraph(AdapterContract):
    adapter = LangGraphInstrumentor

    def programs(self) -> Mapping[str, Program]:
        return {getattr(program, "__name__", ""): program for program in PROGRAMS}

    def hook_sites(self) -> list[Site]:
        own = [name for name in vars(hooks.Handler) if name.startswith("on_")]
        return [
            *[(f"Handler.{name}", hooks.Handler, name) for name in own],
            *_functions(tracker.Tracker, "Tracker"),
            *_functions(forest.Forest, "Forest"),
            *_functions(translate, "translate"),
        ]

    def hooked(self) -> Mapping[str, object]:
        return {
            "hooks": list(tracers_context._configure_hooks),
            "resolvers": list(_resolvers),
            "PregelLoop.__init__": vars(_loop.PregelLoop)["__init__"],
            **{name: vars(main)[name] for name in hooks.MANAGERS},
        }
