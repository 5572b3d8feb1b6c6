"""Sixty runs of a graph with three agents side by side, each with a graph of its own inside.

Prints what its models gave out, as JSON: the truth that the views are held against.
"""

from __future__ import annotations

import json
import operator
import sys
from pathlib import Path
from typing import Annotated, Any, TypedDict

sys.path.insert(0, str(Path(__file__).parents[3] / "examples"))

from langchain_core.messages import AIMessage, HumanMessage
from langgraph.graph import END, START, StateGraph
from langgraph.types import Send
from offline_model import OfflineChat, usage

MODELS = (("openai", "gpt-4o"), ("anthropic", "claude-sonnet-4-5"), ("acme", "acme-large-9"))


class Result(TypedDict, total=False):
    done: Annotated[list[int], operator.add]


class State(Result, total=False):
    which: int


def build(given: dict[str, dict[str, int]]) -> Any:
    def ask(which: int, inputs: int, outputs: int, cached: int) -> None:
        provider, model = MODELS[which]
        told = usage(inputs, outputs, cached=cached, reasoning=outputs // 2)
        chat = OfflineChat(
            provider=provider, model=model, answers=[AIMessage("", usage_metadata=told)]
        )
        chat.invoke([HumanMessage("")])
        sums = given.setdefault(model, {"calls": 0, "input": 0, "output": 0, "cached": 0})
        for key, value in (
            ("calls", 1),
            ("input", inputs),
            ("output", outputs),
            ("cached", cached),
        ):
            sums[key] += value

    def think(state: State) -> State:
        ask(state["which"], 1_000, 100, 200)
        return {}

    def write(state: State) -> State:
        ask(state["which"], 2_003, 307, 0)
        return {"done": [state["which"]]}

    inner = StateGraph(State, output_schema=Result)
    inner.add_node("think", think)
    inner.add_node("write", write)
    inner.add_edge(START, "think")
    inner.add_edge("think", "write")
    inner.add_edge("write", END)

    outer = StateGraph(State)
    outer.add_node("member", inner.compile())
    outer.add_conditional_edges(START, lambda _: [Send("member", {"which": n}) for n in range(3)])
    outer.add_edge("member", END)
    return outer.compile(name="side_by_side")


def main() -> None:
    given: dict[str, dict[str, int]] = {}
    graph = build(given)
    for _ in range(60):
        graph.invoke({})
    print(json.dumps(given))


if __name__ == "__main__":
    main()
