"""The graphs of the program that dies, and how their nodes tell the log what happens.

A node cannot tell when it has ended, so the next one does it; what is about to start the one before
tells. Keys of nodes are places: `THREAD/node@visit`, beneath a node that is a graph one more.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final

from crash_truth import BEGIN, CALL, CUT, ENDED, ENDING, STARTED, UNWOUND
from langchain_core.messages import HumanMessage
from langchain_core.tools import tool
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt
from typing_extensions import TypedDict
from workload import FakeChat

import exectrail

if TYPE_CHECKING:
    from crash_program import Program

TURNS: Final = 2


class State(TypedDict, total=False):
    turns: Annotated[int, operator.add]


def _next(state: State) -> str:
    return "think" if state.get("turns", 0) < TURNS else "write"


class Run:
    """One run of a graph: its thread, what is about to end, and what is about to start."""

    def __init__(self, program: Program, place: str, thread: str) -> None:
        self.program = program
        self.place = place
        self.thread = thread
        self.config: Any = {"configurable": {"thread_id": thread}}
        self._ending: list[str] = []
        self._open: dict[str, None] = {}

    def begin(self, *nodes: str, parents: Sequence[str] = ()) -> None:
        """The next call starts these."""
        for index, node in enumerate(nodes):
            key = self.key(node)
            parent = parents[index] if parents else self.thread
            self._open[key] = None
            self.program.log.tell(BEGIN, key, p="" if key == self.thread else parent, c=self.place)

    def enter(self, *nodes: str) -> None:
        """These have started, and what was about to end has."""
        self.settle()
        for node in nodes:
            self.program.log.tell(STARTED, self.key(node))

    def leave(self, *nodes: str, state: str = "completed", reason: str = "") -> None:
        """These are about to end."""
        for node in nodes:
            self.program.log.tell(ENDING, self.key(node), s=state, r=reason)
            self._ending.append(self.key(node))

    def settle(self) -> None:
        """What was about to end has ended."""
        for key in self._ending:
            self._open.pop(key, None)
            self.program.log.tell(ENDED, key)
        self._ending.clear()

    def forget(self) -> None:
        """What was about to end goes on."""
        self._ending.clear()

    def cut(self) -> None:
        """All that is open is about to be cut."""
        for key in self._open:
            self.program.log.tell(CUT, key)

    def key(self, node: str) -> str:
        """The key of a node; '' is the graph itself."""
        return f"{self.thread}/{node}" if node else self.thread


class Research:
    """collect, an agent that looks, two turns with a model, and a tool that publishes."""

    def __init__(self, program: Program, told: Any, place: str = UNWOUND) -> None:
        self._run = Run(program, place, program.key())
        self._program = program
        self._told = told
        self._visits = 0
        self._chat = FakeChat()
        publish = self._publish

        @tool("publish")
        def publish_tool(title: str) -> str:
            """Publish it."""
            return publish(title)

        self._tool = publish_tool

    def run(self) -> None:
        """By `invoke`."""
        self._start()
        self._graph(is_async=False).invoke({}, self._run.config)
        self._run.settle()

    async def arun(self) -> None:
        """By `ainvoke`."""
        self._start()
        await self._graph(is_async=True).ainvoke({}, self._run.config)
        self._run.settle()

    def stream_and_leave(self, items: int) -> None:
        """By `stream`, closed after some items."""
        self._start()
        stream = self._graph(is_async=False).stream({}, self._run.config, stream_mode="updates")
        for _ in range(items):
            next(stream)
            self._run.settle()
        self._run.cut()
        stream.close()

    def _start(self) -> None:
        self._run.begin("", "collect@1")

    def _graph(self, *, is_async: bool) -> Any:
        look = StateGraph(State)
        look.add_node("look", self._node(self._look_in, self._look_out, is_async))
        look.add_edge(START, "look")
        look.add_edge("look", END)
        graph = StateGraph(State)
        graph.add_node("collect", self._node(self._collect_in, self._collect_out, is_async))
        graph.add_node("research", look.compile(name="research"))
        graph.add_node("think", self._athink if is_async else self._think)
        graph.add_node("write", self._awrite if is_async else self._write)
        graph.add_edge(START, "collect")
        graph.add_edge("collect", "research")
        graph.add_edge("research", "think")
        graph.add_conditional_edges("think", _next, ["think", "write"])
        graph.add_edge("write", END)
        return graph.compile(name="research_run")

    def _node(self, entered: Callable[[], None], left: Callable[[], None], is_async: bool) -> Any:
        def node(state: State) -> State:
            entered()
            self._program.point()
            left()
            return {}

        async def anode(state: State) -> State:
            entered()
            await self._program.apoint()
            left()
            return {}

        return anode if is_async else node

    def _collect_in(self) -> None:
        self._run.enter("", "collect@1")

    def _collect_out(self) -> None:
        self._run.leave("collect@1")
        nodes = "research@1", "research@1/look@1"
        self._run.begin(*nodes, parents=(self._run.thread, self._run.key(nodes[0])))

    def _look_in(self) -> None:
        self._run.enter("research@1", "research@1/look@1")
        parent = self._run.key("research@1/look@1")
        with self._told(self._program, exectrail.step, "note", parent, self._run.place):
            self._program.nap()

    def _look_out(self) -> None:
        self._run.leave("research@1/look@1", "research@1")
        self._run.begin("think@1")

    def _think(self, state: State) -> State:
        node = self._think_in()
        self._chat.invoke([HumanMessage("and then?")])
        self._program.log.tell(CALL, self._run.key(node))
        self._program.point()
        return self._think_out(node)

    async def _athink(self, state: State) -> State:
        node = self._think_in()
        await self._chat.ainvoke([HumanMessage("and then?")])
        self._program.log.tell(CALL, self._run.key(node))
        await self._program.apoint()
        return self._think_out(node)

    def _think_in(self) -> str:
        self._visits += 1
        node = f"think@{self._visits}"
        self._run.enter(node)
        return node

    def _think_out(self, node: str) -> State:
        self._run.leave(node)
        self._run.begin("write@1" if self._visits == TURNS else f"think@{self._visits + 1}")
        return {"turns": 1}

    def _write(self, state: State) -> State:
        self._publish_begins()
        self._tool.invoke({"title": "tides"})
        self._write_out()
        return {}

    async def _awrite(self, state: State) -> State:
        self._publish_begins()
        await self._tool.ainvoke({"title": "tides"})
        await self._program.apoint()
        self._write_out()
        return {}

    def _publish_begins(self) -> None:
        self._run.enter("write@1")
        self._run.begin("write@1/publish", parents=(self._run.key("write@1"),))

    def _publish(self, title: str) -> str:
        self._run.enter("write@1/publish")
        self._program.nap()
        self._run.leave("write@1/publish")
        return title

    def _write_out(self) -> None:
        self._run.settle()
        self._run.leave("write@1", "")


class Approval:
    """prepare, a question to a person, and what follows the answer: in two processes."""

    def __init__(self, program: Program, place: str = UNWOUND) -> None:
        self._run = Run(program, place, f"cm:{program.directory.name}:approval")
        self._program = program

    def ask(self) -> None:
        """Run up to the question."""
        self._run.begin("", "prepare@1")
        self._invoke({})

    def answer(self) -> None:
        """Go on with the answer."""
        self._run.begin("", "approve@1")
        self._invoke(Command(resume=True))

    def _invoke(self, given: Any) -> None:
        database = self._program.directory / "checkpoints.db"
        with SqliteSaver.from_conn_string(str(database)) as saver:
            graph = StateGraph(State)
            graph.add_node("prepare", self._prepare)
            graph.add_node("approve", self._approve)
            graph.add_node("finish", self._finish)
            graph.add_edge(START, "prepare")
            graph.add_edge("prepare", "approve")
            graph.add_edge("approve", "finish")
            graph.add_edge("finish", END)
            graph.compile(checkpointer=saver, name="approval").invoke(given, self._run.config)
        self._run.settle()

    def _prepare(self, state: State) -> State:
        self._run.enter("", "prepare@1")
        self._program.point()
        self._run.leave("prepare@1")
        self._run.begin("approve@1")
        return {}

    def _approve(self, state: State) -> State:
        self._run.enter("", "approve@1")
        self._run.leave("approve@1", "", state="paused", reason="human_input")
        interrupt("may it?")
        self._run.forget()
        self._run.enter("", "approve@1")
        for _ in range(10):
            self._program.point()
        self._run.leave("approve@1")
        self._run.begin("finish@1")
        return {}

    def _finish(self, state: State) -> State:
        self._run.enter("finish@1")
        for _ in range(10):
            self._program.point()
        self._run.leave("finish@1", "")
        return {}
