"""A supervisor and its team: three agents in turn, each with a tool and two turns of its model.

    python examples/research_team.py             # all goes well
    python examples/research_team.py --offline-printer    # the last step fails

Nothing in here knows of exectrail.
"""

from __future__ import annotations

import argparse
from typing import Any

from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage
from langchain_core.tools import BaseTool, tool
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.types import Command
from offline_model import OfflineChat, call, say

TEAM = ("researcher", "writer", "reviewer")


@tool
def search(topic: str) -> str:
    """Search the library."""
    return f"MARKERRESULT three papers on {topic}"


@tool
def outline(topic: str) -> str:
    """Make an outline."""
    return f"MARKERRESULT four sections on {topic}"


@tool
def check_facts(topic: str) -> str:
    """Check the facts."""
    return f"MARKERRESULT no error found in {topic}"


def member(name: str, provider: str, model: str, its_tool: BaseTool) -> Any:
    """An agent that uses its tool once and then answers."""
    answers = [call(its_tool.name, topic="MARKERARGUMENT tides"), say("MARKERANSWER done")]
    chat: BaseChatModel = OfflineChat(provider=provider, model=model, answers=answers)
    return create_agent(chat, [its_tool], name=name)


def build(printer_works: bool) -> Any:
    """The graph: the supervisor hands the work on until everyone has had it, then it is printed."""
    routing = OfflineChat(
        provider="openai", model="gpt-4o-mini", answers=[say("MARKERANSWER next")]
    )

    def supervisor(state: MessagesState) -> Command[str]:
        routing.invoke([HumanMessage("MARKERPROMPT who is next?"), *state["messages"]])
        had = {message.name for message in state["messages"]}
        return Command(goto=next((name for name in TEAM if name not in had), "publish"))

    def publish(state: MessagesState) -> dict[str, Any]:
        if not printer_works:
            key = "sk-" + "proj-" + "Zx81kQ0vT3bW7nR5yU2mC9aE4dG6hJ8l"
            raise ConnectionError(f"printer refused the key {key}")
        return {}

    graph = StateGraph(MessagesState)
    graph.add_node("supervisor", supervisor, destinations=(*TEAM, "publish"))
    graph.add_node("researcher", member("researcher", "openai", "gpt-4o", search))
    graph.add_node("writer", member("writer", "anthropic", "claude-sonnet-4-5", outline))
    graph.add_node("reviewer", member("reviewer", "acme", "acme-large-9", check_facts))
    graph.add_node("publish", publish)
    graph.add_edge(START, "supervisor")
    for name in TEAM:
        graph.add_edge(name, "supervisor")
    graph.add_edge("publish", END)
    return graph.compile(name="research_team")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--offline-printer", action="store_true", help="let the last step fail")
    printer_works = not parser.parse_args().offline_printer
    result = build(printer_works).invoke({"messages": [HumanMessage("MARKERPROMPT tides, please")]})
    print(f"published after {len(result['messages'])} messages")


if __name__ == "__main__":
    main()
