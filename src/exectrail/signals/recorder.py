"""The recorder: what `execution` reports, as spans, events and metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from opentelemetry import context as otel_context
from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY as _SUPPRESS
from opentelemetry.trace import SpanKind

from exectrail.conventions import names
from exectrail.conventions.names import State, UsageRole
from exectrail.guard import guard
from exectrail.pricing import PriceTable
from exectrail.signals import contents, money
from exectrail.signals.attributes import Attributes, cut, identity, whole
from exectrail.signals.contents import TextRules
from exectrail.signals.events import Events
from exectrail.signals.handed import handed_span
from exectrail.signals.metrics import CallNote, CloseNote, Metrics, StateNote
from exectrail.signals.spans import Attached, SpanError, SpanHandle, Spans

if TYPE_CHECKING:
    from exectrail.execution import (
        Artifact,
        ErrorInfo,
        Execution,
        Logged,
        ModelCall,
        Plan,
        Progress,
        Resources,
        Result,
        Transition,
        Variable,
    )

_NS: Final = 1e-9
# Guarded one by one: where one signal cannot be given, the others are.
_EVENT: Final = guard("signals.event")
_SPAN: Final = guard("signals.span")


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
        name = contents.span_name(execution)
        with _SPAN:
            above = _handle(execution.parent) or handed_span(execution.parent)
            execution.trace = self._spans.start(
                name, SpanKind.INTERNAL, execution.started_ns, base, above
            )

    def changed(self, execution: Execution, transition: Transition) -> None:
        self._emit(
            names.EVENT_EXECUTION_STATE_CHANGED,
            execution,
            transition.sequence,
            contents.changed(execution, transition, self._texts),
            at_ns=transition.at_ns,
            severity=contents.severity(transition),
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

    def closed(self, execution: Execution) -> None:
        handle = _handle(execution)
        state = execution.state or State.CREATED
        error = self._span_error(execution.error if state is State.FAILED else None)
        if handle is not None:
            extra = contents.closed(execution, state)
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
        told = contents.progressed(progress, self._texts)
        self._emit(names.EVENT_EXECUTION_PROGRESS, execution, sequence, told)

    def planned(self, execution: Execution, sequence: int, plan: Plan) -> None:
        told = contents.planned(plan)
        self._emit(names.EVENT_EXECUTION_PLAN_CHANGED, execution, sequence, told)

    def resulted(self, execution: Execution, sequence: int, result: Result) -> None:
        told = contents.resulted(result, self._texts)
        self._emit(names.EVENT_EXECUTION_RESULT, execution, sequence, told)

    def made(self, execution: Execution, sequence: int, artifact: Artifact) -> None:
        told = contents.made(artifact)
        self._emit(names.EVENT_EXECUTION_ARTIFACT, execution, sequence, told)

    def consumed(self, execution: Execution, sequence: int, resources: Resources) -> None:
        told = contents.consumed(resources)
        self._emit(names.EVENT_EXECUTION_RESOURCE_USAGE, execution, sequence, told)

    def assigned(self, execution: Execution, sequence: int, variable: Variable) -> None:
        told = contents.assigned(variable, self._texts)
        self._emit(names.EVENT_EXECUTION_VARIABLE_SET, execution, sequence, told)

    def logged(self, execution: Execution, line: Logged) -> None:
        if otel_context.get_value(_SUPPRESS):  # an exporter at work
            return
        handle = _handle(execution)
        told = contents.logged(execution, line, self._texts)
        with _EVENT:
            text = self._texts.clean_value(line.text)
            self._events.log(text, line.at_ns, told, handle, line.level)

    # -- model calls -------------------------------------------------------------------------------

    def call_opened(self, call: ModelCall) -> None:
        name = f"{cut(call.operation)} {cut(call.request_model)}".rstrip()
        with _SPAN:
            call.trace = self._spans.start(
                name,
                SpanKind.CLIENT,
                call.started_ns,
                contents.call_base(call),
                _handle(call.execution),
            )

    def call_closed(self, call: ModelCall, sequence: int | None) -> None:
        cost = money.price(call, self._prices)
        usage = contents.used(call, money.cost_attributes(cost))
        error = self._span_error(call.error)
        handle = _handle(call)
        if sequence is not None:
            attributes = dict(usage) if handle else {**contents.call_base(call), **usage}
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
        if span is not None:  # whose base says less, and some of the same
            base = {name: value for name, value in base.items() if name not in span.base}
        if span is not None or handle is None:
            attributes = {**base, **attributes}
        attributes[names.EXECUTION_SEQUENCE] = sequence
        if execution.iterations:
            attributes[names.EXECUTION_ITERATIONS] = execution.iterations
        with _EVENT:
            now = execution.engine.now_ns() if at_ns is None else at_ns
            self._events.emit(event, now, attributes, span or handle, severity)


def _handle(item: Execution | ModelCall | None) -> SpanHandle | None:
    """The span that this recorder keeps on an execution or a model call."""
    kept = item.trace if item is not None else None
    return kept if isinstance(kept, SpanHandle) else None
