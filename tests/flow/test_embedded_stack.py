"""What goes in over OTLP stands in the tables, whole, however it is sent."""

from __future__ import annotations

import gzip
import http.client
import json
import math
import threading
import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

import pytest
from google.protobuf.message import Message
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from exectrail.storage.client import Client, connect

pytestmark = pytest.mark.slow

PROTOBUF = "application/x-protobuf"
NOW = 1_795_000_000_123_456_789
INSTANT = datetime(2026, 11, 18, 11, 6, 40, 123456, tzinfo=UTC)


@pytest.fixture(scope="module")
def client(stack):
    with connect(stack.clickhouse_url) as opened:
        yield opened


@pytest.fixture
def service() -> str:
    """A service of one test's own, so that tests share the tables."""
    return f"test-{uuid.uuid4()}"


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


def test_a_log_record_stands_in_its_table(stack, client, service):
    request = ExportLogsServiceRequest()
    resource = request.resource_logs.add(schema_url="https://resource")
    resource.resource.attributes.append(attribute("service.name", text(service)))
    scope = resource.scope_logs.add(schema_url="https://scope")
    scope.scope.name, scope.scope.version = "logger", "3"
    scope.scope.attributes.append(attribute("s", text("t")))
    body = AnyValue()
    body.kvlist_value.values.append(attribute("k", text('"quoted"')))
    scope.log_records.add(
        time_unix_nano=NOW,
        observed_time_unix_nano=NOW + 5,
        trace_id=b"\x0a" * 16,
        span_id=b"\x0b" * 8,
        flags=0x101,
        severity_number=9,
        severity_text="INFO",
        body=body,
        event_name="an.event",
        attributes=[attribute("a", AnyValue(int_value=1))],
    )
    scope.log_records.add(observed_time_unix_nano=NOW + 1_000_000)

    assert send(stack, "logs", request)[0] == 200

    shared = {
        "ServiceName": service,
        "ResourceSchemaUrl": "https://resource",
        "ResourceAttributes": {"service.name": service},
        "ScopeSchemaUrl": "https://scope",
        "ScopeName": "logger",
        "ScopeVersion": "3",
        "ScopeAttributes": {"s": "t"},
    }
    assert rows(client, "otel_logs", service) == [
        {
            **shared,
            "Timestamp": INSTANT,
            "TraceId": "0a" * 16,
            "SpanId": "0b" * 8,
            "TraceFlags": 1,
            "SeverityText": "INFO",
            "SeverityNumber": 9,
            "Body": '{"k":"\\"quoted\\""}',
            "LogAttributes": {"a": "1"},
            "EventName": "an.event",
        },
        {
            **shared,
            "Timestamp": INSTANT + timedelta(milliseconds=1),
            "TraceId": "",
            "SpanId": "",
            "TraceFlags": 0,
            "SeverityText": "",
            "SeverityNumber": 0,
            "Body": "",
            "LogAttributes": {},
            "EventName": "",
        },
    ]


