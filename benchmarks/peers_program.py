"""The program that dies: a LangGraph graph with one finished step and one that is at work.

    python peers_program.py TOOL DEED SECONDS DIRECTORY ENDPOINT

Runs in the environment of the tool that observes it, so it imports LangGraph, that tool, and
nothing of exectrail. `collect` ends; `write` (`approve` where the deed is `pause`) is at work when
the deed happens, SECONDS after it began. DIRECTORY gets the file `at_work` when it has begun.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import Any, Final

from peers_tools import TOOLS

PATIENCE_S: Final = 60.0
THREAD: Final = "crash-peers"


def main() -> None:
    """Set the tool up, run the graph, and do the deed amid of it."""
    tool, deed, seconds, directory, endpoint = sys.argv[1:]
    callbacks = TOOLS[tool].start(endpoint, Path(directory)) if tool in TOOLS else []
    Deed(deed, float(seconds), Path(directory)).run(callbacks)


class Deed:
    """What becomes of a run."""

    def __init__(self, name: str, seconds: float, directory: Path) -> None:
        self._name = name
        self._seconds = seconds
        self._at_work = directory / "at_work"

    def run(self, callbacks: list[Any]) -> None:
        """Run the graph."""
        config: Any = {"callbacks": callbacks, "configurable": {"thread_id": THREAD}}
        graph = self._graph()
        if self._name == "cancel":
            asyncio.run(self._cancelled(graph, config))
        else:
            graph.invoke({"topic": "tides"}, config)

    async def _cancelled(self, graph: Any, config: Any) -> None:
        """The task is cancelled from outside; the program goes on and ends well."""
        task = asyncio.create_task(graph.ainvoke({"topic": "tides"}, config))
        while not self._at_work.exists():  # noqa: ASYNC110  a file is all that all deeds share
            await asyncio.sleep(0.02)
        await asyncio.sleep(self._seconds)
        task.cancel()
        await asyncio.wait([task])

    def _graph(self) -> Any:
        # Here and not above: tools want to be set up before the framework is loaded.
        from langchain_core.language_models.fake_chat_models import FakeListChatModel
        from langgraph.checkpoint.memory import InMemorySaver
        from langgraph.graph import END, START, StateGraph
        from langgraph.types import interrupt
        from typing_extensions import TypedDict

        class State(TypedDict, total=False):
            topic: str
            text: str

        model = FakeListChatModel(responses=["The moon pulls."])

        def collect(state: State) -> State:
            return {"text": str(model.invoke(state.get("topic", "")).content)}

        # All steps call the model, because some tools show no others.
        def write(state: State) -> State:
            text = str(model.invoke(state.get("text", "")).content)
            self._at_work.touch()
            self._happen()
            return {"text": text}

        async def awrite(state: State) -> State:
            text = str((await model.ainvoke(state.get("text", ""))).content)
            self._at_work.touch()
            await asyncio.sleep(PATIENCE_S)
            return {"text": text}

        def approve(state: State) -> State:
            model.invoke(state.get("text", ""))
            self._at_work.touch()
            time.sleep(self._seconds)
            interrupt("may it?")
            return {"text": "done"}

        last: Any = {"cancel": awrite, "pause": approve}.get(self._name, write)
        name = "approve" if self._name == "pause" else "write"
        graph = StateGraph(State)
        graph.add_node("collect", collect)
        graph.add_node(name, last)
        graph.add_edge(START, "collect")
        graph.add_edge("collect", name)
        graph.add_edge(name, END)
        return graph.compile(checkpointer=InMemorySaver(), name="research_run")

    def _happen(self) -> None:
        match self._name:
            case "exit_3":
                time.sleep(self._seconds)
                sys.exit(3)
            case "os_exit_0":
                time.sleep(self._seconds)
                os._exit(0)
            case "nothing":
                time.sleep(self._seconds)
            case _:  # a signal, from outside
                over = time.monotonic() + PATIENCE_S
                while time.monotonic() < over:
                    time.sleep(0.05)


if __name__ == "__main__":
    main()
