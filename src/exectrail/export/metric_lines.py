"""Metrics as OTLP/JSON lines, and the temporality that the user prefers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from opentelemetry.sdk.metrics import Counter, Histogram, ObservableCounter
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    ExponentialHistogram,
    Gauge,
    Metric,
    ResourceMetrics,
    Sum,
)
from opentelemetry.sdk.metrics.export import Histogram as HistogramData

from exectrail.spool.lines import attributes_json, double_json, envelope, text_json

PREFERENCE = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"


def temporality() -> dict[type, AggregationTemporality]:
    """What the variable of the OTLP metrics exporter asks for; cumulative by default.

    https://opentelemetry.io/docs/specs/otel/metrics/sdk_exporters/otlp/
    """
    delta = AggregationTemporality.DELTA
    match os.environ.get(PREFERENCE, "").strip().lower():
        case "delta":
            return {Counter: delta, ObservableCounter: delta, Histogram: delta}
        case "lowmemory":
            return {Counter: delta, Histogram: delta}
        case _:
            return {}


def metrics_line(resource_metrics: ResourceMetrics) -> Iterator[tuple[bytes, int]]:
    """Requests with the metrics of a resource, one a scope, and how many are in each."""
    attributes = dict(resource_metrics.resource.attributes)
    for of_scope in resource_metrics.scope_metrics:
        scope = of_scope.scope
        start, end = envelope("Metrics", attributes, scope.name, scope.version or "")
        metrics = [_metric(metric) for metric in of_scope.metrics]
        if metrics:
            yield (start + ",".join(metrics) + end).encode("ascii"), len(metrics)


def _metric(metric: Metric) -> str:
    about = (
        f'{{"name":{text_json(metric.name)},"description":{text_json(metric.description or "")},'
        f'"unit":{text_json(metric.unit or "")},'
    )
    data = metric.data
    match data:
        case Sum():
            kind, more = "sum", f',"isMonotonic":{"true" if data.is_monotonic else "false"}'
        case Gauge():
            return about + f'"gauge":{{"dataPoints":{_points(data)}}}}}'
        case HistogramData():
            kind, more = "histogram", ""
        case ExponentialHistogram():
            kind, more = "exponentialHistogram", ""
    more += f',"aggregationTemporality":{data.aggregation_temporality.value}'
    return about + f'"{kind}":{{"dataPoints":{_points(data)}{more}}}}}'


def _points(data: Any) -> str:
    return "[" + ",".join(_point(point) for point in data.data_points) + "]"


def _point(point: Any) -> str:
    parts = [
        f'{{"attributes":{attributes_json(point.attributes or {})}'
        f',"startTimeUnixNano":"{point.start_time_unix_nano or 0}"'
        f',"timeUnixNano":"{point.time_unix_nano}"'
    ]
    if hasattr(point, "value"):
        value = point.value
        kind = f'"asInt":"{value}"' if isinstance(value, int) else f'"asDouble":{_double(value)}'
        return "".join(parts) + f",{kind}}}"
    parts.append(f',"count":"{point.count}","sum":{_double(point.sum)}')
    if point.count:
        parts.append(f',"min":{_double(point.min)},"max":{_double(point.max)}')
    if hasattr(point, "explicit_bounds"):
        bounds = ",".join(_double(bound) for bound in point.explicit_bounds)
        parts.append(f',"explicitBounds":[{bounds}],"bucketCounts":{_counts(point.bucket_counts)}')
    else:
        parts.append(f',"scale":{point.scale},"zeroCount":"{point.zero_count}"')
        for name, buckets in (("positive", point.positive), ("negative", point.negative)):
            parts.append(
                f',"{name}":{{"offset":{buckets.offset},"bucketCounts":'
                f"{_counts(buckets.bucket_counts)}}}"
            )
    return "".join(parts) + "}"


def _counts(counts: Any) -> str:
    return "[" + ",".join(f'"{count}"' for count in counts) + "]"


def _double(value: float) -> str:
    return double_json(float(value))
