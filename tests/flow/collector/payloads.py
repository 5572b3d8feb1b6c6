"""OTLP requests that hold what programs send, and what no program should."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ScopeLogs
from opentelemetry.proto.metrics.v1.metrics_pb2 import Exemplar, Metric, ScopeMetrics
from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans, Span

NOW = 1_790_000_000_123_456_789
TRACE = bytes(range(16))
SPAN = bytes(range(8, 16))
LARGEST = (1 << 64) - 1
HALF = 1 << 63
INVALID = b"\xff\xfe caf\xe9 \xc0\x80 \xed\xa0\x80"
PLACE = "X" * len(INVALID)
"""Stands where `spoil` puts what is not UTF-8; it is as long."""


def listed(*values: AnyValue) -> AnyValue:
    made = AnyValue()
    made.array_value.SetInParent()
    made.array_value.values.extend(values)
    return made


def mapped(*pairs: tuple[str, AnyValue]) -> AnyValue:
    made = AnyValue()
    made.kvlist_value.SetInParent()
    made.kvlist_value.values.extend(KeyValue(key=key, value=value) for key, value in pairs)
    return made


def text(value: str) -> AnyValue:
    return AnyValue(string_value=value)


def number(value: float) -> AnyValue:
    return AnyValue(double_value=value)


def deep(levels: int) -> AnyValue:
    value = text("bottom")
    for _ in range(levels):
        value = listed(value)
    return value


VALUES: dict[str, AnyValue] = {
    "nothing": AnyValue(),
    "empty": text(""),
    "plain": text("plain"),
    "signs": text("\0\t\n\r\x0b\x1f\x7f \\ \"quoted\" 'it' <b>&amp;</b>"),
    "far signs": text("\u2028\u2029\ufffd\U0001f4a5"),
    "long": text("ü" * 300_000),
    "yes": AnyValue(bool_value=True),
    "no": AnyValue(bool_value=False),
    "zero": AnyValue(int_value=0),
    "least": AnyValue(int_value=-(1 << 63)),
    "most": AnyValue(int_value=(1 << 63) - 1),
    "bytes": AnyValue(bytes_value=bytes(range(256))),
    "no bytes": AnyValue(bytes_value=b""),
    **{
        f"double {value!r}": number(value)
        for value in (
            *(0.0, -0.0, 1.0, 0.1, 1 / 3, 100.0, 1e-6, 9.9e-7, 1e-10, 5e-324, 1e20, 1e21),
            *(-1.5e300, 1.7976931348623157e308, 123456789012345678.0),
            *(math.nan, math.inf, -math.inf),
        )
    },
    "list": listed(
        text("a<&>"), AnyValue(int_value=1), number(0.5), AnyValue(), AnyValue(bool_value=True)
    ),
    "empty list": listed(),
    "empty map": mapped(),
    "map": mapped(("b", text("2")), ("a", mapped(("ü\u2028\n", AnyValue(bytes_value=b"\xff"))))),
    "map with a key twice": mapped(("k", text("first")), ("k", text("last"))),
    "list with NaN": listed(text("a"), number(math.nan)),
    "map with infinity": mapped(("a", number(math.inf)), ("b", text("b"))),
    "list with large numbers": listed(
        number(1e21), number(1e20), number(-0.0), AnyValue(int_value=1 << 62)
    ),
    "deep": deep(40),
    "": text("under the empty key"),
}


def pairs(values: dict[str, AnyValue]) -> list[KeyValue]:
    return [KeyValue(key=key, value=value) for key, value in values.items()]


def attributes(**values: str) -> list[KeyValue]:
    return [KeyValue(key=key.replace("_", "."), value=text(value)) for key, value in values.items()]


def spans(
    *made: Span, scope: ScopeSpans | None = None, resource: list[KeyValue] | None = None
) -> bytes:
    request = ExportTraceServiceRequest()
    under = request.resource_spans.add()
    under.resource.attributes.extend(attributes(service_name="s") if resource is None else resource)
    group = under.scope_spans.add()
    if scope is not None:
        group.CopyFrom(scope)
    group.spans.extend(made)
    return request.SerializeToString()


def span(name: str = "step", start: int = NOW, end: int = NOW + 1_500_000, **more: Any) -> Span:
    ids = {"trace_id": TRACE, "span_id": SPAN}
    return Span(name=name, start_time_unix_nano=start, end_time_unix_nano=end, **(ids | more))


def whole_span() -> Span:
    made = span(kind=3, parent_span_id=SPAN[::-1], trace_state="vendor=1,other=ü", flags=0x101)
    made.attributes.extend(pairs(VALUES))
    made.status.code = 2
    made.status.message = "it broke\n" * 1000
    for index in range(3):
        event = made.events.add(name=f"event {index}", time_unix_nano=NOW + index)
        event.attributes.extend(pairs(VALUES) if index else [])
        link = made.links.add(trace_id=TRACE[::-1], span_id=SPAN, trace_state="a=b", flags=1)
        link.attributes.extend(pairs(VALUES) if index else [])
    made.links.add()
    made.events.add()
    made.dropped_attributes_count = made.dropped_events_count = 7
    return made


def scoped(
    kind: type[ScopeSpans | ScopeLogs | ScopeMetrics],
) -> ScopeSpans | ScopeLogs | ScopeMetrics:
    made = kind(schema_url="https://opentelemetry.io/schemas/1.40.0")
    made.scope.name = "scope of ü"
    made.scope.version = "1.2.3"
    made.scope.dropped_attributes_count = 3
    made.scope.attributes.extend(pairs(VALUES))
    return made


def logs(*records: LogRecord, whole: bool = False, service: str = "s") -> bytes:
    request = ExportLogsServiceRequest()
    under = request.resource_logs.add(schema_url="https://example.com/1" if whole else "")
    under.resource.attributes.extend(pairs(VALUES) if whole else attributes(service_name=service))
    group = under.scope_logs.add()
    if whole:
        group.CopyFrom(scoped(ScopeLogs))
    group.log_records.extend(records)
    return request.SerializeToString()


def record(**more: Any) -> LogRecord:
    return LogRecord(**{"time_unix_nano": NOW, **more})


def metrics(*made: Metric, whole: bool = False) -> bytes:
    request = ExportMetricsServiceRequest()
    under = request.resource_metrics.add(schema_url="https://example.com/1" if whole else "")
    under.resource.attributes.extend(pairs(VALUES) if whole else attributes(service_name="s"))
    group = under.scope_metrics.add()
    if whole:
        group.CopyFrom(scoped(ScopeMetrics))
    group.metrics.extend(made)
    return request.SerializeToString()


TIMES = (0, 1, NOW, HALF - 1, HALF, HALF + 1, LARGEST)
NUMBERS = (0.0, -0.0, 1.5, -1e300, 5e-324, math.nan, math.inf, -math.inf)
INTEGERS = (0, -1, 1 << 53, (1 << 53) + 1, (1 << 63) - 1, -(1 << 63))


def exemplars() -> list[Exemplar]:
    made = [
        Exemplar(time_unix_nano=NOW, as_double=0.5, trace_id=TRACE, span_id=SPAN),
        Exemplar(time_unix_nano=LARGEST, as_int=(1 << 63) - 1),
        Exemplar(as_double=math.nan),
        Exemplar(),
    ]
    made[0].filtered_attributes.extend(pairs(VALUES))
    return made


def gauge() -> Metric:
    made = Metric(name="temperature", unit="Cel", description="It ü\n" * 100)
    points = made.gauge.data_points
    for value in NUMBERS:
        points.add(as_double=value, time_unix_nano=NOW, start_time_unix_nano=NOW - 1)
    for value in INTEGERS:
        points.add(as_int=value, time_unix_nano=NOW)
    for time in TIMES:
        points.add(as_int=1, time_unix_nano=time, start_time_unix_nano=time)
    points.add()
    points.add(flags=1, time_unix_nano=NOW)
    full = points.add(as_int=1, time_unix_nano=NOW, flags=(1 << 32) - 1)
    full.attributes.extend(pairs(VALUES))
    full.exemplars.extend(exemplars())
    return made


def total(temporality: int, *, monotonic: bool) -> Metric:
    made = Metric(name="calls", unit="{call}")
    made.sum.is_monotonic = monotonic
    made.sum.aggregation_temporality = temporality
    for value in (*NUMBERS, 7.0):
        point = made.sum.data_points.add(as_double=value, time_unix_nano=NOW)
        point.attributes.extend(attributes(kind=repr(value)))
        point.exemplars.extend(exemplars())
    return made


def summary() -> Metric:
    made = Metric(name="quantiles")
    for count in (0, 1, LARGEST):
        point = made.summary.data_points.add(count=count, sum=math.inf, time_unix_nano=NOW, flags=1)
        for quantile in (0.0, 0.5, 1.0, math.nan)[: count and 4]:
            point.quantile_values.add(quantile=quantile, value=-quantile)
    return made


def histogram() -> Metric:
    made = Metric(name="durations")
    made.histogram.aggregation_temporality = 2
    points = made.histogram.data_points
    points.add()
    points.add(time_unix_nano=NOW, count=3, bucket_counts=[1, 2], explicit_bounds=[math.inf])
    full = points.add(time_unix_nano=NOW, count=LARGEST, sum=-0.5, min=-1.0, max=math.nan, flags=1)
    full.bucket_counts.extend([0, LARGEST, 1])
    full.explicit_bounds.extend([-1.0, 0.0])
    full.attributes.extend(pairs(VALUES))
    full.exemplars.extend(exemplars())
    return made


def exponential() -> Metric:
    made = Metric(name="sizes")
    made.exponential_histogram.aggregation_temporality = 1
    points = made.exponential_histogram.data_points
    points.add()
    full = points.add(time_unix_nano=NOW, count=9, sum=math.inf, min=0.0, max=1e300, scale=-10)
    full.zero_count = LARGEST
    full.zero_threshold = 0.1
    full.positive.offset = -(1 << 31)
    full.positive.bucket_counts.extend([1, 0, LARGEST])
    full.negative.offset = (1 << 31) - 1
    full.negative.bucket_counts.extend([5])
    full.exemplars.extend(exemplars())
    return made


def spoil(body: bytes) -> bytes:
    """The request with text that is no UTF-8 in place of `PLACE`."""
    assert PLACE.encode() in body
    return body.replace(PLACE.encode(), INVALID)


def spoiled() -> dict[str, tuple[str, bytes]]:
    in_text = span(PLACE, trace_state=PLACE)
    in_text.status.message = PLACE
    in_text.events.add(name=PLACE).attributes.extend(attributes(event=PLACE))
    in_values = span()
    in_values.attributes.extend(
        [
            *attributes(plain=PLACE),
            KeyValue(key=PLACE, value=text("under a key that is no text")),
            KeyValue(key="list", value=listed(text(PLACE), text("ü"))),
            KeyValue(key="map", value=mapped((PLACE, text(PLACE)), ("a", text("b")))),
            KeyValue(key="zz", value=AnyValue(int_value=1)),
        ]
    )
    metric = Metric(name=PLACE, unit=PLACE, description=PLACE)
    metric.gauge.data_points.add(as_int=1, time_unix_nano=NOW).attributes.extend(
        attributes(a=PLACE)
    )
    said = record(body=text(PLACE), severity_text=PLACE, event_name=PLACE)
    return {
        "spans of no UTF-8": ("traces", spans(in_text, resource=attributes(service_name=PLACE))),
        "values of no UTF-8": ("traces", spans(in_values)),
        "logs of no UTF-8": ("logs", logs(said)),
        "metrics of no UTF-8": ("metrics", metrics(metric)),
    }


def many_attributes() -> Span:
    made = span("many attributes")
    made.attributes.extend(
        KeyValue(key=f"key.{index * 7919 % 10_000}", value=AnyValue(int_value=index))
        for index in range(10_000)
    )
    return made


def twice() -> Span:
    made = span("keys that come twice")
    for value in ("first", "second", "third"):
        made.attributes.extend(attributes(k=value, a="a"))
    return made


PAYLOADS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "a whole span": ("traces", lambda: spans(whole_span(), scope=scoped(ScopeSpans))),
    "a span of nothing": ("traces", lambda: spans(Span(), resource=[])),
    "spans of every kind": (
        "traces",
        lambda: spans(*(span(kind=kind) for kind in (0, 1, 2, 3, 4, 5, 6, 99, -1))),
    ),
    "spans of every status": (
        "traces",
        lambda: spans(
            *(span(status={"code": code, "message": str(code)}) for code in (0, 1, 2, 3, -1))
        ),
    ),
    "spans at odd times": (
        "traces",
        lambda: spans(*(span(start=start, end=end) for start in TIMES for end in TIMES)),
    ),
    "a resource of odd values": ("traces", lambda: spans(span(), resource=pairs(VALUES))),
    "a service that is a number": (
        "traces",
        lambda: spans(span(), resource=[KeyValue(key="service.name", value=AnyValue(int_value=5))]),
    ),
    "10,000 attributes": ("traces", lambda: spans(many_attributes())),
    "keys that come twice": (
        "traces",
        lambda: spans(
            twice(), resource=[*attributes(service_name="a"), *attributes(service_name="b")]
        ),
    ),
    "a name of a megabyte": ("traces", lambda: spans(span("ü" * 500_000))),
    "a whole log record": (
        "logs",
        lambda: logs(
            record(
                body=text("hello"),
                severity_number=9,
                severity_text="INFO",
                attributes=pairs(VALUES),
                trace_id=TRACE,
                span_id=SPAN,
                flags=1,
                event_name="an.event",
                observed_time_unix_nano=NOW + 5,
                dropped_attributes_count=2,
            ),
            whole=True,
        ),
    ),
    "a log record of nothing": ("logs", lambda: logs(LogRecord())),
    "bodies of every kind": (
        "logs",
        lambda: logs(*(record(body=value) for value in VALUES.values())),
    ),
    "severities and flags": (
        "logs",
        lambda: logs(
            *(record(severity_number=n) for n in (-1, 0, 1, 24, 25, 255, 256, 300, 1 << 30)),
            *(record(flags=flags) for flags in (0, 1, 255, 256, 257, (1 << 32) - 1)),
        ),
    ),
    "log records at odd times": (
        "logs",
        lambda: logs(
            *(record(time_unix_nano=time) for time in TIMES),
            *(record(time_unix_nano=0, observed_time_unix_nano=time) for time in TIMES),
        ),
    ),
    "a gauge": ("metrics", lambda: metrics(gauge(), whole=True)),
    "sums": (
        "metrics",
        lambda: metrics(*(total(t, monotonic=m) for t in (0, 1, 2, 77) for m in (True, False))),
    ),
    "a summary": ("metrics", lambda: metrics(summary(), whole=True)),
    "a histogram": ("metrics", lambda: metrics(histogram(), whole=True)),
    "an exponential histogram": ("metrics", lambda: metrics(exponential(), whole=True)),
    "all kinds of metrics together": (
        "metrics",
        lambda: metrics(
            gauge(),
            total(2, monotonic=True),
            summary(),
            histogram(),
            exponential(),
            Metric(name="none"),
        ),
    ),
    **{name: (signal, lambda body=body: spoil(body)) for name, (signal, body) in spoiled().items()},
}
