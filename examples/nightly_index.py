"""A long job in two steps. The second takes a while: time enough to kill the process.

    python examples/nightly_index.py SECONDS

Nothing in here knows of exectrail.
"""

from __future__ import annotations

import sys
import time
from typing import Any, TypedDict

from langchain_core.messages import HumanMessage
from langgraph.graph import END, START, StateGraph
from offline_model import OfflineChat, say


class Index(TypedDict, total=False):
    documents: int


def build(seconds: float) -> Any:
    """Collect, then embed."""
    chat = OfflineChat(
        provider="openai", model="gpt-4o", answers=[say("MARKERANSWER 12 documents")]
    )

    def collect(state: Index) -> Index:
        chat.invoke([HumanMessage("MARKERPROMPT what is new?")])
        return {"documents": 12}

    def embed(state: Index) -> Index:
        print("embedding", flush=True)
        time.sleep(seconds)
        return {}

    graph = StateGraph(Index)
    graph.add_node("collect", collect)
    graph.add_node("embed", embed)
    graph.add_edge(START, "collect")
    graph.add_edge("collect", "embed")
    graph.add_edge("embed", END)
    return graph.compile(name="nightly_index")


if __name__ == "__main__":
    build(float(sys.argv[1]) if len(sys.argv) > 1 else 5.0).invoke({})
