"""A person changes the state of a run that waits, and then lets it go on."""

from __future__ import annotations

from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import Command, interrupt

from exectrail.testing.harness import Harness

THREAD: Any = {"configurable": {"thread_id": "t/1"}}


def build(*, before: bool) -> Any:
    graph = StateGraph(MessagesState)
    graph.add_node("draft", lambda s: {"messages": [("ai", "a draft")]})
    graph.add_node("review", lambda s: {"messages": [] if before else [interrupt("fine?")]})
    graph.add_edge(START, "draft")
    graph.add_edge("draft", "review")
    ahead = ["review"] if before else None
    return graph.compile(name="office", checkpointer=InMemorySaver(), interrupt_before=ahead)


@pytest.mark.parametrize(
    ("before", "as_node"),
    [(False, None), (True, None), (True, "draft")],
    ids=["a question", "a breakpoint", "a breakpoint, as a node"],
)
def test_a_run_whose_state_was_edited_while_it_waited_goes_on(
    harness: Harness, before: bool, as_node: str | None
) -> None:
    graph = build(before=before)
    graph.invoke({"messages": [("user", "write")]}, THREAD)
    graph.update_state(THREAD, {"messages": [("ai", "a better draft")]}, as_node=as_node)
    graph.invoke(None if before else Command(resume="yes"), THREAD)

    told = ("state", "previous_state", "resume_key")
    office = [
        tuple(event.get(f"execution.{name}", event.get(name)) for name in told)
        for event in harness.events("state_changed")
        if event["name"] == "office"
    ]
    key = "acme/office/t%2F1/"
    assert office == [
        ("running", None, None),
        ("paused", "running", key),
        ("running", "paused", key),
        ("completed", "running", None),
    ]
    runs = [line for line in harness.tree().splitlines() if not line.startswith(" ")]
    assert [line.split()[2] for line in runs] == ["paused(human_input)", "completed"]
