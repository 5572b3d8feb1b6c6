"""What runs become, told event by event: what real graphs do too rarely to wait for."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from exectrail_langgraph.hooks import Handler, lifecycle
from exectrail_langgraph.runs import Graph
from exectrail_langgraph.tracker import Tracker

from exectrail import runtime
from exectrail.testing import Recording, recording


@pytest.fixture
def record() -> Iterator[Recording]:
    with recording("acme") as recorder:
        yield recorder


class Loop(SimpleNamespace):
    """Stands for LangGraph's own."""


def loop(run_id: UUID) -> Any:
    return Loop(
        manager=SimpleNamespace(run_id=run_id),
        nodes={},
        checkpointer=object(),
        is_nested=False,
        input={},
        config={"configurable": {"thread_id": 7}, "recursion_limit": 25},
        checkpoint={"id": "cp-1"},
        checkpoint_pending_writes=[],
    )


def node(tracker: Tracker, graph: UUID, task: str, step: int = 1) -> UUID:
    run = uuid4()
    name = task.rpartition("|")[2].partition(":")[0]
    known = {
        "langgraph_checkpoint_ns": task,
        "langgraph_node": name,
        "langgraph_step": step,
        "langgraph_path": ("__pregel_pull", name),
    }
    tracker.chain_started(run, graph, name, known)
    return run


def test_going_on_from_what_a_first_try_saved_is_no_resume(record: Recording) -> None:
    tracker, run = Tracker(), uuid4()
    tracker.chain_started(run, None, "graph", {})
    asked: Any = loop(run)
    asked.checkpoint_pending_writes = [("1", "__interrupt__", object())]
    tracker.graph_started(asked)

    tracker.graph_resumed(SimpleNamespace(run_id=run, checkpoint_id="cp-1"))
    node(tracker, run, "ask:1")

    assert record.tree() == "workflow graph running iterations=1\n  step ask running iteration=1"


def test_the_first_event_of_a_resumed_run_says_that_it_resumes(record: Recording) -> None:
    tracker, run = Tracker(), uuid4()
    tracker.chain_started(run, None, "graph", {})
    waiting: Any = loop(run)
    waiting.input = None
    tracker.graph_started(waiting)
    assert record.executions == []

    tracker.graph_resumed(SimpleNamespace(run_id=run, checkpoint_id="cp-1"))

    (execution,) = record.executions
    (_, first) = record.transitions[0]
    assert (first.previous, first.state, first.sequence) == ("paused", "running", 1)
    assert (execution.resume_key, execution.checkpoint_id) == ("acme/graph/7/", "cp-1")


def test_graph_tells_its_run_its_limit_and_its_thread(record: Recording) -> None:
    tracker, run = Tracker(), uuid4()
    tracker.chain_started(run, None, "graph", {})
    tracker.graph_started(loop(run))

    about = record.executions[0].about
    assert (about.external_id, about.max_iterations, about.conversation_id) == (str(run), 25, "7")


def test_tool_tells_its_call(record: Recording) -> None:
    tracker, run = Tracker(), uuid4()
    tracker.tool_started(run, None, "look_up", "call-1", None)

    about = record.executions[0].about
    assert (about.external_id, about.tool_call_id) == (str(run), "call-1")


def test_visits_of_a_long_run_are_counted_and_tasks_of_past_steps_let_go() -> None:
    graph = Graph(loop(uuid4()), {}, None)

    counts = [graph.visit("n", f"n:{step}", step, called=False) for step in range(20_000)]
    again = graph.visit("n", "n:19999", 19_999, called=False)

    assert counts[-1] == (1, 20_000)
    assert again == (2, 20_000)
    assert len(graph._tasks) == 1


def test_children_of_an_ended_run_stand_alone(record: Recording) -> None:
    tracker, run, late = Tracker(), uuid4(), uuid4()
    tracker.chain_started(run, None, "graph", {})
    tracker.graph_started(loop(run))
    tracker.ended(run)

    tracker.tool_started(late, run, "look_up", None, None)
    tracker.ended(late)

    assert record.tree() == "workflow graph completed\ntool look_up completed"


def test_a_child_that_outlives_its_graph_does_not_keep_the_graphs_loop(record: Recording) -> None:
    tracker, run = Tracker(), uuid4()
    tracker.chain_started(run, None, "graph", {})
    ended: Any = loop(run)
    tracker.graph_started(ended)
    child = node(tracker, run, "late:1")
    tracker.ended(run)

    held = weakref.ref(ended)
    del ended
    gc.collect()
    assert held() is None
    tracker.ended(child)
    assert [str(execution.state) for execution in record.executions] == ["completed"] * 2


def test_handlers_run_inline() -> None:
    assert Handler(Tracker()).run_inline
    assert lifecycle(Tracker()).run_inline


def test_a_graph_amid_whose_start_ctrl_c_comes_is_one_graph(
    record: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracker, run = Tracker(), uuid4()
    tracker.chain_started(run, None, "graph", {})
    recorder = runtime.executions().recorder
    real = recorder.changed

    def interrupted(execution: Any, transition: Any) -> None:
        real(execution, transition)
        raise KeyboardInterrupt

    with monkeypatch.context() as once:
        once.setattr(recorder, "changed", interrupted)
        with pytest.raises(KeyboardInterrupt):
            tracker.graph_started(loop(run))
    tracker.failed(run, KeyboardInterrupt())

    (graph,) = record.executions
    assert record.history(graph) == "running>cancelled"
