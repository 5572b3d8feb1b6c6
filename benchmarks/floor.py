"""The floor: what the same spans and events cost when they are written by hand.

A LangChain callback handler in plain OpenTelemetry, as one would write it for this one program: it
knows which nodes are agents and what a token costs, it handles no error, interrupt or retry, and it
neither guards nor bounds anything. Spans are the SDK's: one attribute dict when they start, one
when they end. `overhead.py` asserts that spans and events are the same as exectrail's.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Final, cast
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, LLMResult
from langchain_core.tracers import context as langchain_context
from opentelemetry._logs import Logger, SeverityNumber
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Tracer, set_span_in_context

from exectrail.conventions import names

Values = dict[str, Any]

RECURSION_LIMIT: Final = 25
USD_PER_INPUT: Final = 0.15e-6
USD_PER_CACHED: Final = 0.075e-6
USD_PER_OUTPUT: Final = 0.6e-6
PRICES: Final = "by hand"
OPERATIONS: Final = {
    "workflow": "invoke_workflow",
    "agent": "invoke_agent",
    "tool": "execute_tool",
}


class _Execution:
    """An execution that is open: its span, and what stands on each of its events."""

    def __init__(
        self,
        kind: str,
        name: str,
        run_id: str,
        parent: _Execution | None,
        iteration: int,
        origin: Values,
    ) -> None:
        self.kind = kind
        self.name = name
        self.id = run_id
        self.parent = parent
        self.root_id: str = parent.root_id if parent else run_id
        self.workflow: str = parent.workflow if parent else name
        self.agent: str = name if kind == "agent" else parent.agent if parent else ""
        self.iterations = 0
        self.origin = origin
        self.sequence = 0
        self.visits: dict[str, int] = {}
        self.base: Values = {
            names.EXECUTION_ID: run_id,
            names.EXECUTION_ROOT_ID: self.root_id,
            names.EXECUTION_KIND: kind,
            names.EXECUTION_NAME: name,
            names.EXECUTION_ATTEMPT: 1,
            names.GEN_AI_WORKFLOW_NAME: self.workflow,
        }
        if iteration:
            self.base[names.EXECUTION_ITERATION] = iteration
        if parent is not None:
            self.base[names.EXECUTION_PARENT_ID] = parent.id
        if self.agent:
            self.base[names.GEN_AI_AGENT_NAME] = self.agent
        if kind == "tool":
            self.base[names.GEN_AI_TOOL_NAME] = name
        self.span: Span
        self.context: Context


class _Call:
    """A model call that is open."""

    def __init__(self, owner: _Execution, base: Values, span: Span) -> None:
        self.owner = owner
        self.base = base
        self.span = span


class FloorHandler(BaseCallbackHandler):
    """Makes a span and two events of each execution, a span and an event of each model call.

    Args:
        tracer: Makes the spans.
        logger: Takes the events.
        agents: Names of the nodes that are sub-graphs.
    """

    run_inline = True

    def __init__(self, tracer: Tracer, logger: Logger, agents: frozenset[str]) -> None:
        self._tracer = tracer
        self._logger = logger
        self._agents = agents
        self._open: dict[UUID, _Execution] = {}
        self._within: dict[UUID, _Execution] = {}
        """The execution that a run belongs to, also of the runs that are none themselves."""
        self._calls: dict[UUID, _Call] = {}

    # -- graphs and nodes ----------------------------------------------------------------------

    def on_chain_start(
        self,
        serialized: dict[str, Any],
        inputs: dict[str, Any],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        name: str = "",
        **kwargs: Any,
    ) -> None:
        if parent_run_id is None:
            limit = {names.EXECUTION_MAX_ITERATIONS: RECURSION_LIMIT}
            self._start("workflow", name, run_id, None, 0, limit)
            return
        parent = self._within[parent_run_id]
        if not tags or not tags[0].startswith("graph:step:"):
            # The graph inside an agent's node, or the function of a conditional edge.
            self._within[run_id] = parent
            return
        visit = parent.visits[name] = parent.visits.get(name, 0) + 1
        parent.iterations = max(parent.iterations, visit)
        if name in self._agents:
            limit = {names.EXECUTION_MAX_ITERATIONS: RECURSION_LIMIT}
            self._start("agent", name, run_id, parent, visit, limit)
        else:
            self._start("step", name, run_id, parent, visit, {})

    def on_chain_end(self, outputs: dict[str, Any], *, run_id: UUID, **kwargs: Any) -> None:
        self._end(run_id)

    # -- tools -----------------------------------------------------------------------------------

    def on_tool_start(
        self,
        serialized: dict[str, Any],
        input_str: str,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tool_call_id: str = "",
        **kwargs: Any,
    ) -> None:
        parent = self._within[parent_run_id] if parent_run_id else None
        origin = {names.GEN_AI_TOOL_CALL_ID: tool_call_id}
        self._start("tool", serialized["name"], run_id, parent, 0, origin)

    def on_tool_end(self, output: Any, *, run_id: UUID, **kwargs: Any) -> None:
        self._end(run_id)

    # -- model calls -----------------------------------------------------------------------------

    def on_chat_model_start(
        self,
        serialized: dict[str, Any],
        messages: list[list[BaseMessage]],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        owner = self._within[cast(UUID, parent_run_id)]
        about = metadata or {}
        base: Values = {
            names.EXECUTION_ID: owner.id,
            names.EXECUTION_ROOT_ID: owner.root_id,
            names.EXECUTION_KIND: owner.kind,
            names.EXECUTION_NAME: owner.name,
            names.GEN_AI_OPERATION_NAME: "chat",
            names.GEN_AI_WORKFLOW_NAME: owner.workflow,
            names.GEN_AI_AGENT_NAME: owner.agent,
            names.GEN_AI_PROVIDER_NAME: about["ls_provider"],
            names.GEN_AI_REQUEST_MODEL: about["ls_model_name"],
        }
        span = self._tracer.start_span(
            f"chat {about['ls_model_name']}",
            owner.context,
            kind=SpanKind.CLIENT,
            attributes=base,
        )
        self._calls[run_id] = _Call(owner, base, span)

    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **kwargs: Any) -> None:
        call = self._calls.pop(run_id)
        generation = cast(ChatGeneration, response.generations[0][0])
        message = cast(AIMessage, generation.message)
        told = message.response_metadata
        usage = message.usage_metadata
        assert usage is not None
        cached = usage.get("input_token_details", {}).get("cache_read", 0)
        reasoning = usage.get("output_token_details", {}).get("reasoning", 0)
        cost = (
            (usage["input_tokens"] - cached) * USD_PER_INPUT
            + cached * USD_PER_CACHED
            + usage["output_tokens"] * USD_PER_OUTPUT
        )
        ended: Values = {
            names.GEN_AI_USAGE_INPUT_TOKENS: usage["input_tokens"],
            names.GEN_AI_USAGE_OUTPUT_TOKENS: usage["output_tokens"],
            names.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS: cached,
            names.GEN_AI_USAGE_REASONING_OUTPUT_TOKENS: reasoning,
            names.USAGE_ROLE: names.UsageRole.BILLING.value,
            names.COST_AMOUNT: f"{cost:.9f}",
            names.COST_CURRENCY: "USD",
            names.COST_SOURCE: names.CostSource.PRICED.value,
            names.COST_PRICE_VERSION: PRICES,
            names.GEN_AI_RESPONSE_MODEL: told["model_name"],
            names.GEN_AI_RESPONSE_ID: told["id"],
        }
        context = set_span_in_context(call.span, Context())
        self._emit(
            names.EVENT_INFERENCE_USAGE, call.owner, {**call.base, **ended}, time.time_ns(), context
        )
        ended[names.GEN_AI_RESPONSE_FINISH_REASONS] = (told["finish_reason"],)
        call.span.set_attributes(ended)
        call.span.end()

    # -- executions ------------------------------------------------------------------------------

    def _start(
        self,
        kind: str,
        name: str,
        run_id: UUID,
        parent: _Execution | None,
        iteration: int,
        origin: Values,
    ) -> None:
        own_id = str(run_id)
        origin[names.EXECUTION_EXTERNAL_ID] = own_id
        execution = _Execution(kind, name, own_id, parent, iteration, origin)
        execution.span = self._tracer.start_span(
            f"{OPERATIONS.get(kind, kind)} {name}",
            parent.context if parent else None,
            attributes=execution.base,
        )
        execution.context = set_span_in_context(execution.span, Context())
        self._open[run_id] = self._within[run_id] = execution
        running = {**origin, names.EXECUTION_STATE: names.State.RUNNING.value}
        self._emit(
            names.EVENT_EXECUTION_STATE_CHANGED,
            execution,
            running,
            time.time_ns(),
            execution.context,
        )

    def _end(self, run_id: UUID) -> None:
        self._within.pop(run_id)
        execution = self._open.pop(run_id, None)
        if execution is None:
            return
        completed: Values = {
            names.EXECUTION_STATE: names.State.COMPLETED.value,
            names.EXECUTION_PREVIOUS_STATE: names.State.RUNNING.value,
        }
        now = time.time_ns()
        self._emit(
            names.EVENT_EXECUTION_STATE_CHANGED, execution, completed, now, execution.context
        )
        ended = execution.origin
        ended[names.EXECUTION_STATE] = names.State.COMPLETED.value
        if execution.iterations:
            ended[names.EXECUTION_ITERATIONS] = execution.iterations
        if execution.kind in OPERATIONS:
            ended[names.GEN_AI_OPERATION_NAME] = OPERATIONS[execution.kind]
        if execution.kind == "tool":
            ended[names.GEN_AI_TOOL_TYPE] = "function"
        execution.span.set_attributes(ended)
        execution.span.end(now)

    def _emit(
        self, event: str, execution: _Execution, attributes: Values, now: int, context: Context
    ) -> None:
        execution.sequence += 1
        whole: Values = {
            **execution.base,
            **attributes,
            names.EVENT_NAME: event,
            names.EXECUTION_SEQUENCE: execution.sequence,
        }
        if execution.iterations:
            whole[names.EXECUTION_ITERATIONS] = execution.iterations
        self._logger.emit(
            timestamp=now,
            observed_timestamp=now,
            context=context,
            severity_number=SeverityNumber.INFO,
            severity_text="INFO",
            attributes=whole,
            event_name=event,
        )


def install(handler: BaseCallbackHandler) -> Callable[[], None]:
    """Register a handler for every run of this process.

    Returns:
        A function that takes it out again.
    """
    variable: ContextVar[BaseCallbackHandler | None] = ContextVar("floor", default=handler)
    langchain_context.register_configure_hook(variable, inheritable=True)
    hooks = langchain_context._configure_hooks
    hook = hooks[-1]
    return lambda: hooks.remove(hook)
