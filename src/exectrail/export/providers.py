"""Providers of our own, by the standard OTEL_* variables; or the user's, taken as they are."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from opentelemetry import _logs, metrics, trace
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs.export import ConsoleLogRecordExporter, LogRecordExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    ConsoleMetricExporter,
    MetricExporter,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SynchronousMultiSpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SpanExporter
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from exectrail.conventions import names
from exectrail.export.exporters import BoundedLogs, BoundedSpans, QuietMetrics, hush
from exectrail.export.pipeline import Pipeline
from exectrail.guard import guard
from exectrail.signals.attributes import Attributes
from exectrail.signals.records import ApiRecords, OwnRecords
from exectrail.signals.spans import ApiSpans, LateSpans

MOST_SPANS: Final = 16_384
MOST_EVENTS: Final = 32_768
"""What may wait for an exporter; OTEL_BSP_MAX_QUEUE_SIZE and OTEL_BLRP_MAX_QUEUE_SIZE win."""
SPAN_DELAY_MS: Final = 500.0
EVENT_DELAY_MS: Final = 200.0
"""How long a batch is gathered: less than OpenTelemetry's defaults, since a killed process loses
what waits. OTEL_BSP_SCHEDULE_DELAY and OTEL_BLRP_SCHEDULE_DELAY win."""


@dataclass(frozen=True, slots=True)
class Exporters:
    """What takes the signals; None for a signal that nobody takes."""

    spans: SpanExporter | None = None
    logs: LogRecordExporter | None = None
    metrics: MetricExporter | None = None


def from_environment(resource: Resource, version: str) -> Pipeline:
    """Providers of our own with the exporters that the OTEL_* variables name.

    Args:
        resource: Which service, host and worker.
        version: Version of exectrail, for the instrumentation scope.
    """
    exporters = Exporters(_span_exporter(), _log_exporter(), _metric_exporter())
    return from_exporters(exporters, resource, version)


def from_exporters(exporters: Exporters, resource: Resource, version: str) -> Pipeline:
    """Providers of our own; the global ones are not touched.

    Args:
        exporters: What takes the signals.
        resource: Which service, host and worker.
        version: Version of exectrail, for the instrumentation scope.
    """
    hush()
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    spans = SynchronousMultiSpanProcessor()
    events: BoundedLogs | None = None
    readers: list[PeriodicExportingMetricReader] = []
    stops: list[Any] = []
    if exporters.spans is not None:
        most, delay = (
            _number("OTEL_BSP_MAX_QUEUE_SIZE", MOST_SPANS),
            _delay("OTEL_BSP", SPAN_DELAY_MS),
        )
        processor = BoundedSpans(exporters.spans, int(most), delay)
        spans.add_span_processor(processor)
        stops.append(processor.exporter)
    if exporters.logs is not None:
        most, delay = (
            _number("OTEL_BLRP_MAX_QUEUE_SIZE", MOST_EVENTS),
            _delay("OTEL_BLRP", EVENT_DELAY_MS),
        )
        events = BoundedLogs(exporters.logs, int(most), delay)
        stops.append(events.exporter)
    if exporters.metrics is not None:
        quiet = QuietMetrics(exporters.metrics)
        readers.append(PeriodicExportingMetricReader(quiet))
        stops.append(quiet)
    meter_provider = MeterProvider(readers, resource, shutdown_on_exit=False)

    held = [what for what in (events, spans, meter_provider) if what is not None]

    def flush() -> None:
        for what in held:
            with guard("export.flush"):
                what.force_flush()

    def close() -> None:
        for what in held:
            with guard("export.close"):
                what.shutdown()

    def abort() -> None:
        for exporter in stops:
            exporter.shutdown()

    scope = InstrumentationScope(names.ROOT, version)
    return Pipeline(
        spans=LateSpans(spans, provider.sampler, resource, scope),
        records=OwnRecords(events, resource, scope),
        meter=meter_provider.get_meter(names.ROOT, version),
        project=str(resource.attributes.get(names.SERVICE_NAMESPACE, "")),
        always={},
        flush=flush,
        close=close,
        abort=abort,
    )


def from_providers(options: Mapping[str, Any], worker: Attributes, version: str) -> Pipeline:
    """The user's providers: those given, else the global ones.

    Args:
        options: `tracer_provider`, `logger_provider`, `meter_provider`.
        worker: Stands on each event, since the resource is not ours to set.
        version: Version of exectrail, for the instrumentation scope.
    """
    tracers = options.get("tracer_provider") or trace.get_tracer_provider()
    loggers = options.get("logger_provider") or _logs.get_logger_provider()
    meters = options.get("meter_provider") or metrics.get_meter_provider()

    def flush() -> None:
        for provider in (loggers, tracers, meters):
            force = getattr(provider, "force_flush", None)
            if force is not None:
                with guard("export.flush"):
                    force()

    resource = getattr(loggers, "resource", None) or getattr(tracers, "resource", None)
    project = resource.attributes.get(names.SERVICE_NAMESPACE, "") if resource else ""
    return Pipeline(
        spans=ApiSpans(tracers.get_tracer(names.ROOT, version)),
        records=ApiRecords(loggers.get_logger(names.ROOT, version)),
        meter=meters.get_meter(names.ROOT, version),
        project=str(project),
        always=worker,
        flush=flush,
        close=flush,
    )


def _wanted(signal: str) -> str:
    """`otlp`, `console` or `none`, of OTEL_<SIGNAL>_EXPORTER; the first one where several stand."""
    return os.environ.get(f"OTEL_{signal}_EXPORTER", "otlp").split(",")[0].strip().lower() or "otlp"


def _span_exporter() -> SpanExporter | None:
    match _wanted("TRACES"):
        case "none":
            return None
        case "console":
            return ConsoleSpanExporter()
        case _:
            return OTLPSpanExporter()


def _log_exporter() -> LogRecordExporter | None:
    match _wanted("LOGS"):
        case "none":
            return None
        case "console":
            return ConsoleLogRecordExporter()
        case _:
            return OTLPLogExporter()


def _metric_exporter() -> MetricExporter | None:
    match _wanted("METRICS"):
        case "none":
            return None
        case "console":
            return ConsoleMetricExporter()
        case _:
            return OTLPMetricExporter()


def _delay(prefix: str, default: float) -> float:
    return _number(f"{prefix}_SCHEDULE_DELAY", default)


def _number(variable: str, default: float) -> float:
    try:
        return float(os.environ[variable])
    except (KeyError, ValueError):
        return default
