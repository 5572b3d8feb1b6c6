"""OTLP requests, sent to a stack, and the rows they become."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from google.protobuf.message import Message
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from exectrail.storage.client import Client

PROTOBUF = "application/x-protobuf"
NOW = 1_795_000_000_123_456_789
INSTANT = datetime(2026, 11, 18, 11, 6, 40, 123456, tzinfo=UTC)


def post(
    endpoint: str, path: str, body: bytes, headers: Mapping[str, str] | None = None
) -> tuple[int, Mapping[str, str], bytes]:
    address = urlsplit(endpoint)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
    try:
        connection.request("POST", path, body, dict(headers or {}))
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def send(stack, signal: str, request: Message, **headers: str) -> tuple[int, bytes]:
    status, _, body = post(
        stack.otlp_endpoint,
        f"/v1/{signal}",
        request.SerializeToString(),
        {"Content-Type": PROTOBUF, **headers},
    )
    return status, body


def text(value: str) -> AnyValue:
    return AnyValue(string_value=value)


def attribute(key: str, value: AnyValue) -> KeyValue:
    return KeyValue(key=key, value=value)


def rows(client: Client, table: str, service: str, columns: str = "*") -> list[dict[str, Any]]:
    found = client.query(
        f"SELECT {columns} FROM {table} WHERE ServiceName = {{service:String}} ORDER BY ALL",
        {"service": service},
    )
    for row in found:
        row.pop("Received", None)
    return found


def spans(service: str, *changes: Mapping[str, Any]) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    resource.resource.attributes.append(attribute("service.name", text(service)))
    scope = resource.scope_spans.add()
    for number, change in enumerate(changes):
        scope.spans.add(
            **{
                "trace_id": b"\x01" * 16,
                "span_id": number.to_bytes(8, "big"),
                "name": "span",
                "start_time_unix_nano": NOW,
                "end_time_unix_nano": NOW,
                **change,
            }
        )
    return request
