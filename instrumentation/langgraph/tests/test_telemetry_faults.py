"""A raise in what carries and prices telemetry leaves a graph's result as it is without us."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from exectrail_langgraph import LangGraphInstrumentor
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langgraph.graph import END, START, StateGraph

from exectrail.testing.harness import Harness

SITES = {
    "pricing": "exectrail.pricing.PriceTable.price",
    "spans": "exectrail.signals.spans.LateSpans.end",
    "events": "exectrail.signals.events.Events.emit",
    "records": "exectrail.signals.records.OwnRecords.write",
    "metrics": "exectrail.signals.metrics.Metrics.note",
    "redaction": "exectrail.signals.redaction.scrub",
}


def graph() -> Any:
    told = {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}
    model = GenericFakeChatModel(messages=iter([AIMessage("yes", usage_metadata=told)]))

    def ask(state: dict[str, Any]) -> dict[str, Any]:
        return {**state, "answer": model.invoke("well?").content}

    def fail(state: dict[str, Any]) -> dict[str, Any]:
        raise LookupError(state["answer"])

    built = StateGraph(dict)
    built.add_node("ask", ask)
    built.add_node("fail", fail)
    built.add_edge(START, "ask")
    built.add_edge("ask", "fail")
    built.add_edge("fail", END)
    return built.compile()


@pytest.mark.parametrize("site", SITES.values(), ids=SITES)
def test_the_stream_and_the_exception_are_the_programs_own(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], site: str
) -> None:
    raised: list[str] = []

    def broken(*_args: Any, **_kwargs: Any) -> Any:
        raised.append(site)
        raise RuntimeError("ours")

    monkeypatch.setattr(site, broken)
    adapter = LangGraphInstrumentor()
    chunks: list[Any] = []
    with Harness():
        adapter.activate()
        with pytest.raises(LookupError) as left:
            read(graph().stream({"asked": 1}), chunks)
        adapter.uninstrument()
    assert left.value.args == ("yes",)
    assert chunks == [{"ask": {"asked": 1, "answer": "yes"}}]
    assert capfd.readouterr() == ("", "")
    assert raised


def read(stream: Iterator[Any], chunks: list[Any]) -> None:
    for chunk in stream:
        chunks.append(chunk)
