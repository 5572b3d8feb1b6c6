"""Where LangGraph and LangChain are hooked: patch -> step of theirs -> execution.

`Handler`, in every callback manager by `register_configure_hook` (public)
    A chain, tool, retriever or model starts or ends, in any thread or task
    -> node: step or agent; tool: tool; model: a model call of the node around it.

`PregelLoop.__init__` in `langgraph.pregel._loop` (private)
    A graph's run begins, before it reads its checkpoint
    -> graph: workflow or agent; which of its nodes are graphs, and so agents.

`get_sync_graph_callback_manager_for_config` and `get_async_...` in `langgraph.pregel.main`
(public functions, patched where they were imported to)
    The same moment; `Lifecycle` is added, since configure hooks do not reach these managers.

`Lifecycle.on_resume`, `.on_interrupt` (public)
    A graph goes on from a checkpoint, before its first node -> running, after paused;
    the outermost graph pauses, for a question or at a breakpoint -> paused.

Both handlers run inline. LangChain would hand every event of an async run to a thread otherwise,
and a context attached there would not be the program's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import wrapt
from langchain_core.callbacks.base import BaseCallbackHandler
from langchain_core.tracers import context as tracers_context

from exectrail.execution import resolve_current_with
from exectrail.guard import guard
from exectrail_langgraph import translate
from exectrail_langgraph.tracker import Tracker

if TYPE_CHECKING:
    from langchain_core.outputs import LLMResult
    from langgraph.callbacks import GraphCallbackHandler

GRAPH_MODULE: Final = "langgraph.pregel.main"
"""Imports everything of LangGraph that is hooked."""
MANAGERS: Final = (
    "get_sync_graph_callback_manager_for_config",
    "get_async_graph_callback_manager_for_config",
)

_STARTED = guard("langgraph.started")
_ENDED = guard("langgraph.ended")
_FAILED = guard("langgraph.failed")
_TOKEN = guard("langgraph.token")
_GRAPH = guard("langgraph.graph")


class Handler(BaseCallbackHandler):
    """Hears of every run. Inputs, outputs and messages pass by unread."""

    run_inline = True

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker

    @property
    def ignore_retry(self) -> bool:
        return True

    @property
    def ignore_custom_event(self) -> bool:
        return True

    def on_chain_start(
        self,
        serialized: Mapping[str, Any] | None,
        inputs: Any,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        metadata: Mapping[str, Any] | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        with _STARTED:
            called = name or translate.caller_name(name, serialized)
            self._tracker.chain_started(run_id, parent_run_id, called, metadata)

    def on_chain_end(self, outputs: Any, *, run_id: UUID, **kwargs: Any) -> None:
        with _ENDED:
            self._tracker.ended(run_id)

    def on_chain_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        with _FAILED:
            self._tracker.failed(run_id, error)

    def on_tool_start(
        self,
        serialized: Mapping[str, Any] | None,
        input_str: str,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        metadata: Mapping[str, Any] | None = None,
        tool_call_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        with _STARTED:
            name = translate.caller_name(None, serialized)
            self._tracker.tool_started(run_id, parent_run_id, name, tool_call_id, metadata)

    def on_tool_end(self, output: Any, *, run_id: UUID, **kwargs: Any) -> None:
        with _ENDED:
            self._tracker.ended(run_id)

    def on_tool_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        with _FAILED:
            self._tracker.failed(run_id, error)

    def on_retriever_start(
        self,
        serialized: Mapping[str, Any] | None,
        query: str,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        with _STARTED:
            called = translate.caller_name(name, serialized)
            self._tracker.retriever_started(run_id, parent_run_id, called)

    def on_retriever_end(self, documents: Any, *, run_id: UUID, **kwargs: Any) -> None:
        with _ENDED:
            self._tracker.ended(run_id)

    def on_retriever_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        with _FAILED:
            self._tracker.failed(run_id, error)

    def on_chat_model_start(
        self,
        serialized: Mapping[str, Any] | None,
        messages: Any,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        metadata: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        with _STARTED:
            self._call_started(serialized, run_id, parent_run_id, metadata, kwargs, "chat")

    def on_llm_start(
        self,
        serialized: Mapping[str, Any] | None,
        prompts: Any,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        metadata: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        with _STARTED:
            self._call_started(
                serialized, run_id, parent_run_id, metadata, kwargs, "text_completion"
            )

    def _call_started(
        self,
        serialized: Mapping[str, Any] | None,
        run_id: UUID,
        parent_run_id: UUID | None,
        metadata: Mapping[str, Any] | None,
        told: Mapping[str, Any],
        operation: str,
    ) -> None:
        self._tracker.call_started(
            run_id,
            parent_run_id,
            translate.caller_name(None, serialized),
            translate.provider(metadata),
            translate.request_model(metadata, told.get("invocation_params")),
            operation,
        )

    def on_llm_new_token(self, token: Any, *, run_id: UUID, **kwargs: Any) -> None:
        with _TOKEN:
            self._tracker.first_token(run_id)

    def on_stream_event(self, event: Any, *, run_id: UUID, **kwargs: Any) -> None:
        with _TOKEN:
            self._tracker.first_token(run_id)

    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **kwargs: Any) -> None:
        with _ENDED:
            self._tracker.call_ended(run_id, response)

    def on_llm_error(
        self,
        error: BaseException,
        *,
        run_id: UUID,
        response: LLMResult | None = None,
        **kwargs: Any,
    ) -> None:
        with _FAILED:
            self._tracker.call_failed(run_id, error, response)


def lifecycle(tracker: Tracker) -> GraphCallbackHandler:
    """The handler of what only LangGraph tells; made once LangGraph is there."""
    from langgraph.callbacks import GraphCallbackHandler

    class Lifecycle(GraphCallbackHandler):
        """Hears of pauses and of what goes on after one."""

        run_inline = True

        def on_interrupt(self, event: Any) -> None:
            with _GRAPH:
                tracker.graph_interrupted(event)

        def on_resume(self, event: Any) -> None:
            with _GRAPH:
                tracker.graph_resumed(event)

    return Lifecycle()


def hook_runs(tracker: Tracker) -> Callable[[], None]:
    """Be told of every run of LangChain.

    Returns:
        A function that takes the hooks out.
    """
    handler = Handler(tracker)
    variable: ContextVar[Handler | None] = ContextVar("exectrail_langgraph", default=handler)
    tracers_context.register_configure_hook(variable, inheritable=True)
    forget_resolver = resolve_current_with(tracker.current)

    def undo() -> None:
        forget_resolver()
        registered = tracers_context._configure_hooks
        registered[:] = [entry for entry in registered if entry[0] is not variable]

    return undo


def hook_graphs(tracker: Tracker) -> Callable[[], None]:
    """Be told of every graph of LangGraph.

    Returns:
        A function that takes the hooks out.
    """
    from langgraph.pregel import _loop, main

    handler = lifecycle(tracker)
    on = True

    def with_lifecycle(wrapped: Any, _instance: Any, args: Any, kwargs: Any) -> Any:
        manager = wrapped(*args, **kwargs)
        with _GRAPH:
            manager.add_handler(handler, inherit=False)
        return manager

    def loop_made(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> None:
        wrapped(*args, **kwargs)
        with _GRAPH:
            tracker.graph_started(instance)

    patches = [_Patch(main, name, with_lifecycle, lambda: on) for name in MANAGERS]
    patches.append(_Patch(_loop.PregelLoop, "__init__", loop_made, lambda: on))

    def undo() -> None:
        nonlocal on
        on = False
        for patch in patches:
            patch.undo()

    return undo


class _Patch:
    """One wrapped function. Undone, it is gone; buried under another's wrapper, it is inert."""

    def __init__(self, place: Any, name: str, wrapper: Any, enabled: Callable[[], bool]) -> None:
        self._place = place
        self._name = name
        self._original = vars(place)[name]
        self._wrapped = wrapt.FunctionWrapper(self._original, wrapper, enabled)
        setattr(place, name, self._wrapped)

    def undo(self) -> None:
        if vars(self._place).get(self._name) is self._wrapped:
            setattr(self._place, self._name, self._original)
