"""What is odd is kept as it is, what is wrong is answered so, and the stack stays."""

from __future__ import annotations

import gzip
import json
import math
import time
from datetime import UTC, datetime

import pytest
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from .otlp import PROTOBUF, attribute, post, rows, send, spans, text

pytestmark = pytest.mark.slow


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