def test_every_kind_of_metric_stands_in_its_table(stack, client, service):
    request = ExportMetricsServiceRequest()
    resource = request.resource_metrics.add(schema_url="r")
    resource.resource.attributes.append(attribute("service.name", text(service)))
    scope = resource.scope_metrics.add(schema_url="u")
    scope.scope.name, scope.scope.version = "meter", "1"
    scope.scope.dropped_attributes_count = 2
    point = {"start_time_unix_nano": NOW - 1000, "time_unix_nano": NOW, "flags": 1}
    attributes = [attribute("k", text("v"))]
    gauge = scope.metrics.add(name="g", description="d", unit="1").gauge.data_points.add(
        as_int=7, attributes=attributes, **point
    )
    gauge.exemplars.add(
        time_unix_nano=NOW,
        as_double=0.25,
        span_id=b"\x01" * 8,
        trace_id=b"\x02" * 16,
        filtered_attributes=[attribute("f", text("x"))],
    )
    gauge.exemplars.add(as_int=3)
    total = scope.metrics.add(name="s").sum
    total.aggregation_temporality, total.is_monotonic = 2, True
    total.data_points.add(as_double=1.5, **point)
    summary = scope.metrics.add(name="q").summary.data_points.add(count=4, sum=10.0, **point)
    summary.quantile_values.add(quantile=0.5, value=2.0)
    histogram = scope.metrics.add(name="h").histogram
    histogram.aggregation_temporality = 1
    histogram.data_points.add(
        count=3, sum=6.0, min=1.0, max=3.0, bucket_counts=[1, 2], explicit_bounds=[2.0], **point
    )
    exponential = scope.metrics.add(name="e").exponential_histogram
    exponential.aggregation_temporality = 2
    spread = exponential.data_points.add(count=5, scale=-1, zero_count=1, **point)
    spread.positive.offset, spread.negative.offset = 3, -4
    spread.positive.bucket_counts.extend([1, 0, 2])
    spread.negative.bucket_counts.extend([1])
    scope.metrics.add(name="nothing")

    assert send(stack, "metrics", request)[0] == 200

    shared = {
        "ResourceAttributes": {"service.name": service},
        "ResourceSchemaUrl": "r",
        "ScopeName": "meter",
        "ScopeVersion": "1",
        "ScopeAttributes": {},
        "ScopeDroppedAttrCount": 2,
        "ScopeSchemaUrl": "u",
        "ServiceName": service,
        "MetricDescription": "",
        "MetricUnit": "",
        "Attributes": {},
        "StartTimeUnix": INSTANT - timedelta(microseconds=1),
        "TimeUnix": INSTANT,
        "Flags": 1,
    }
    none = {
        f"Exemplars.{column}": []
        for column in ("FilteredAttributes", "TimeUnix", "Value", "SpanId", "TraceId")
    }
    assert {
        table: rows(client, f"otel_metrics_{table}", service)
        for table in ("gauge", "sum", "summary", "histogram", "exp_histogram")
    } == {
        "gauge": [
            {
                **shared,
                "MetricName": "g",
                "MetricDescription": "d",
                "MetricUnit": "1",
                "Attributes": {"k": "v"},
                "Value": 7.0,
                "Exemplars.FilteredAttributes": [{"f": "x"}, {}],
                "Exemplars.TimeUnix": [INSTANT, datetime(1970, 1, 1, tzinfo=UTC)],
                "Exemplars.Value": [0.25, 3.0],
                "Exemplars.SpanId": ["01" * 8, "00" * 8],
                "Exemplars.TraceId": ["02" * 16, "00" * 16],
            }
        ],
        "sum": [
            {
                **shared,
                **none,
                "MetricName": "s",
                "Value": 1.5,
                "AggregationTemporality": 2,
                "IsMonotonic": True,
            }
        ],
        "summary": [
            {
                **shared,
                "MetricName": "q",
                "Count": 4,
                "Sum": 10.0,
                "ValueAtQuantiles.Quantile": [0.5],
                "ValueAtQuantiles.Value": [2.0],
            }
        ],
        "histogram": [
            {
                **shared,
                **none,
                "MetricName": "h",
                "Count": 3,
                "Sum": 6.0,
                "BucketCounts": [1, 2],
                "ExplicitBounds": [2.0],
                "Min": 1.0,
                "Max": 3.0,
                "AggregationTemporality": 1,
            }
        ],
        "exp_histogram": [
            {
                **shared,
                **none,
                "MetricName": "e",
                "Count": 5,
                "Sum": 0.0,
                "Scale": -1,
                "ZeroCount": 1,
                "PositiveOffset": 3,
                "PositiveBucketCounts": [1, 0, 2],
                "NegativeOffset": -4,
                "NegativeBucketCounts": [1],
                "Min": 0.0,
                "Max": 0.0,
                "AggregationTemporality": 2,
            }
        ],
    }


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


