"""A span that goes in over OTLP stands in its table, whole, however it is sent."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from .otlp import INSTANT, NOW, attribute, post, rows, send, text

pytestmark = pytest.mark.slow


def full_span(service: str) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    resource.resource.attributes.extend(
        [attribute("service.name", text(service)), attribute("host.name", text("höst"))]
    )
    scope = resource.scope_spans.add()
    scope.scope.name, scope.scope.version = "scope", "1.2"
    span = scope.spans.add(
        trace_id=bytes(range(16)),
        span_id=bytes(range(8)),
        parent_span_id=b"\xff" * 8,
        trace_state="a=b",
        name="invoke_agent writer",
        kind=3,
        start_time_unix_nano=NOW,
        end_time_unix_nano=NOW + 1_500_000_000,
    )
    span.status.code, span.status.message = 2, "it's \\ broken\n\t"
    values = AnyValue()
    values.array_value.values.extend([text("x<y"), AnyValue(int_value=1), AnyValue()])
    nested = AnyValue()
    nested.kvlist_value.values.extend(
        [attribute("z", AnyValue(double_value=0.5)), attribute("a", AnyValue(bool_value=True))]
    )
    span.attributes.extend(
        [
            attribute("text", text("ünï")),
            attribute("int", AnyValue(int_value=-(2**63))),
            attribute("double", AnyValue(double_value=1e21)),
            attribute("bool", AnyValue(bool_value=False)),
            attribute("bytes", AnyValue(bytes_value=b"\x00\xff")),
            attribute("array", values),
            attribute("map", nested),
            attribute("empty", AnyValue()),
        ]
    )
    for number, name in enumerate(("first", "second")):
        event = span.events.add(name=name, time_unix_nano=NOW + number)
        event.attributes.append(attribute("n", AnyValue(int_value=number)))
    link = span.links.add(trace_id=b"\x01" * 16, span_id=b"\x02" * 8, trace_state="c=d")
    link.attributes.append(attribute("l", text("v")))
    return request


def stored_span(service: str) -> dict[str, Any]:
    return {
        "Timestamp": INSTANT,
        "TraceId": "000102030405060708090a0b0c0d0e0f",
        "SpanId": "0001020304050607",
        "ParentSpanId": "ffffffffffffffff",
        "TraceState": "a=b",
        "SpanName": "invoke_agent writer",
        "SpanKind": "Client",
        "ServiceName": service,
        "ResourceAttributes": {"host.name": "höst", "service.name": service},
        "ScopeName": "scope",
        "ScopeVersion": "1.2",
        "SpanAttributes": {
            "array": '["x<y",1,null]',
            "bool": "false",
            "bytes": "AP8=",
            "double": "1e+21",
            "empty": "",
            "int": "-9223372036854775808",
            "map": '{"a":true,"z":0.5}',
            "text": "ünï",
        },
        "Duration": 1_500_000_000,
        "StatusCode": "Error",
        "StatusMessage": "it's \\ broken\n\t",
        "Events.Timestamp": [INSTANT, INSTANT],
        "Events.Name": ["first", "second"],
        "Events.Attributes": [{"n": "0"}, {"n": "1"}],
        "Links.TraceId": ["01" * 16],
        "Links.SpanId": ["02" * 8],
        "Links.TraceState": ["c=d"],
        "Links.Attributes": [{"l": "v"}],
    }


def test_a_span_stands_in_its_table_as_the_collector_would_write_it(stack, client, service):
    status, body = send(stack, "traces", full_span(service))

    assert (status, ExportTraceServiceResponse.FromString(body)) == (
        200,
        ExportTraceServiceResponse(),
    )
    assert rows(client, "otel_traces", service) == [stored_span(service)]
    exact = rows(client, "otel_traces", service, "toUnixTimestamp64Nano(Timestamp) AS time")
    assert exact == [{"time": NOW}]


def test_attributes_are_stored_in_the_order_of_their_keys(stack, client, service):
    send(stack, "traces", full_span(service))

    found = rows(client, "otel_traces", service, "mapKeys(SpanAttributes) AS keys")
    assert found[0]["keys"] == sorted(found[0]["keys"])


@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_json_gives_the_same_row_as_protobuf(stack, client, service, encoding):
    span = {
        "traceId": "000102030405060708090A0B0C0D0E0F",
        "spanId": "0001020304050607",
        "parentSpanId": "ffffffffffffffff",
        "traceState": "a=b",
        "name": "invoke_agent writer",
        "kind": 3,
        "startTimeUnixNano": str(NOW),
        "endTimeUnixNano": NOW + 1_500_000_000,
        "status": {"code": "STATUS_CODE_ERROR", "message": "it's \\ broken\n\t"},
        "attributes": [
            {"key": "text", "value": {"stringValue": "ünï"}},
            {"key": "int", "value": {"intValue": "-9223372036854775808"}},
            {"key": "double", "value": {"doubleValue": 1e21}},
            {"key": "bool", "value": {"boolValue": False}},
            {"key": "bytes", "value": {"bytesValue": "AP8="}},
            {
                "key": "array",
                "value": {"arrayValue": {"values": [{"stringValue": "x<y"}, {"intValue": 1}, {}]}},
            },
            {
                "key": "map",
                "value": {
                    "kvlistValue": {
                        "values": [
                            {"key": "z", "value": {"doubleValue": 0.5}},
                            {"key": "a", "value": {"boolValue": True}},
                        ]
                    }
                },
            },
            {"key": "empty", "value": {}},
        ],
        "events": [
            {
                "name": name,
                "timeUnixNano": str(NOW + number),
                "attributes": [{"key": "n", "value": {"intValue": number}}],
            }
            for number, name in enumerate(("first", "second"))
        ],
        "links": [
            {
                "traceId": "01" * 16,
                "spanId": "02" * 8,
                "traceState": "c=d",
                "attributes": [{"key": "l", "value": {"stringValue": "v"}}],
            }
        ],
        "aFieldOfTheFuture": {"ignored": True},
    }
    request = {
        "resourceSpans": [
            {
                "resource": {
                    "attributes": [
                        {"key": "service.name", "value": {"stringValue": service}},
                        {"key": "host.name", "value": {"stringValue": "höst"}},
                    ]
                },
                "scopeSpans": [{"scope": {"name": "scope", "version": "1.2"}, "spans": [span]}],
            }
        ]
    }
    body = json.dumps(request).encode()
    headers = {"Content-Type": "application/json"}
    if encoding:
        body, headers["Content-Encoding"] = gzip.compress(body), encoding

    status, answered, answer = post(stack.otlp_endpoint, "/v1/traces", body, headers)

    assert (status, answered["content-type"], answer) == (200, "application/json", b"{}")
    assert rows(client, "otel_traces", service) == [stored_span(service)]
