"""Each row of `scenarios.toml`: what a program becomes in each mode, from invoke to astream.

A program is written once. `Runner` runs its graphs in the mode of the test; its nodes are plain
functions, or coroutine functions in the async modes where `Runner.node` wraps them.
"""

from __future__ import annotations

import asyncio
import contextvars
import itertools
import operator
import threading
import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Any, TypedDict

import pytest
from exectrail_langgraph import LangGraphInstrumentor
from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.errors import GraphDrained, GraphRecursionError
from langgraph.func import entrypoint, task
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.runtime import RunControl
from langgraph.types import Command, RetryPolicy, Send, interrupt

import exectrail
from exectrail import guard, runtime
from exectrail.testing import Recording, recording

TABLE = tomllib.loads(Path(__file__).with_name("scenarios.toml").read_text())["scenario"]
MODES = ["invoke", "stream", "ainvoke", "astream"]
THREAD: Any = {"configurable": {"thread_id": "t-1"}}
HI: Any = {"messages": [("user", "hi")]}
EMPTY: Any = {"done": []}
QUICK = RetryPolicy(max_attempts=2, initial_interval=0.001, jitter=False, retry_on=ConnectionError)

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


class FakeChat(BaseChatModel):
    """Asks for its tool `turns` times, then answers. A call: 11 tokens in, 5 out, 3 cached."""

    turns: int = 1
    tool_name: str = "look_up"
    error: str = ""
    calls: int = 0

    @property
    def _llm_type(self) -> str:
        return "fake"

    def _get_ls_params(self, stop: Any = None, **kwargs: Any) -> Any:
        return {"ls_provider": "openai", "ls_model_name": "gpt-4o-mini", "ls_model_type": "chat"}

    def bind_tools(self, tools: Any, **kwargs: Any) -> FakeChat:
        return self

    def _answer(self, kind: type[AIMessage]) -> AIMessage:
        if self.error:
            raise ConnectionError(self.error)
        self.calls += 1
        asks = self.calls <= self.turns
        name, call = self.tool_name, f"call-{self.calls}"
        details: Any = {
            "tool_calls": [{"name": name, "args": {"topic": "tides"}, "id": call}] if asks else []
        }
        if kind is AIMessageChunk:
            details = {}
        return kind(
            content="an answer",
            usage_metadata={
                "input_tokens": 11,
                "output_tokens": 5,
                "total_tokens": 16,
                "input_token_details": {"cache_read": 3},
            },
            response_metadata={"model_name": "gpt-4o-mini", "finish_reason": "stop"},
            **details,
        )

    def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **_: Any) -> Any:
        return ChatResult(generations=[ChatGeneration(message=self._answer(AIMessage))])


class FakeStream(FakeChat):
    """Streams its answer in three chunks; the last one has the usage."""

    turns: int = 0

    def _stream(self, messages: Any, stop: Any = None, run_manager: Any = None, **_: Any) -> Any:
        for word in ("an", "answer"):
            yield ChatGenerationChunk(message=AIMessageChunk(content=word))
        last = self._answer(AIMessageChunk)
        assert isinstance(last, AIMessageChunk)
        yield ChatGenerationChunk(message=last)


@tool
def look_up(topic: str) -> str:
    """Look a topic up."""
    return "twice a day"


@tool
def ask(topic: str) -> str:
    """Ask a person."""
    return interrupt("which one?")


@tool
def broken(topic: str) -> str:
    """Fail."""
    raise ValueError("broken")


def agent(name: str, turns: int = 1, **options: Any) -> Any:
    return create_agent(FakeChat(turns=turns), [look_up], name=name, **options)


# -- plain graphs ----------------------------------------------------------------------------------


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


# -- agents ----------------------------------------------------------------------------------------


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


# -- errors ----------------------------------------------------------------------------------------


def fail(_state: Any) -> Any:
    raise ValueError("no")


@program
def node_error(run: Runner) -> None:
    with pytest.raises(ValueError, match="no"):
        run(run.graph("a>bad>c", {"a": did("a"), "bad": fail, "c": did("c")}, name="bad"), EMPTY)


@program
def node_error_after_parallel_success(run: Runner) -> None:
    nodes = {"a": did("a"), "b": did("b"), "bad": fail}
    with pytest.raises(ValueError, match="no"):
        run(run.graph("a>bad, b>bad", nodes, name="partial"), EMPTY)


@program
def node_error_in_sub_graph(run: Runner) -> None:
    inner = run.graph("i", {"i": fail})
    with pytest.raises(ValueError, match="no"):
        run(run.graph("sub", {"sub": inner}, name="deep"), EMPTY)


def siblings(run: Runner, error: Exception) -> Any:
    """Two branches: when one is at work, the other one fails."""
    started, astarted = threading.Event(), asyncio.Event()

    def slow(_state: Any) -> Any:
        started.set()

    def bad(_state: Any) -> Any:
        started.wait(5)
        raise error

    async def abad(_state: Any) -> Any:
        await astarted.wait()
        raise error

    builder = StateGraph(Done)
    builder.add_node("slow", hanging(astarted) if run.is_async else slow)
    builder.add_node("bad", abad if run.is_async else bad)
    builder.add_edge(START, "slow")
    builder.add_edge(START, "bad")
    return builder.compile(name="siblings")


