"""What leaves the process: spans, events and tokens of real graphs, through the real write half."""

from __future__ import annotations

from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import Command, interrupt

from exectrail.testing.harness import Harness

THREAD: Any = {"configurable": {"thread_id": "t/1"}}
SECRET = "zebra-in-the-prompt"


class FakeChat(BaseChatModel):
    @property
    def _llm_type(self) -> str:
        return "fake"

    def _get_ls_params(self, stop: Any = None, **kwargs: Any) -> Any:
        return {"ls_provider": "openai", "ls_model_name": "gpt-4o-mini", "ls_model_type": "chat"}

    def _generate(self, messages: Any, *args: Any, **kwargs: Any) -> Any:
        usage: Any = {"input_tokens": 1000, "output_tokens": 100, "total_tokens": 1100}
        about = {"model_name": "gpt-4o-mini-2024-07-18", "id": "chatcmpl-1"}
        message = AIMessage(SECRET, usage_metadata=usage, response_metadata=about)
        return ChatResult(generations=[ChatGeneration(message=message)])


def build() -> Any:
    inner = StateGraph(MessagesState)
    inner.add_node("model", lambda s: {"messages": [FakeChat().invoke(s["messages"])]})
    inner.add_node("review", lambda s: {"messages": [interrupt(SECRET)]})
    inner.add_edge(START, "model")
    inner.add_edge("model", "review")
    outer = StateGraph(MessagesState)
    outer.add_node("writer", inner.compile())
    outer.add_edge(START, "writer")
    return outer.compile(name="office", checkpointer=InMemorySaver())


def test_a_pause_and_its_resume(harness: Harness) -> None:
    graph = build()
    graph.invoke({"messages": [("user", SECRET)]}, THREAD)
    graph.invoke(Command(resume=SECRET), THREAD)

    assert harness.tree().splitlines() == [
        "workflow office paused(human_input) iterations=1",
        "  agent writer paused(human_input) iteration=1 iterations=1",
        "    step model completed iteration=1",
        "      chat gpt-4o-mini-2024-07-18 in=1000 out=100 cost=0.00021 USD",
        "    step review paused(human_input) iteration=1",
        "workflow office completed iterations=1",
        "  agent writer completed iteration=1 iterations=1",
        "    step review completed iteration=1",
    ]
    office = [
        {key.removeprefix("execution."): value for key, value in event.items()}
        for event in harness.events("state_changed")
        if event["name"] == "office"
    ]
    told = ("state", "previous_state", "resume_key", "sequence")
    assert [tuple(event.get(key) for key in told) for event in office] == [
        ("running", None, None, 1),
        ("paused", "running", "acme/office/t%2F1/", 2),
        ("running", "paused", "acme/office/t%2F1/", 1),
        ("completed", "running", None, 2),
    ]
    assert office[0]["max_iterations"] > 0
    assert office[0]["conversation.id"] == "t/1"
    assert office[1]["checkpoint_id"] == office[2]["checkpoint_id"]


def test_no_content_is_reported(harness: Harness) -> None:
    graph = build()
    graph.invoke({"messages": [("user", SECRET)]}, THREAD)
    graph.invoke(Command(resume=SECRET), THREAD)

    reported = [span.to_json() for span in harness.spans()]
    reported += [repr(event) for event in harness.events(varying=True)]
    assert len(reported) > 20
    assert [text for text in reported if SECRET in text] == []


def test_usage_is_told_once_by_the_node_that_called(harness: Harness) -> None:
    build().invoke({"messages": [("user", SECRET)]}, THREAD)

    (usage,) = harness.events("inference.usage")
    assert {key: usage[key] for key in usage if "usage" in key} == {
        "usage.input_tokens": 1000,
        "usage.output_tokens": 100,
        "usage.role": "billing",
    }
    assert (usage["workflow.name"], usage["agent.name"], usage["name"]) == (
        "office",
        "writer",
        "model",
    )
