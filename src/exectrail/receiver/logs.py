"""Log records as rows of otel_logs."""

from __future__ import annotations

from typing import Final

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs

from exectrail.receiver.batch import Batch, service_name
from exectrail.receiver.limits import MAX_ITEMS, too_many_attributes, too_many_items
from exectrail.receiver.native import (
    Column,
    Maps,
    Texts,
    encode_key,
    encode_pairs,
    encode_text,
    times,
    to_time,
    unsigned8,
)
from exectrail.receiver.values import to_pairs, to_text

TABLE: Final = "otel_logs"
_BYTE: Final = 255


class _Rows:
    """The columns of otel_logs in the order of the collector's INSERT."""

    def __init__(self) -> None:
        self.size = 0
        self.timestamp = times()
        self.trace_id = Texts()
        self.span_id = Texts()
        self.flags = unsigned8()
        self.severity = Texts()
        self.severity_number = unsigned8()
        self.service = Texts()
        self.body = Texts()
        self.resource_url = Texts()
        self.resource = Maps()
        self.scope_url = Texts()
        self.scope_name = Texts()
        self.scope_version = Texts()
        self.scope_attributes = Maps()
        self.attributes = Maps()
        self.event_name = Texts()

    def columns(self) -> dict[str, Column]:
        return {
            "Timestamp": self.timestamp,
            "TraceId": self.trace_id,
            "SpanId": self.span_id,
            "TraceFlags": self.flags,
            "SeverityText": self.severity,
            "SeverityNumber": self.severity_number,
            "ServiceName": self.service,
            "Body": self.body,
            "ResourceSchemaUrl": self.resource_url,
            "ResourceAttributes": self.resource,
            "ScopeSchemaUrl": self.scope_url,
            "ScopeName": self.scope_name,
            "ScopeVersion": self.scope_version,
            "ScopeAttributes": self.scope_attributes,
            "LogAttributes": self.attributes,
            "EventName": self.event_name,
        }

    def add(self, record: LogRecord) -> None:
        self.size += 1
        self.timestamp.append(to_time(record.time_unix_nano or record.observed_time_unix_nano))
        self.trace_id.append(encode_text(record.trace_id.hex()))
        self.span_id.append(encode_text(record.span_id.hex()))
        self.flags.append(record.flags & _BYTE)
        self.severity.append(encode_key(record.severity_text))
        self.severity_number.append(record.severity_number & _BYTE)
        self.body.append(encode_text(to_text(record.body)))
        self.attributes.append(encode_pairs(to_pairs(record.attributes)))
        self.event_name.append(encode_key(record.event_name))


def log_rows(request: ExportLogsServiceRequest) -> Batch:
    """The rows of a request.

    A record whose ids have another length than OTLP's, or with too many attributes, is left out and
    counted as rejected.

    Raises:
        RequestError: 413, there are too many records, or they become too many bytes.
    """
    batch = Batch()
    rows = _Rows()
    for resource_logs in request.resource_logs:
        for scope_logs in resource_logs.scope_logs:
            before, count = rows.size, len(scope_logs.log_records)
            if before + batch.rejected + count > MAX_ITEMS:
                raise too_many_items()
            shared = too_many_attributes(resource_logs.resource, scope_logs.scope)
            if shared:
                batch.reject(shared, count)
                continue
            for record in scope_logs.log_records:
                wrong = _wrong(record)
                if wrong:
                    batch.reject(wrong)
                else:
                    rows.add(record)
            _add_shared(rows, rows.size - before, resource_logs, scope_logs)
    batch.add(TABLE, rows.size, rows.columns())
    return batch


def _add_shared(rows: _Rows, size: int, resource_logs: ResourceLogs, scope_logs: ScopeLogs) -> None:
    """What all records of a scope have in common, once per record."""
    pairs = to_pairs(resource_logs.resource.attributes)
    resource, service = encode_pairs(pairs), encode_text(service_name(pairs))
    scope = scope_logs.scope
    scope_attributes = encode_pairs(to_pairs(scope.attributes))
    texts = (
        (rows.service, service),
        (rows.resource_url, encode_text(resource_logs.schema_url)),
        (rows.scope_url, encode_text(scope_logs.schema_url)),
        (rows.scope_name, encode_text(scope.name)),
        (rows.scope_version, encode_text(scope.version)),
    )
    for _ in range(size):
        rows.resource.append(resource)
        rows.scope_attributes.append(scope_attributes)
        for column, text in texts:
            column.append(text)


def _wrong(record: LogRecord) -> str:
    if len(record.trace_id) not in (0, 16):
        return f"a trace_id has {len(record.trace_id)} bytes instead of 16"
    if len(record.span_id) not in (0, 8):
        return f"a span_id has {len(record.span_id)} bytes instead of 8"
    return too_many_attributes(record)
