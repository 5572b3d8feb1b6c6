"""What the adapter uses of LangChain and LangGraph beyond their documentation, one test each.

When one of these fails, the framework has changed: say in `supports` up to which version the
adapter goes, or follow the change in the module that the failure names.
"""

from __future__ import annotations

import inspect
from typing import Any

from exectrail_langgraph import hooks, translate
from langchain.agents import create_agent
from langchain_core.callbacks.manager import CallbackManager
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.runnables.config import var_child_runnable_config
from langchain_core.tracers import context as tracers_context
from langgraph import callbacks, errors
from langgraph._internal import _constants
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph
from langgraph.pregel import Pregel, _loop, main
from langgraph.pregel.protocol import PregelProtocol
from langgraph.types import Command, interrupt


def changed(what: str, where: str) -> str:
    return f"LangGraph or LangChain changed {what}; {where} of exectrail_langgraph relies on it"


def parameters(function: Any) -> list[str]:
    return list(inspect.signature(function).parameters)


def test_configure_hooks_are_a_list_of_tuples_that_start_with_the_variable() -> None:
    registered = tracers_context._configure_hooks

    assert isinstance(registered, list), changed("_configure_hooks", "hooks")
    assert registered[0][0] is tracers_context.run_collector_var, changed("its entries", "hooks")


def test_running_code_finds_its_run_in_the_child_config() -> None:
    from langchain_core.runnables import RunnableLambda

    seen: list[Any] = []
    RunnableLambda(lambda _: seen.append(var_child_runnable_config.get())).invoke("x")

    assert isinstance(seen[0]["callbacks"], CallbackManager), changed("the child config", "tracker")
    assert seen[0]["callbacks"].parent_run_id is not None, changed("the child config", "tracker")


def test_lifecycle_managers_are_made_by_functions_imported_into_main() -> None:
    for name in hooks.MANAGERS:
        function = getattr(main, name, None)
        assert function is getattr(callbacks, name), changed(f"main.{name}", "hooks")
        assert parameters(function) == ["config", "run_id"], changed(f"main.{name}", "hooks")
        assert function({}).handlers == [], changed("its manager", "hooks")


def test_lifecycle_events_have_what_is_read() -> None:
    for event in (callbacks.GraphInterruptEvent, callbacks.GraphResumeEvent):
        fields = set(event.__dataclass_fields__)
        assert {"run_id", "checkpoint_id"} <= fields, changed(event.__name__, "tracker")
    for name in ("on_interrupt", "on_resume"):
        method = getattr(callbacks.GraphCallbackHandler, name)
        assert parameters(method) == ["self", "event"], changed(name, "hooks")


def test_loop_has_what_is_read() -> None:
    loops: list[dict[str, Any]] = []
    original = _loop.PregelLoop.__init__

    def keep(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        loops.append(
            {
                "run": self.manager.run_id,
                "nodes": {name: type(node.bound).__name__ for name, node in self.nodes.items()},
                "checkpointer": self.checkpointer,
                "nested": self.is_nested,
                "thread": self.config["configurable"].get("thread_id"),
                "limit": self.config["recursion_limit"],
                "input": type(self.input),
                "loop": self,
            }
        )

    saver = InMemorySaver()
    inner = StateGraph(dict).add_node("ask", lambda s: interrupt("?")).add_edge(START, "ask")
    graph = StateGraph(dict).add_node("sub", inner.compile()).add_edge(START, "sub")
    compiled = graph.compile(checkpointer=saver)
    thread: Any = {"configurable": {"thread_id": "t"}, "recursion_limit": 7}
    _loop.PregelLoop.__init__ = keep
    try:
        compiled.invoke({}, thread)
    finally:
        _loop.PregelLoop.__init__ = original

    outer, nested = loops
    said = changed("PregelLoop", "runs and tracker")
    assert outer["nodes"] == {"__start__": "RunnableCallable", "sub": "CompiledStateGraph"}, said
    assert (outer["nested"], nested["nested"]) == (False, True), said
    assert (outer["thread"], outer["limit"]) == ("t", 7), said
    assert outer["checkpointer"] is saver, said
    assert outer["run"] != nested["run"], said
    assert outer["input"] is dict, said
    loop = outer["loop"]
    assert isinstance(loop.checkpoint["id"], str), said
    assert [channel for _task, channel, _value in loop.checkpoint_pending_writes] == [
        translate.INTERRUPT
    ], said


def test_node_runs_are_known_by_their_metadata() -> None:
    from langchain_core.callbacks import BaseCallbackHandler

    seen: list[tuple[str, Any]] = []

    class Listener(BaseCallbackHandler):
        def on_chain_start(self, *args: Any, **kwargs: Any) -> None:
            seen.append((kwargs["name"], kwargs["metadata"]))

    graph = StateGraph(dict).add_node("node", lambda s: s).add_edge(START, "node").compile()
    graph.invoke({}, {"callbacks": [Listener()]})

    (_, outer), (name, inner) = seen
    said = changed("the metadata of runs", "tracker")
    assert "langgraph_checkpoint_ns" not in outer, said
    assert name == inner["langgraph_node"] == "node", said
    assert inner["langgraph_checkpoint_ns"].startswith("node:"), said
    assert inner["langgraph_step"] == 1, said
    assert inner["langgraph_path"] == ("__pregel_pull", "node"), said


def test_names_that_stand_as_text() -> None:
    assert _constants.INTERRUPT == translate.INTERRUPT, changed("INTERRUPT", "translate")
    assert _constants.ERROR == translate.ERROR, changed("ERROR", "translate")
    unnamed = StateGraph(dict).add_node("node", lambda s: s).add_edge(START, "node").compile()
    assert unnamed.get_name() == translate.UNNAMED, changed("its default name", "translate")
    assert issubclass(Pregel, PregelProtocol), changed("Pregel", "translate")
    assert isinstance(Command(), Command), changed("Command", "translate")


def test_create_agent_says_that_it_made_a_graph() -> None:
    agent = create_agent(GenericFakeChatModel(messages=iter([])), [])

    config = agent.config or {}
    assert config["metadata"]["ls_integration"] == translate.CREATE_AGENT, changed(
        "create_agent's metadata", "translate"
    )


def test_exceptions_that_mean_something_stand_where_they_stood() -> None:
    for name in translate._ENDINGS:
        module, _, kind = name.rpartition(".")
        if module == "langgraph.errors":
            assert hasattr(errors, kind), changed(name, "translate")
