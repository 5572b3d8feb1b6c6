"""Metric points as rows of the otel_metrics_* tables, one table per kind of metric."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    Exemplar,
    Metric,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
)

from exectrail.receiver.batch import Batch, service_name
from exectrail.receiver.limits import MAX_ATTRIBUTES, MAX_ITEMS, too_many_attributes, too_many_items
from exectrail.receiver.native import (
    Arrays,
    Column,
    Maps,
    Numbers,
    Pairs,
    Texts,
    doubles,
    encode_key,
    encode_pairs,
    encode_text,
    signed32,
    times,
    to_time,
    unsigned8,
    unsigned32,
    unsigned64,
)
from exectrail.receiver.values import to_pairs

TABLES: Final = {
    "gauge": "otel_metrics_gauge",
    "sum": "otel_metrics_sum",
    "summary": "otel_metrics_summary",
    "histogram": "otel_metrics_histogram",
    "exponential_histogram": "otel_metrics_exp_histogram",
}
_HISTOGRAMS: Final = ("histogram", "exponential_histogram")


class _Shared(NamedTuple):
    """What all points of a scope have in common."""

    resource: Pairs
    resource_url: bytes
    scope_name: bytes
    scope_version: bytes
    scope_attributes: Pairs
    scope_dropped: int
    scope_url: bytes
    service: bytes


class _Rows:
    """The columns of one table; those that a kind of metric lacks stay out."""

    parts = 0
    """Exemplars and quantiles so far."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.size = 0
        self.resource = Maps()
        self.scope_attributes = Maps()
        self.scope_dropped = unsigned32()
        self.texts = {
            name: Texts()
            for name in (
                *("ResourceSchemaUrl", "ScopeName", "ScopeVersion", "ScopeSchemaUrl"),
                *("ServiceName", "MetricName", "MetricDescription", "MetricUnit"),
            )
        }
        self.attributes = Maps()
        self.start = times()
        self.time = times()
        self.flags = unsigned32()
        self.numbers = _number_columns(kind)
        self.arrays = _array_columns(kind)

    def columns(self) -> dict[str, Column]:
        return {
            "ResourceAttributes": self.resource,
            "ScopeAttributes": self.scope_attributes,
            "ScopeDroppedAttrCount": self.scope_dropped,
            **self.texts,
            "Attributes": self.attributes,
            "StartTimeUnix": self.start,
            "TimeUnix": self.time,
            "Flags": self.flags,
            **self.numbers,
            **self.arrays,
        }

    def add_metric(self, metric: Metric, shared: _Shared, batch: Batch) -> None:
        # The five messages have the same shape as far as it is read here.
        data: Any = getattr(metric, self.kind)
        metric_texts = (
            *(shared.resource_url, shared.scope_name, shared.scope_version, shared.scope_url),
            *(shared.service, encode_key(metric.name), encode_text(metric.description)),
            encode_key(metric.unit),
        )
        columns = tuple(self.texts.values())
        for point in data.data_points:
            wrong = _wrong(point)
            if wrong:
                batch.reject(wrong)
                continue
            self.size += 1
            self.resource.append(shared.resource)
            self.scope_attributes.append(shared.scope_attributes)
            self.scope_dropped.append(shared.scope_dropped)
            for column, text in zip(columns, metric_texts, strict=True):
                column.append(text)
            self.attributes.append(encode_pairs(to_pairs(point.attributes)))
            self.start.append(to_time(point.start_time_unix_nano))
            self.time.append(to_time(point.time_unix_nano))
            self.flags.append(point.flags)
            for name, value in _numbers(self.kind, data, point).items():
                self.numbers[name].append(value)
            self._add_arrays(point)

    def _add_arrays(self, point: Any) -> None:
        arrays = self.arrays
        self.parts += len(point.quantile_values if self.kind == "summary" else point.exemplars)
        if self.parts > MAX_ITEMS:
            raise too_many_items()
        if self.kind == "summary":
            for item in point.quantile_values:
                arrays["ValueAtQuantiles.Quantile"].items.append(_unsigned_zero(item.quantile))
                arrays["ValueAtQuantiles.Value"].items.append(_unsigned_zero(item.value))
        else:
            self._add_exemplars(point.exemplars)
        if self.kind == "histogram":
            _extend(arrays["BucketCounts"], point.bucket_counts)
            _extend(arrays["ExplicitBounds"], point.explicit_bounds)
        elif self.kind == "exponential_histogram":
            _extend(arrays["PositiveBucketCounts"], point.positive.bucket_counts)
            _extend(arrays["NegativeBucketCounts"], point.negative.bucket_counts)
        for column in arrays.values():
            column.close()

    def _add_exemplars(self, exemplars: Iterable[Exemplar]) -> None:
        arrays = self.arrays
        for exemplar in exemplars:
            pairs = encode_pairs(to_pairs(exemplar.filtered_attributes))
            arrays["Exemplars.FilteredAttributes"].items.append(pairs)
            arrays["Exemplars.TimeUnix"].items.append(to_time(exemplar.time_unix_nano))
            arrays["Exemplars.Value"].items.append(_value(exemplar))
            arrays["Exemplars.SpanId"].items.append(_padded(exemplar.span_id, 8))
            arrays["Exemplars.TraceId"].items.append(_padded(exemplar.trace_id, 16))


