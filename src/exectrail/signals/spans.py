"""Spans, built once.

With providers of our own a span is kept as a few fields and handed to the span processor as a
finished `ReadableSpan` when it ends: the same bytes are exported for a part of the cost of an SDK
span (benchmarks/overhead.py). What that gives up is given here: the sampler is asked for each root
and its children follow it, the context with our span is there to attach, and attributes are bounded
before they come. Providers of the user (`opentelemetry-instrument`) may have processors that look
at spans as they start, so there an ordinary span is started.

Ids come from the operating system: OpenTelemetry's generator draws from the `random` module, which
would move the program's own seeded sequence.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import NamedTuple, Protocol

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.sampling import Sampler
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
)

from exectrail.conventions import names
from exectrail.signals.attributes import Attributes, Value

_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
_NOT_SAMPLED = TraceFlags(TraceFlags.DEFAULT)
_UNSET = Status(StatusCode.UNSET)


class SpanHandle:
    """A span that has begun. `base` is what its execution's events carry too."""

    __slots__ = (
        "_around",
        "base",
        "encoded",
        "kind",
        "name",
        "parent",
        "span",
        "span_context",
        "start_ns",
    )

    def __init__(
        self,
        name: str,
        kind: SpanKind,
        start_ns: int,
        base: Attributes,
        span_context: SpanContext,
        parent: SpanContext | None,
        span: Span | None = None,
    ) -> None:
        self.name = name
        self.kind = kind
        self.start_ns = start_ns
        self.base = base
        self.encoded = ""
        """The base as whoever exports writes it, kept so that it is made once."""
        self.span_context = span_context
        self.parent = parent
        self.span = span
        self._around: Context | None = None

    @property
    def context(self) -> Context:
        """A context in which this span is the current one, and nothing else is set."""
        if self._around is None:
            self._around = self.over(Context())
        return self._around

    def over(self, context: Context) -> Context:
        """A context with this span as the current one, else as it was."""
        return trace.set_span_in_context(self.span or NonRecordingSpan(self.span_context), context)

    def attach(self) -> Attached | None:
        """Make this span the current one of the running context.

        What an execution started and left running stays beneath it. A model call (a client span)
        is over with its answer, and current nowhere any more.

        Returns:
            What takes it back; None where nothing was attached, because the program is within a
            span of its own tracing. What it says of its current span belongs there, and its tree
            must not hang on spans that its own providers never see.
        """
        before = otel_context.get_current()
        span = self.span
        if span is None and trace.get_current_span(before).is_recording():
            return None
        if span is None and self.kind is SpanKind.CLIENT:
            span = _Call(self.span_context, trace.get_current_span(before))
        elif span is None:
            span = NonRecordingSpan(self.span_context)
        otel_context.attach(trace.set_span_in_context(span, before))
        return Attached(before, span)


class Attached(NamedTuple):
    """A span that was made the current one, and the context before."""

    before: Context
    span: Span

    def detach(self) -> None:
        """Take it back.

        Not by OpenTelemetry's own token. LangChain's async models end a call in a copy of the
        context that it began in: there the token is refused with an error in the log, and the
        context that it began in keeps the span. What that one then finds is the span before.
        """
        otel_context.attach(self.before)
        if isinstance(self.span, _Call):
            self.span.leave()


class _Call(NonRecordingSpan):
    """Stands for a model call's span in contexts, until it is taken back from all of them."""

    def __init__(self, own: SpanContext, before: Span) -> None:
        super().__init__(own)
        self._before = before.stands_for() if isinstance(before, _Call) else before
        self._left = False

    def get_span_context(self) -> SpanContext:
        return self._before.get_span_context() if self._left else super().get_span_context()

    def stands_for(self) -> Span:
        """Itself, or what it gave way to: many calls in one context make no chain of them."""
        return self._before if self._left else self

    def leave(self) -> None:
        """Be what was current before, from now on."""
        self._left = True


class SpanError:
    """What a span says of a failure: type and scrubbed message."""

    __slots__ = ("message", "type")

    def __init__(self, type_: str, message: str) -> None:
        self.type = type_
        self.message = message


