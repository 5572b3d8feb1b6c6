"""The recorder: what `execution` reports, as spans, events and metrics."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from opentelemetry.trace import SpanKind

from exectrail.conventions import names
from exectrail.conventions.names import Kind, State, UsageRole
from exectrail.guard import guard
from exectrail.pricing import PriceTable
from exectrail.signals import money
from exectrail.signals.attributes import (
    OPERATIONS,
    Attributes,
    cut,
    identity,
    number,
    origin,
    tokens,
    unicode,
    whole,
)
from exectrail.signals.events import Events
from exectrail.signals.metrics import CallNote, CloseNote, Metrics, StateNote
from exectrail.signals.redaction import scrub, scrub_url
from exectrail.signals.spans import Attached, SpanError, SpanHandle, Spans

if TYPE_CHECKING:
    from exectrail.execution import (
        Artifact,
        ErrorInfo,
        Execution,
        ModelCall,
        Plan,
        PlanStep,
        Progress,
        Resources,
        Result,
        Transition,
        Variable,
    )

_NS: Final = 1e-9
_SCRUB: Final = guard("signals.redaction")
# Guarded one by one: where one signal cannot be given, the others are.
_EVENT: Final = guard("signals.event")
_SPAN: Final = guard("signals.span")
MAX_PLAN_STEPS: Final = 200
MAX_PLAN_NAMES: Final = 32
"""Inputs, and expected outputs, of a step that are told."""


@dataclass(frozen=True, slots=True)
class TextRules:
    """What may be kept of messages."""

    keep: bool = True
    """False: the type of an error alone, no text at all."""
    limit: int = 1024
    """Characters."""

    def clean(self, text: object) -> str:
        """A message, scrubbed of secrets and cut, or nothing."""
        return self.clean_value(text) if self.keep and text else ""

    def clean_value(self, text: object) -> str:
        """A text that is kept on request, scrubbed and cut; nothing where scrubbing failed."""
        with _SCRUB:
            return unicode(scrub(str(text), self.limit))
        return ""


class OTelRecorder:
    """Writes what executions report.

    Args:
        spans: Where spans go.
        events: Where events go.
        metrics: Where measurements go.
        prices: What tokens cost.
        texts: What may be kept of messages.
    """

    def __init__(
        self,
        spans: Spans,
        events: Events,
        metrics: Metrics,
        prices: PriceTable,
        texts: TextRules,
    ) -> None:
        self._spans = spans
        self._events = events
        self._metrics = metrics
        self._prices = prices
        self._texts = texts

    # -- state ------------------------------------------------------------------------------------

    def opened(self, execution: Execution) -> None:
        base = identity(execution)
        operation = OPERATIONS.get(execution.kind)
        name = f"{operation or execution.kind.value} {cut(execution.name)}"
        above = _handle(execution.parent)
        with _SPAN:
            execution.trace = self._spans.start(
                name, SpanKind.INTERNAL, execution.started_ns, base, above
            )

    def changed(self, execution: Execution, transition: Transition) -> None:
        attributes = self._about_state(execution, transition)
        severity = ""
        if transition.state is State.FAILED:
            severity = "ERROR"
        elif transition.state is State.CANCELLED or not transition.valid:
            severity = "WARN"
        self._emit(
            names.EVENT_EXECUTION_STATE_CHANGED,
            execution,
            transition.sequence,
            attributes,
            at_ns=transition.at_ns,
            severity=severity,
        )
        if transition.valid:
            self._metrics.note(
                StateNote(
                    execution.kind.value,
                    cut(execution.workflow),
                    None if transition.began else transition.previous,
                    transition.state,
                    cut(transition.reason),
                    transition.left_after_ns * _NS,
                )
            )

    def _about_state(self, execution: Execution, transition: Transition) -> Attributes:
        attributes: Attributes = {names.EXECUTION_STATE: transition.state.value}
        if transition.previous is not None:
            attributes[names.EXECUTION_PREVIOUS_STATE] = transition.previous.value
        if transition.reason:
            attributes[names.EXECUTION_REASON] = cut(transition.reason)
        if not transition.valid:
            attributes[names.EXECUTION_VALID] = False
        if transition.error is not None:
            attributes[names.ERROR_TYPE] = cut(transition.error.type)
            if message := self._texts.clean(transition.error.message):
                attributes[names.EXCEPTION_MESSAGE] = message
        if transition.began:
            attributes.update(origin(execution))
        elif transition.state is State.PAUSED and execution.resume_key:
            attributes[names.EXECUTION_RESUME_KEY] = cut(execution.resume_key)
        if transition.checkpoint_id:
            attributes[names.EXECUTION_CHECKPOINT_ID] = cut(transition.checkpoint_id)
        return attributes

    def closed(self, execution: Execution) -> None:
        handle = _handle(execution)
        state = execution.state or State.CREATED
        error = self._span_error(execution.error if state is State.FAILED else None)
        if handle is not None:
            extra = origin(execution)
            extra.pop(names.EXECUTION_DEADLINE, None)  # for the judge, who reads events
            extra[names.EXECUTION_STATE] = state.value
            if execution.reason:
                extra[names.EXECUTION_REASON] = cut(execution.reason)
            if execution.iterations:
                extra[names.EXECUTION_ITERATIONS] = execution.iterations
            if operation := OPERATIONS.get(execution.kind):
                extra[names.GEN_AI_OPERATION_NAME] = operation
            if execution.kind is Kind.TOOL:
                extra[names.GEN_AI_TOOL_TYPE] = "function"
            if error is not None:
                extra[names.ERROR_TYPE] = error.type
            elif state is State.FAILED:
                error = SpanError("", "")
            with _SPAN:
                self._spans.end(handle, execution.ended_ns, extra, error)
        self._metrics.note(
            CloseNote(
                execution.kind.value,
                cut(execution.workflow),
                cut(execution.name),
                state,
                error.type if error is not None else "",
                (execution.ended_ns - execution.started_ns) * _NS,
            )
        )

    def _span_error(self, error: ErrorInfo | None) -> SpanError | None:
        return error and SpanError(cut(error.type), self._texts.clean(error.message))

    # -- what it reports ---------------------------------------------------------------------------

    def progressed(self, execution: Execution, sequence: int, progress: Progress) -> None:
        attributes: Attributes = {}
        if (fraction := number(progress.fraction)) is not None:
            attributes[names.EXECUTION_PROGRESS] = fraction
        if message := self._texts.clean(progress.message):
            attributes[names.EXECUTION_MESSAGE] = message
        for name, steps in (
            (names.EXECUTION_STEPS_COMPLETED, progress.completed),
            (names.EXECUTION_STEPS_PLANNED, progress.planned),
        ):
            if (count := whole(steps)) is not None:
                attributes[name] = count
        self._emit(names.EVENT_EXECUTION_PROGRESS, execution, sequence, attributes)

    def planned(self, execution: Execution, sequence: int, plan: Plan) -> None:
        steps = [_plan_step(step) for step in plan.steps[:MAX_PLAN_STEPS]]
        attributes: Attributes = {
            names.PLAN_REVISION: plan.revision,
            names.PLAN_STEPS: json.dumps(steps, separators=(",", ":")),
            names.EXECUTION_STEPS_PLANNED: len(plan.steps),
            names.EXECUTION_STEPS_COMPLETED: plan.completed,
        }
        self._emit(names.EVENT_EXECUTION_PLAN_CHANGED, execution, sequence, attributes)

    def resulted(self, execution: Execution, sequence: int, result: Result) -> None:
        attributes: Attributes = {
            names.RESULT_NAME: cut(result.name),
            names.RESULT_CATEGORY: result.category.value,
        }
        if result.valid is not None:
            attributes[names.RESULT_VALID] = result.valid
        if result.problem:
            attributes[names.RESULT_PROBLEM] = cut(result.problem)
        if result.error is not None:
            attributes[names.ERROR_TYPE] = cut(result.error.type)
            if message := self._texts.clean(result.error.message):
                attributes[names.EXCEPTION_MESSAGE] = message
        self._emit(names.EVENT_EXECUTION_RESULT, execution, sequence, attributes)

    def made(self, execution: Execution, sequence: int, artifact: Artifact) -> None:
        attributes: Attributes = {
            names.ARTIFACT_NAME: cut(artifact.name),
            names.ARTIFACT_ACTION: cut(artifact.action),
        }
        if artifact.url:
            with _SCRUB:
                attributes[names.ARTIFACT_URL] = cut(scrub_url(str(artifact.url)))
        if artifact.media_type:
            attributes[names.ARTIFACT_MEDIA_TYPE] = cut(artifact.media_type)
        if (size := whole(artifact.size)) is not None:
            attributes[names.ARTIFACT_SIZE] = size
        self._emit(names.EVENT_EXECUTION_ARTIFACT, execution, sequence, attributes)

    def consumed(self, execution: Execution, sequence: int, resources: Resources) -> None:
        attributes: Attributes = {names.RESOURCE_SCOPE: resources.scope.value}
        for name, value in (
            (names.RESOURCE_CPU_TIME, number(resources.cpu_seconds)),
            (names.RESOURCE_MEMORY_PEAK, whole(resources.memory_peak_bytes)),
            (names.RESOURCE_DISK_READ, whole(resources.disk_read_bytes)),
            (names.RESOURCE_DISK_WRITE, whole(resources.disk_write_bytes)),
        ):
            if value is not None:
                attributes[name] = value
        self._emit(names.EVENT_EXECUTION_RESOURCE_USAGE, execution, sequence, attributes)

    def assigned(self, execution: Execution, sequence: int, variable: Variable) -> None:
        attributes: Attributes = {
            names.VARIABLE_NAME: cut(variable.name),
            names.VARIABLE_TYPE: cut(variable.type),
            names.VARIABLE_HASH: variable.hash,
        }
        if variable.value is not None:
            attributes[names.VARIABLE_VALUE] = self._texts.clean_value(variable.value)
        self._emit(names.EVENT_EXECUTION_VARIABLE_SET, execution, sequence, attributes)

    # -- model calls -------------------------------------------------------------------------------

    def call_opened(self, call: ModelCall) -> None:
        name = f"{cut(call.operation)} {cut(call.request_model)}".rstrip()
        with _SPAN:
            call.trace = self._spans.start(
                name, SpanKind.CLIENT, call.started_ns, _call_base(call), _handle(call.execution)
            )

    def call_closed(self, call: ModelCall, sequence: int | None) -> None:
        cost = money.price(call, self._prices)
        usage = tokens(call.usage)
        usage[names.USAGE_ROLE] = call.role.value
        usage.update(money.cost_attributes(cost))
        if call.response_model:
            usage[names.GEN_AI_RESPONSE_MODEL] = cut(call.response_model)
        if call.response_id:
            usage[names.GEN_AI_RESPONSE_ID] = cut(call.response_id)
        error = self._span_error(call.error)
        if error is not None:
            usage[names.ERROR_TYPE] = error.type
        handle = _handle(call)
        if sequence is not None:
            attributes = {**(handle.base if handle is not None else _call_base(call)), **usage}
            self._emit(
                names.EVENT_INFERENCE_USAGE,
                call.execution,
                sequence,
                attributes,
                at_ns=call.ended_ns,
                span=handle,
            )
        if handle is not None:
            if call.finish_reasons:
                reasons = tuple(cut(reason) for reason in call.finish_reasons)
                usage[names.GEN_AI_RESPONSE_FINISH_REASONS] = reasons
            with _SPAN:
                self._spans.end(handle, call.ended_ns, usage, error)
        counts = call.role is UsageRole.BILLING  # the others repeat what is told elsewhere
        self._metrics.note(
            CallNote(
                cut(call.operation),
                cut(call.provider),
                cut(call.request_model),
                cut(call.response_model),
                error.type if error is not None else "",
                (call.ended_ns - call.started_ns) * _NS,
                whole(call.usage.input_tokens) if counts else None,
                whole(call.usage.output_tokens) if counts else None,
                cost.amount if counts else None,
                cost.currency,
            )
        )

    # -- the context around the program's code -----------------------------------------------------

    def attach(self, item: Execution | ModelCall) -> object:
        handle = _handle(item)
        return handle.attach() if handle is not None else None

    def detach(self, token: object) -> None:
        if isinstance(token, Attached):
            token.detach()

    def _emit(
        self,
        event: str,
        execution: Execution,
        sequence: int,
        attributes: Attributes,
        *,
        at_ns: int | None = None,
        severity: str = "",
        span: SpanHandle | None = None,
    ) -> None:
        handle = _handle(execution)
        base = handle.base if handle is not None else identity(execution)
        attributes = {**base, **attributes, names.EXECUTION_SEQUENCE: sequence}
        if execution.iterations:
            attributes[names.EXECUTION_ITERATIONS] = execution.iterations
        with _EVENT:
            now = execution.engine.now_ns() if at_ns is None else at_ns
            self._events.emit(event, now, attributes, span or handle, severity)


def _handle(item: Execution | ModelCall | None) -> SpanHandle | None:
    """The span that this recorder keeps on an execution or a model call."""
    kept = item.trace if item is not None else None
    return kept if isinstance(kept, SpanHandle) else None


def _call_base(call: ModelCall) -> Attributes:
    """Who made a call and of what: on its span and its usage event."""
    execution = call.execution
    base: Attributes = {
        names.EXECUTION_ID: execution.id,
        names.EXECUTION_ROOT_ID: execution.root_id,
        names.EXECUTION_KIND: execution.kind.value,
        names.EXECUTION_NAME: cut(execution.name),
        names.GEN_AI_OPERATION_NAME: cut(call.operation),
    }
    for name, value in (
        (names.GEN_AI_WORKFLOW_NAME, execution.workflow),
        (names.GEN_AI_AGENT_NAME, execution.agent),
        (names.GEN_AI_PROVIDER_NAME, call.provider),
        (names.GEN_AI_REQUEST_MODEL, call.request_model),
    ):
        if value:
            base[name] = cut(value)
    return base


def _plan_step(step: PlanStep) -> dict[str, object]:
    known: dict[str, object] = {
        "name": cut(step.name),
        "component": cut(step.component),
        "inputs": [cut(name) for name in step.inputs[:MAX_PLAN_NAMES]],
        "expected_outputs": [cut(name) for name in step.expected_outputs[:MAX_PLAN_NAMES]],
        "estimated_cost": None if step.estimated_cost is None else f"{step.estimated_cost:f}",
        "estimated_seconds": number(step.estimated_seconds),
        "actual_cost": None if step.actual_cost is None else f"{step.actual_cost:f}",
        "actual_seconds": number(step.actual_seconds),
        "state": str(step.state),
    }
    return {key: value for key, value in known.items() if value not in (None, "", [])}