@program
def sibling_fails(run: Runner) -> None:
    with pytest.raises(ValueError, match="no"):
        run(siblings(run, ValueError("no")), EMPTY)


@program
def sibling_times_out(run: Runner) -> None:
    """The step did not take too long, its node did: the sibling is cancelled, not late."""
    with pytest.raises(TimeoutError):
        run(siblings(run, TimeoutError("mine")), EMPTY)


@program
def error_handler(run: Runner) -> None:
    handled = run.node(lambda s: {"done": ["handled"]})
    run(run.graph("bad", {"bad": (fail, {"error_handler": handled})}, name="handled"), EMPTY)


@program
def recursion_limit(run: Runner) -> None:
    builder = StateGraph(Done)
    builder.add_node("again", run.node(did("x")))
    builder.add_edge(START, "again")
    builder.add_edge("again", "again")
    with pytest.raises(GraphRecursionError):
        run(builder.compile(name="endless"), EMPTY, {"recursion_limit": 3})


def flaky(failures: int) -> Callable[[Any], Any]:
    tries: list[int] = []

    def node(_state: Any) -> Any:
        tries.append(1)
        if len(tries) <= failures:
            raise ConnectionError("down")
        return {"done": ["x"]}

    return node


@program
def retry_then_success(run: Runner) -> None:
    run(run.graph("a", {"a": (flaky(1), {"retry_policy": QUICK})}, name="retry"), EMPTY)


@program
def retry_exhausted(run: Runner) -> None:
    with pytest.raises(ConnectionError):
        run(run.graph("a", {"a": (flaky(9), {"retry_policy": QUICK})}, name="retry"), EMPTY)


@program
def retry_of_a_sub_graph_that_had_saved(run: Runner) -> None:
    inner = run.graph("i>j", {"i": did("i"), "j": flaky(1)})
    nodes = {"sub": (inner, {"retry_policy": QUICK})}
    run(run.graph("sub", nodes, name="retry", checkpointer=InMemorySaver()), EMPTY, THREAD)


# -- ends from outside -----------------------------------------------------------------------------


def hanging(started: asyncio.Event) -> Any:
    async def node(_state: Any) -> Any:
        started.set()
        await asyncio.sleep(60)

    return node


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


# -- pauses ----------------------------------------------------------------------------------------


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


# -- the functional API ----------------------------------------------------------------------------


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


# -- models, and LangChain outside any graph -------------------------------------------------------


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


# -- threads, and the API around and inside --------------------------------------------------------


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


# -- the test --------------------------------------------------------------------------------------


@pytest.fixture
def record() -> Iterator[Recording]:
    guard.reset()
    instrumentor = LangGraphInstrumentor()
    with recording("acme") as recorder:
        instrumentor.activate()
        yield recorder
        instrumentor.uninstrument()


def rows() -> Iterator[Any]:
    for row in TABLE:
        for mode in row.get("modes", MODES):
            yield pytest.param(row, mode, id=f"{row['program']}-{mode}")


@pytest.mark.parametrize(("row", "mode"), list(rows()))
def test_scenario(row: dict[str, Any], mode: str, record: Recording) -> None:
    runner = Runner(mode)
    try:
        PROGRAMS[row["program"]](runner)
    finally:
        runner.loop.run_until_complete(runner.loop.shutdown_asyncgens())
        runner.loop.close()

    assert record.tree(ordered=row.get("ordered", True)) == row["tree"].strip()
    assert record.refused == []
    assert guard.dropped() == {}
    assert runtime.executions().open_count == 0
    assert LangGraphInstrumentor.tracker is not None
    assert len(LangGraphInstrumentor.tracker) == 0
    assert _pauses_match(record) == []
    assert _pauses_share_a_key(record) == []
    assert _sequences_have_gaps(record) == []


def _pauses_match(record: Recording) -> list[str]:
    """Resumed executions whose pause is not there: same key, kind and name, and earlier."""
    wrong: list[str] = []
    paused: set[tuple[str, str, str]] = set()
    for execution, change in record.transitions:
        known = (execution.resume_key, execution.kind, execution.name)
        if change.state == "paused":
            paused.add(known)
        if change.previous == "paused" and (not execution.resume_key or known not in paused):
            wrong.append(f"{execution!r} {execution.resume_key}")
    return wrong


def _pauses_share_a_key(record: Recording) -> list[str]:
    """Keys under which two executions of one run pause: a resume would not know which it meant."""
    keys = [(e.root_id, e.resume_key) for e in record.executions if e.state == "paused"]
    return [key for root, key in keys if key and keys.count((root, key)) > 1]


def _sequences_have_gaps(record: Recording) -> list[str]:
    wrong: list[str] = []
    for execution in record.executions:
        told = [change.sequence for owner, change in record.transitions if owner is execution]
        told += [n for call, n in record.told.items() if call.execution is execution and n]
        if sorted(told) != list(range(1, len(told) + 1)):
            wrong.append(f"{execution!r} {sorted(told)}")
    return wrong


def test_every_program_is_in_the_table() -> None:
    assert sorted(PROGRAMS) == sorted({row["program"] for row in TABLE})
