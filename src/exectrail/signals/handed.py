"""Spans that go from process to process, as W3C trace context writes them."""

from __future__ import annotations

from typing import Final

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from exectrail.execution import Execution, Remote
from exectrail.signals.spans import SpanHandle

_W3C: Final = TraceContextTextMapPropagator()


def handed_span(parent: Execution | None) -> SpanHandle | None:
    """The span of another process to begin one beneath.

    Args:
        parent: What was handed down.

    Returns:
        None where nothing was, where it says no span, and where the program is within a span of its
        own that is nearer.
    """
    if not isinstance(parent, Remote):
        return None
    if not parent.nearest and trace.get_current_span().get_span_context().is_valid:
        return None
    carrier = {"traceparent": parent.traceparent, "tracestate": parent.tracestate}
    found = trace.get_current_span(_W3C.extract(carrier, Context())).get_span_context()
    return SpanHandle("", SpanKind.INTERNAL, 0, {}, found, None) if found.is_valid else None


def trace_headers(execution: Execution) -> dict[str, str]:
    """An execution's span: `traceparent`, and `tracestate` if there is one; empty without a span.

    Args:
        execution: One of this process, of the one it was forked from, or one that was handed down.
    """
    if isinstance(execution, Remote):
        headers = {"traceparent": execution.traceparent, "tracestate": execution.tracestate}
        return {name: value for name, value in headers.items() if value}
    carrier: dict[str, str] = {}
    if isinstance(execution.trace, SpanHandle):
        _W3C.inject(carrier, execution.trace.context)
    return carrier


def own_headers() -> dict[str, str]:
    """The span of the program's own tracing that is current; empty where there is none."""
    carrier: dict[str, str] = {}
    if trace.get_current_span().is_recording():
        _W3C.inject(carrier)
    return carrier


def leave_span_behind(inherited: Execution) -> None:
    """Be within a span no more that a fork left here, if it is one of its executions.

    For workers of pools: they run what belongs elsewhere, for as long as they live.
    """
    found = trace.get_current_span().get_span_context()
    node: Execution | None = inherited if found.is_valid else None
    while node is not None:
        if isinstance(node.trace, SpanHandle) and node.trace.span_context == found:
            otel_context.attach(trace.set_span_in_context(trace.INVALID_SPAN))
            return
        node = node.parent
