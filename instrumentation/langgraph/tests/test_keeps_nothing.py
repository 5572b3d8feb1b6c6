"""No content is looked at, and nothing of the program is held on to."""

from __future__ import annotations

import contextlib
import gc
import weakref
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from exectrail_langgraph import LangGraphInstrumentor
from exectrail_langgraph import forest as forest_module
from exectrail_langgraph.hooks import Handler
from exectrail_langgraph.tracker import Tracker
from langgraph.graph import START, StateGraph
from langgraph.types import interrupt

from exectrail import guard
from exectrail.testing import Recording, recording


@pytest.fixture
def record() -> Iterator[Recording]:
    guard.reset()
    with recording() as recorder:
        yield recorder


class Content:
    """Whoever looks at it is told so."""

    def __getattribute__(self, name: str) -> Any:
        raise AssertionError(f"content was looked at: {name}")

    def _looked(self, *_args: Any) -> Any:
        raise AssertionError("content was looked at")

    __str__ = __repr__ = __eq__ = __bool__ = __len__ = __iter__ = __getitem__ = _looked
    __hash__ = _looked


def test_inputs_outputs_and_messages_pass_by_unread(record: Recording) -> None:
    handler = Handler(Tracker())
    chain, tool, retriever, model = uuid4(), uuid4(), uuid4(), uuid4()
    secret: Any = Content()

    handler.on_chain_start(None, secret, run_id=chain, name="chain", metadata={}, tags=[])
    handler.on_tool_start({"name": "t"}, secret, run_id=tool, parent_run_id=chain, inputs=secret)
    handler.on_tool_end(secret, run_id=tool)
    handler.on_retriever_start(None, secret, run_id=retriever, parent_run_id=chain)
    handler.on_retriever_end(secret, run_id=retriever)
    handler.on_chat_model_start(None, secret, run_id=model, parent_run_id=chain)
    handler.on_llm_new_token(secret, run_id=model, chunk=secret)
    handler.on_llm_error(ValueError(), run_id=model)
    handler.on_llm_start(None, secret, run_id=model, parent_run_id=chain)
    handler.on_llm_error(ValueError(), run_id=model)
    handler.on_chain_end(secret, run_id=chain)

    assert guard.dropped() == {}
    assert record.tree().splitlines() == [
        "task chain completed",
        "  tool t completed",
        "  chat ? error=ValueError",
        "  text_completion ? error=ValueError",
    ]


class Given:
    """What a program gives to its graph."""


class OwnError(Exception):
    """What a program raises."""


def test_nothing_of_the_program_is_held_after_a_run(record: Recording) -> None:
    def run() -> list[weakref.ref[Any]]:
        given, error = Given(), OwnError("mine")

        def fails(_state: Any) -> Any:
            raise error

        def asks(_state: Any) -> Any:
            interrupt("which?")

        kept: list[weakref.ref[Any]] = [weakref.ref(given), weakref.ref(error)]
        for node in (fails, asks):
            builder = StateGraph(dict)
            builder.add_node("node", node)
            builder.add_edge(START, "node")
            graph = builder.compile()
            kept.append(weakref.ref(graph))
            with contextlib.suppress(OwnError):
                graph.invoke({"given": given})
        return kept

    instrumentor = LangGraphInstrumentor()
    instrumentor.activate()
    try:
        kept = run()
    finally:
        instrumentor.uninstrument()
    gc.collect()

    assert [reference() for reference in kept] == [None] * 4
    assert [execution.state for execution in record.executions] == ["failed"] * 2 + ["paused"] * 2


def test_runs_beyond_the_limit_are_not_followed(
    record: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forest_module, "MAX_RUNS", 2)
    tracker = Tracker()
    handler = Handler(tracker)
    runs = [uuid4() for _ in range(3)]

    for run in runs:
        handler.on_tool_start({"name": "t"}, "", run_id=run)
    for run in runs:
        handler.on_tool_end("", run_id=run)
    handler.on_tool_start({"name": "later"}, "", run_id=runs[0])

    assert record.tree() == "tool t completed\ntool t completed\ntool later running"
    assert guard.dropped() == {"langgraph.too_many_runs": 1}