class Spans(Protocol):
    """Where spans begin and end."""

    def start(
        self, name: str, kind: SpanKind, start_ns: int, base: Attributes, above: SpanHandle | None
    ) -> SpanHandle:
        """Begin a span beneath another, else beneath the current one of the context."""
        ...

    def end(
        self, handle: SpanHandle, end_ns: int, extra: Attributes, error: SpanError | None
    ) -> None:
        """End it, with what is known by then."""
        ...


def error_events(error: SpanError | None, end_ns: int) -> tuple[Event, ...]:
    """The exception as a span event, semantic conventions for exceptions on spans."""
    if error is None or not error.type:
        return ()
    attributes = {names.EXCEPTION_TYPE: error.type}
    if error.message:
        attributes[names.EXCEPTION_MESSAGE] = error.message
    return (Event("exception", attributes, end_ns),)


class OwnSpans(ABC):
    """Spans on providers of our own: a few fields until they end.

    Args:
        sampler: Asked for each root; children follow it.
    """

    def __init__(self, sampler: Sampler) -> None:
        self._sampler = sampler

    @abstractmethod
    def end(
        self, handle: SpanHandle, end_ns: int, extra: Attributes, error: SpanError | None
    ) -> None:
        """Hand the finished span on."""

    def start(
        self, name: str, kind: SpanKind, start_ns: int, base: Attributes, above: SpanHandle | None
    ) -> SpanHandle:
        random = os.urandom(24)
        span_id = int.from_bytes(random[:8], "big") or 1
        if above is not None:
            parent = above.span_context
            context = SpanContext(
                parent.trace_id, span_id, False, parent.trace_flags, parent.trace_state
            )
            return SpanHandle(name, kind, start_ns, base, context, parent)
        ambient = trace.get_current_span().get_span_context()
        parent = ambient if ambient.is_valid else None
        trace_id = parent.trace_id if parent else int.from_bytes(random[8:], "big") or 1
        around = trace.set_span_in_context(NonRecordingSpan(parent)) if parent else None
        sampled = self._sampler.should_sample(around, trace_id, name, kind, base)
        flags = _SAMPLED if sampled.decision.is_sampled() else _NOT_SAMPLED
        context = SpanContext(trace_id, span_id, False, flags, sampled.trace_state)
        return SpanHandle(name, kind, start_ns, base, context, parent)


class LateSpans(OwnSpans):
    """Spans for a span processor of the SDK: built when they end."""

    def __init__(
        self,
        processor: SpanProcessor,
        sampler: Sampler,
        resource: Resource,
        scope: InstrumentationScope,
    ) -> None:
        super().__init__(sampler)
        self._processor = processor
        self._resource = resource
        self._scope = scope

    def end(
        self, handle: SpanHandle, end_ns: int, extra: Attributes, error: SpanError | None
    ) -> None:
        if not handle.span_context.trace_flags.sampled:
            return
        attributes: Mapping[str, Value] = {**handle.base, **extra}
        self._processor.on_end(
            ReadableSpan(
                name=handle.name,
                context=handle.span_context,
                parent=handle.parent,
                resource=self._resource,
                attributes=attributes,
                events=error_events(error, end_ns),
                kind=handle.kind,
                status=_UNSET if error is None else Status(StatusCode.ERROR, error.message or None),
                start_time=handle.start_ns,
                end_time=end_ns,
                instrumentation_scope=self._scope,
            )
        )


class ApiSpans:
    """Spans on the user's providers: ordinary ones, through the API alone."""

    def __init__(self, tracer: trace.Tracer) -> None:
        self._tracer = tracer

    def start(
        self, name: str, kind: SpanKind, start_ns: int, base: Attributes, above: SpanHandle | None
    ) -> SpanHandle:
        # On top of what is current: the user's processors may look for baggage there.
        context = above.over(otel_context.get_current()) if above is not None else None
        span = self._tracer.start_span(
            name, context, kind=kind, attributes=base, start_time=start_ns
        )
        return SpanHandle(name, kind, start_ns, base, span.get_span_context(), None, span)

    def end(
        self, handle: SpanHandle, end_ns: int, extra: Attributes, error: SpanError | None
    ) -> None:
        span = handle.span
        if span is None:
            return
        span.set_attributes(extra)
        if error is not None:
            for event in error_events(error, end_ns):
                span.add_event(event.name, event.attributes, end_ns)
            span.set_status(Status(StatusCode.ERROR, error.message or None))
        span.end(end_ns)
