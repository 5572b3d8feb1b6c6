"""Spans as rows of otel_traces."""

from __future__ import annotations

from typing import Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from exectrail.receiver.batch import Batch, service_name
from exectrail.receiver.limits import MAX_ITEMS, too_many_attributes, too_many_items
from exectrail.receiver.native import (
    Arrays,
    Column,
    Maps,
    Pairs,
    Texts,
    encode_key,
    encode_pairs,
    encode_text,
    times,
    to_time,
    unsigned64,
)
from exectrail.receiver.values import to_pairs

TABLE: Final = "otel_traces"
_WRAP: Final = 1 << 64
# As pdata writes them; what it does not know is the empty string.
_KINDS: Final = ("Unspecified", "Internal", "Server", "Client", "Producer", "Consumer")
_STATUSES: Final = ("Unset", "Ok", "Error")


class _Rows:
    """The columns of otel_traces in the order of the collector's INSERT."""

    def __init__(self) -> None:
        self.size = 0
        self.timestamp = times()
        self.trace_id = Texts()
        self.span_id = Texts()
        self.parent_span_id = Texts()
        self.trace_state = Texts()
        self.name = Texts()
        self.kind = Texts()
        self.service = Texts()
        self.resource = Maps()
        self.scope_name = Texts()
        self.scope_version = Texts()
        self.attributes = Maps()
        self.duration = unsigned64()
        self.status = Texts()
        self.message = Texts()
        self.event_time = Arrays(times())
        self.event_name = Arrays(Texts())
        self.event_attributes = Arrays(Maps())
        self.link_trace = Arrays(Texts())
        self.link_span = Arrays(Texts())
        self.link_state = Arrays(Texts())
        self.link_attributes = Arrays(Maps())

    def columns(self) -> dict[str, Column]:
        return {
            "Timestamp": self.timestamp,
            "TraceId": self.trace_id,
            "SpanId": self.span_id,
            "ParentSpanId": self.parent_span_id,
            "TraceState": self.trace_state,
            "SpanName": self.name,
            "SpanKind": self.kind,
            "ServiceName": self.service,
            "ResourceAttributes": self.resource,
            "ScopeName": self.scope_name,
            "ScopeVersion": self.scope_version,
            "SpanAttributes": self.attributes,
            "Duration": self.duration,
            "StatusCode": self.status,
            "StatusMessage": self.message,
            "Events.Timestamp": self.event_time,
            "Events.Name": self.event_name,
            "Events.Attributes": self.event_attributes,
            "Links.TraceId": self.link_trace,
            "Links.SpanId": self.link_span,
            "Links.TraceState": self.link_state,
            "Links.Attributes": self.link_attributes,
        }

    def add(self, span: Span, service: bytes, resource: Pairs, scope: tuple[bytes, bytes]) -> None:
        start, end = span.start_time_unix_nano, span.end_time_unix_nano
        self.size += 1
        self.timestamp.append(to_time(start))
        self.trace_id.append(encode_text(span.trace_id.hex()))
        self.span_id.append(encode_text(span.span_id.hex()))
        self.parent_span_id.append(encode_text(span.parent_span_id.hex()))
        self.trace_state.append(encode_text(span.trace_state))
        self.name.append(encode_text(span.name))
        kind, status = span.kind, span.status.code
        self.kind.append(encode_key(_KINDS[kind] if 0 <= kind < len(_KINDS) else ""))
        self.service.append(service)
        self.resource.append(resource)
        self.scope_name.append(scope[0])
        self.scope_version.append(scope[1])
        self.attributes.append(encode_pairs(to_pairs(span.attributes)))
        # An end before the start wraps, as in the collector; the typed table knows it by its size.
        self.duration.append((end - start) % _WRAP)
        self.status.append(encode_key(_STATUSES[status] if 0 <= status < len(_STATUSES) else ""))
        self.message.append(encode_text(span.status.message))
        self._add_events(span)
        self._add_links(span)

    def _add_events(self, span: Span) -> None:
        for event in span.events:
            self.event_time.items.append(to_time(event.time_unix_nano))
            self.event_name.items.append(encode_text(event.name))
            self.event_attributes.items.append(encode_pairs(to_pairs(event.attributes)))
        for column in (self.event_time, self.event_name, self.event_attributes):
            column.close()

    def _add_links(self, span: Span) -> None:
        for link in span.links:
            self.link_trace.items.append(encode_text(link.trace_id.hex()))
            self.link_span.items.append(encode_text(link.span_id.hex()))
            self.link_state.items.append(encode_text(link.trace_state))
            self.link_attributes.items.append(encode_pairs(to_pairs(link.attributes)))
        for column in (self.link_trace, self.link_span, self.link_state, self.link_attributes):
            column.close()


def trace_rows(request: ExportTraceServiceRequest) -> Batch:
    """The rows of a request.

    A span whose ids have another length than OTLP's, or with too many attributes, is left out and
    counted as rejected.

    Raises:
        RequestError: 413, there are too many spans, or they become too many bytes.
    """
    batch = Batch()
    rows = _Rows()
    parts = 0
    for resource_spans in request.resource_spans:
        pairs = to_pairs(resource_spans.resource.attributes)
        resource, service = encode_pairs(pairs), encode_text(service_name(pairs))
        for scope_spans in resource_spans.scope_spans:
            scope = scope_spans.scope
            scope_texts = encode_text(scope.name), encode_text(scope.version)
            count = len(scope_spans.spans)
            if rows.size + batch.rejected + count > MAX_ITEMS:
                raise too_many_items()
            shared = too_many_attributes(resource_spans.resource)
            if shared:
                batch.reject(shared, count)
                continue
            for span in scope_spans.spans:
                parts += len(span.events) + len(span.links)
                if parts > MAX_ITEMS:
                    raise too_many_items()
                wrong = _wrong(span)
                if wrong:
                    batch.reject(wrong)
                else:
                    rows.add(span, service, resource, scope_texts)
    batch.add(TABLE, rows.size, rows.columns())
    return batch


def _wrong(span: Span) -> str:
    if len(span.trace_id) not in (0, 16):
        return f"a trace_id has {len(span.trace_id)} bytes instead of 16"
    if len(span.span_id) not in (0, 8):
        return f"a span_id has {len(span.span_id)} bytes instead of 8"
    if len(span.parent_span_id) not in (0, 8):
        return f"a parent_span_id has {len(span.parent_span_id)} bytes instead of 8"
    return too_many_attributes(span, *span.events, *span.links)
