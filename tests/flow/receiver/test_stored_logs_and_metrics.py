"""Log records and metrics that go in over OTLP stand in their tables, and so does the canary."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from .otlp import INSTANT, NOW, attribute, rows, send, text

pytestmark = pytest.mark.slow


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
