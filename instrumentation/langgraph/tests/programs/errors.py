"""Nodes that fail, are tried again, or pull their siblings down."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.errors import GraphRecursionError
from langgraph.graph import START, StateGraph
from langgraph.types import RetryPolicy

from .runner import EMPTY, THREAD, Done, Runner, did, flaky, hanging, program

QUICK = RetryPolicy(max_attempts=2, initial_interval=0.001, jitter=False, retry_on=ConnectionError)


def fail(_state: Any) -> Any:
    raise ValueError("no")


@program
def node_error(run: Runner) -> None:
    with pytest.raises(ValueError, match="no"):
        run(run.graph("a>bad>c", {"a": did("a"), "bad": fail, "c": did("c")}, name="bad"), EMPTY)


@program
def node_error_after_parallel_success(run: Runner) -> None:
    nodes = {"a": did("a"), "b": did("b"), "bad": fail}
    with pytest.raises(ValueError, match="no"):
        run(run.graph("a>bad, b>bad", nodes, name="partial"), EMPTY)


@program
def node_error_in_sub_graph(run: Runner) -> None:
    inner = run.graph("i", {"i": fail})
    with pytest.raises(ValueError, match="no"):
        run(run.graph("sub", {"sub": inner}, name="deep"), EMPTY)


def siblings(run: Runner, error: Exception) -> Any:
    """Two branches: when one is at work, the other one fails."""
    started, astarted = threading.Event(), asyncio.Event()

    def slow(_state: Any) -> Any:
        started.set()

    def bad(_state: Any) -> Any:
        started.wait(5)
        raise error

    async def abad(_state: Any) -> Any:
        await astarted.wait()
        raise error

    builder = StateGraph(Done)
    builder.add_node("slow", hanging(astarted) if run.is_async else slow)
    builder.add_node("bad", abad if run.is_async else bad)
    builder.add_edge(START, "slow")
    builder.add_edge(START, "bad")
    return builder.compile(name="siblings")


@program
def sibling_fails(run: Runner) -> None:
    with pytest.raises(ValueError, match="no"):
        run(siblings(run, ValueError("no")), EMPTY)


@program
def sibling_times_out(run: Runner) -> None:
    """The step did not take too long, its node did: the sibling is cancelled, not late."""
    with pytest.raises(TimeoutError):
        run(siblings(run, TimeoutError("mine")), EMPTY)


@program
def error_handler(run: Runner) -> None:
    handled = run.node(lambda s: {"done": ["handled"]})
    run(run.graph("bad", {"bad": (fail, {"error_handler": handled})}, name="handled"), EMPTY)


@program
def recursion_limit(run: Runner) -> None:
    builder = StateGraph(Done)
    builder.add_node("again", run.node(did("x")))
    builder.add_edge(START, "again")
    builder.add_edge("again", "again")
    with pytest.raises(GraphRecursionError):
        run(builder.compile(name="endless"), EMPTY, {"recursion_limit": 3})


@program
def retry_then_success(run: Runner) -> None:
    run(run.graph("a", {"a": (flaky(1), {"retry_policy": QUICK})}, name="retry"), EMPTY)


@program
def retry_exhausted(run: Runner) -> None:
    with pytest.raises(ConnectionError):
        run(run.graph("a", {"a": (flaky(9), {"retry_policy": QUICK})}, name="retry"), EMPTY)


@program
def retry_of_a_sub_graph_that_had_saved(run: Runner) -> None:
    inner = run.graph("i>j", {"i": did("i"), "j": flaky(1)})
    nodes = {"sub": (inner, {"retry_policy": QUICK})}
    run(run.graph("sub", nodes, name="retry", checkpointer=InMemorySaver()), EMPTY, THREAD)