def metric_rows(request: ExportMetricsServiceRequest) -> Batch:
    """The rows of a request. A metric without data has no points and leaves nothing.

    A point with too many attributes is left out and counted as rejected.

    Raises:
        RequestError: 413, there are too many points, or they become too many bytes.
    """
    batch = Batch()
    tables = {kind: _Rows(kind) for kind in TABLES}
    points = 0
    for resource_metrics in request.resource_metrics:
        for scope_metrics in resource_metrics.scope_metrics:
            shared = _shared(resource_metrics, scope_metrics)
            wrong = too_many_attributes(resource_metrics.resource, scope_metrics.scope)
            for metric in scope_metrics.metrics:
                kind = metric.WhichOneof("data")
                if kind is None:
                    continue
                count = len(getattr(metric, kind).data_points)
                points += count
                if points > MAX_ITEMS:
                    raise too_many_items()
                if wrong:
                    batch.reject(wrong, count)
                else:
                    tables[kind].add_metric(metric, shared, batch)
    for kind, rows in tables.items():
        batch.add(TABLES[kind], rows.size, rows.columns())
    return batch


def _shared(resource_metrics: ResourceMetrics, scope_metrics: ScopeMetrics) -> _Shared:
    pairs = to_pairs(resource_metrics.resource.attributes)
    scope = scope_metrics.scope
    return _Shared(
        resource=encode_pairs(pairs),
        resource_url=encode_text(resource_metrics.schema_url),
        scope_name=encode_text(scope.name),
        scope_version=encode_text(scope.version),
        scope_attributes=encode_pairs(to_pairs(scope.attributes)),
        scope_dropped=scope.dropped_attributes_count,
        scope_url=encode_text(scope_metrics.schema_url),
        service=encode_text(service_name(pairs)),
    )


def _wrong(point: Any) -> str:
    for exemplar in getattr(point, "exemplars", ()):
        if len(exemplar.filtered_attributes) > MAX_ATTRIBUTES:
            return f"an Exemplar has more than {MAX_ATTRIBUTES} attributes"
    return too_many_attributes(point)


def _number_columns(kind: str) -> dict[str, Numbers]:
    if kind in ("gauge", "sum"):
        columns = {"Value": doubles()}
    else:
        columns = {"Count": unsigned64(), "Sum": doubles()}
    if kind in _HISTOGRAMS:
        columns |= {"Min": doubles(), "Max": doubles()}
    if kind == "exponential_histogram":
        columns |= {"Scale": signed32(), "ZeroCount": unsigned64()}
        columns |= {"PositiveOffset": signed32(), "NegativeOffset": signed32()}
    if kind in ("sum", *_HISTOGRAMS):
        columns["AggregationTemporality"] = signed32()
    if kind == "sum":
        columns["IsMonotonic"] = unsigned8()
    return columns


def _numbers(kind: str, data: Any, point: Any) -> dict[str, int | float]:
    """The values of `_number_columns`. What a point does not have is 0, as the collector has it."""
    if kind in ("gauge", "sum"):
        values: dict[str, int | float] = {"Value": _value(point)}
    elif kind == "summary":
        values = {"Count": point.count, "Sum": _unsigned_zero(point.sum)}
    else:
        values = {"Count": point.count, "Sum": point.sum}
    if kind in _HISTOGRAMS:
        values |= {"Min": point.min, "Max": point.max}
    if kind == "exponential_histogram":
        values |= {"Scale": point.scale, "ZeroCount": point.zero_count}
        values |= {
            "PositiveOffset": point.positive.offset,
            "NegativeOffset": point.negative.offset,
        }
    if kind in ("sum", *_HISTOGRAMS):
        values["AggregationTemporality"] = data.aggregation_temporality
    if kind == "sum":
        values["IsMonotonic"] = int(data.is_monotonic)
    return values


def _array_columns(kind: str) -> dict[str, Arrays[Any]]:
    if kind == "summary":
        return {
            "ValueAtQuantiles.Quantile": Arrays(doubles()),
            "ValueAtQuantiles.Value": Arrays(doubles()),
        }
    columns: dict[str, Arrays[Any]] = {
        "Exemplars.FilteredAttributes": Arrays(Maps()),
        "Exemplars.TimeUnix": Arrays(times()),
        "Exemplars.Value": Arrays(doubles()),
        "Exemplars.SpanId": Arrays(Texts()),
        "Exemplars.TraceId": Arrays(Texts()),
    }
    if kind == "histogram":
        columns |= {"BucketCounts": Arrays(unsigned64()), "ExplicitBounds": Arrays(doubles())}
    if kind == "exponential_histogram":
        columns |= {
            "PositiveBucketCounts": Arrays(unsigned64()),
            "NegativeBucketCounts": Arrays(unsigned64()),
        }
    return columns


def _extend(column: Arrays[Numbers], values: Iterable[float]) -> None:
    for value in values:
        column.items.append(value)


def _value(point: NumberDataPoint | Exemplar) -> float:
    kind = point.WhichOneof("value")
    return float(point.as_int) if kind == "as_int" else point.as_double


def _unsigned_zero(value: float) -> float:
    """A field that is no `optional`: -0 is not sent on, and so arrives as 0."""
    return value + 0.0


def _padded(identifier: bytes, size: int) -> bytes:
    """An exemplar's id in hex; none is written as zeros, as the collector does."""
    return encode_text(identifier.hex() or "00" * size)