def test_hostile_times_are_kept_in_few_partitions(stack, client, service):
    day = 86_400_000_000_000
    moments = [
        *(0, 1, 2**63 - 1, 2**63, 2**64 - 1, 7_258_118_400_000_000_000),
        *(time.time_ns() - number * day for number in range(300)),
    ]
    request = spans(service, *({"start_time_unix_nano": moment} for moment in moments))

    assert send(stack, "traces", request)[0] == 200

    found = rows(
        client,
        "otel_traces",
        service,
        "toUnixTimestamp64Nano(Timestamp) AS time, _partition_id AS partition",
    )
    expected = sorted(moment - 2**64 if moment >= 2**63 else moment for moment in moments)
    assert sorted(row["time"] for row in found) == expected
    assert len({row["partition"] for row in found}) <= 16


def test_a_span_that_ends_before_it_starts_has_no_length(stack, client, service):
    start = time.time_ns()
    operation = [attribute("gen_ai.operation.name", text("chat"))]
    span = {"start_time_unix_nano": start, "end_time_unix_nano": start - 1, "attributes": operation}
    send(stack, "traces", spans(service, span))

    assert rows(client, "otel_traces", service, "Duration") == [{"Duration": 2**64 - 1}]
    (row,) = client.query(
        "SELECT duration_ms FROM spans WHERE service = {service:String}", {"service": service}
    )
    assert row == {"duration_ms": 0}


def test_spans_with_ids_of_a_wrong_length_are_rejected_and_the_others_kept(stack, client, service):
    request = spans(
        service,
        {"name": "good"},
        {"trace_id": b"\x01" * 15},
        {"span_id": b"\x01" * 9},
        {"parent_span_id": b"\x01"},
        {"name": "without ids", "trace_id": b"", "span_id": b""},
    )

    status, body = send(stack, "traces", request)

    partial = ExportTraceServiceResponse.FromString(body).partial_success
    assert (status, partial.rejected_spans, partial.error_message) == (
        200,
        3,
        "a trace_id has 15 bytes instead of 16",
    )
    assert rows(client, "otel_traces", service, "SpanName") == [
        {"SpanName": "good"},
        {"SpanName": "without ids"},
    ]


def test_empty_and_huge_strings_and_numbers_that_are_none_are_kept(stack, client, service):
    huge = "€" * 1_000_000
    values = {
        "": text(""),
        "huge": text(huge),
        "nan": AnyValue(double_value=math.nan),
        "infinite": AnyValue(double_value=-math.inf),
        "nul": text("\0'\"`\\\n"),
        huge[:1000]: text("long key"),
    }
    request = spans(service, {"name": "", "attributes": [attribute(*v) for v in values.items()]})
    metrics = ExportMetricsServiceRequest()
    resource = metrics.resource_metrics.add()
    resource.resource.attributes.append(attribute("service.name", text(service)))
    scope = resource.scope_metrics.add()
    for number in (math.nan, math.inf, -math.inf):
        scope.metrics.add(name=repr(number)).gauge.data_points.add(as_double=number)

    assert send(stack, "traces", request)[0] == 200
    assert send(stack, "metrics", metrics)[0] == 200

    assert rows(client, "otel_traces", service, "SpanName, SpanAttributes") == [
        {
            "SpanName": "",
            "SpanAttributes": {
                "": "",
                "huge": huge,
                "nan": "NaN",
                "infinite": "-Infinity",
                "nul": "\0'\"`\\\n",
                huge[:1000]: "long key",
            },
        }
    ]
    found = rows(client, "otel_metrics_gauge", service, "MetricName, toString(Value) AS value")
    assert {row["MetricName"]: row["value"] for row in found} == {
        "nan": "nan",
        "inf": "inf",
        "-inf": "-inf",
    }


def test_a_batch_that_is_sent_again_adds_nothing(stack, client, service):
    request = spans(service, {}, {})
    other = spans(service, {"name": "other"})

    for batch in (request, request, other, request, other):
        assert send(stack, "traces", batch)[0] == 200

    assert rows(client, "otel_traces", service, "SpanName") == [
        {"SpanName": "other"},
        {"SpanName": "span"},
        {"SpanName": "span"},
    ]


