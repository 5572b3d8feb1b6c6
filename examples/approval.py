"""A refund that a person has to approve. The process ends while it waits; another one goes on.

    python examples/approval.py ask DATABASE       # runs up to the question and ends
    python examples/approval.py answer DATABASE    # goes on with the answer

Nothing in here knows of exectrail.
"""

from __future__ import annotations

import argparse
from typing import Any, TypedDict

from langchain_core.messages import HumanMessage
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt
from offline_model import OfflineChat, say


class Refund(TypedDict, total=False):
    amount: int
    reason: str
    approved: bool


def build(saver: SqliteSaver) -> Any:
    """Assess, ask a person, pay."""
    chat = OfflineChat(
        provider="openai", model="gpt-4o-mini", answers=[say("MARKERANSWER looks fair")]
    )

    def assess(state: Refund) -> Refund:
        chat.invoke([HumanMessage("MARKERPROMPT is this refund fair?")])
        return {"reason": "MARKERRESULT goods arrived broken"}

    def approve(state: Refund) -> Refund:
        return {"approved": interrupt("MARKERPROMPT approve this refund?")}

    def pay(state: Refund) -> Refund:
        return {}

    graph = StateGraph(Refund)
    graph.add_node("assess", assess)
    graph.add_node("approve", approve)
    graph.add_node("pay", pay)
    graph.add_edge(START, "assess")
    graph.add_edge("assess", "approve")
    graph.add_edge("approve", "pay")
    graph.add_edge("pay", END)
    return graph.compile(checkpointer=saver, name="refund")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("action", choices=["ask", "answer"])
    parser.add_argument("database", help="file of the checkpoints")
    chosen = parser.parse_args()
    with SqliteSaver.from_conn_string(chosen.database) as saver:
        start = {"amount": 40} if chosen.action == "ask" else Command(resume=True)
        config = {"configurable": {"thread_id": "order-1042"}}
        state = build(saver).invoke(start, config)
    print("waits for a person" if "__interrupt__" in state else f"approved: {state['approved']}")


if __name__ == "__main__":
    main()