def test_the_store_stamps_what_it_receives(stack, client, service):
    before = datetime.now(UTC)
    send(stack, "traces", spans(service, {"start_time_unix_nano": 0}))
    after = datetime.now(UTC)

    (row,) = client.query(
        "SELECT Received FROM otel_traces WHERE ServiceName = {service:String}",
        {"service": service},
    )
    assert before <= row["Received"] <= after


BAD = {
    "malformed protobuf": ("/v1/traces", b"\x0a\xff\xff\xff", PROTOBUF, "", 400),
    "malformed JSON": ("/v1/logs", b"{", "application/json", "", 400),
    "JSON of another shape": ("/v1/logs", b'{"resourceLogs": 7}', "application/json", "", 400),
    "an id that is not hex": (
        "/v1/traces",
        b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"zz"}]}]}]}',
        "application/json; charset=utf-8",
        "",
        400,
    ),
    "JSON without a bottom": ("/v1/logs", b"[" * 100_000, "application/json", "", 400),
    "not gzip": ("/v1/metrics", b"plain", PROTOBUF, "gzip", 400),
    "gzip that is cut off": ("/v1/metrics", gzip.compress(b"x" * 999)[:-9], PROTOBUF, "gzip", 400),
    "an unknown encoding": ("/v1/metrics", b"", PROTOBUF, "br", 415),
    "an unknown type": ("/v1/traces", b"", "text/plain", "", 415),
    "no type": ("/v1/traces", b"", "", "", 415),
    "gzip bomb": ("/v1/traces", gzip.compress(bytes(65 << 20)), PROTOBUF, "gzip", 413),
    "too much": ("/v1/traces", bytes((64 << 20) + 1), PROTOBUF, "", 413),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_request_is_answered_with_a_status_in_its_own_encoding(stack, case):
    path, body, content_type, encoding, expected = BAD[case]
    headers = {"Content-Type": content_type} if content_type else {}
    if encoding:
        headers["Content-Encoding"] = encoding

    status, answered, answer = post(stack.otlp_endpoint, path, body, headers)

    assert status == expected
    if content_type == PROTOBUF:
        assert answered["content-type"] == PROTOBUF
        message = Status.FromString(answer).message
    else:
        assert answered["content-type"] == "application/json"
        message = json.loads(answer)["message"]
    assert message


def test_the_stack_is_there_after_all_that(stack, service, client):
    status, _ = send(stack, "traces", spans(service, {}))

    assert (status, len(rows(client, "otel_traces", service))) == (200, 1)


def test_pages_of_a_browser_are_turned_away(stack, service):
    request = spans(service, {}).SerializeToString()
    for endpoint, path in ((stack.otlp_endpoint, "/v1/traces"), (stack.clickhouse_url, "/")):
        for headers in (
            {"Host": "evil.example"},
            {"Origin": "https://evil.example"},
            {"Sec-Fetch-Site": "cross-site"},
        ):
            status, _, _ = post(endpoint, path, request, {"Content-Type": PROTOBUF, **headers})
            assert status == 403


def test_the_canary_comes_every_five_seconds(stack, client):
    deadline = time.monotonic() + 30
    beats: list[datetime] = []
    while len(beats) < 3 and time.monotonic() < deadline:
        threading.Event().wait(0.2)
        beats = [
            row["Received"]
            for row in client.query(
                "SELECT Received FROM otel_metrics_gauge"
                " WHERE MetricName = 'exectrail.pipeline.canary' AND Value = 1"
                " AND ServiceName = 'exectrail-receiver' ORDER BY Received"
            )
        ]
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(beats)]

    assert len(gaps) >= 2
    assert max(gaps) < 10
    (health,) = client.query("SELECT health FROM pipeline")
    assert health == {"health": "ok"}
