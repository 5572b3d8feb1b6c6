"""Providers of our own, by the standard OTEL_* variables; or the user's, taken as they are."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from opentelemetry import _logs, metrics, trace
from opentelemetry.sdk._logs.export import ConsoleLogRecordExporter, LogRecordExporter
from opentelemetry.sdk.metrics.export import (
    ConsoleMetricExporter,
    MetricExporter,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SynchronousMultiSpanProcessor
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SpanExporter
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from exectrail.conventions import names
from exectrail.export.durable import spooled
from exectrail.export.exporters import (
    Batching,
    BoundedLogs,
    BoundedSpans,
    QuietMetrics,
    hush,
    quietly,
)
from exectrail.export.own import meters, sampler
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
BATCH: Final = 512
"""Records in a batch, OpenTelemetry's default."""
_MOST: Final = 1e9
_NOT_OTLP: Final = frozenset({"none", "console"})


@dataclass(frozen=True, slots=True)
class Exporters:
    """What takes the signals; None for a signal that nobody takes."""

    spans: SpanExporter | None = None
    logs: LogRecordExporter | None = None
    metrics: MetricExporter | None = None


def from_environment(resource: Resource, version: str) -> Pipeline:
    """Providers of our own, as the OTEL_* variables say: by the spool to OTLP, or to the console.

    Args:
        resource: Which service, host and worker.
        version: Version of exectrail, for the instrumentation scope.
    """
    hush()
    others = Exporters(
        ConsoleSpanExporter() if _wanted("TRACES") == "console" else None,
        ConsoleLogRecordExporter() if _wanted("LOGS") == "console" else None,
        ConsoleMetricExporter() if _wanted("METRICS") == "console" else None,
    )
    pipeline = from_exporters(others, resource, version)
    to_otlp = {name for name in ("TRACES", "LOGS", "METRICS") if _wanted(name) not in _NOT_OTLP}
    if to_otlp:
        with guard("export.set_up.spool"), quietly():
            return spooled(pipeline, to_otlp, resource, version)
    return pipeline


def from_exporters(exporters: Exporters, resource: Resource, version: str) -> Pipeline:
    """Providers of our own that export through the SDK; the global ones are not touched.

    Args:
        exporters: What takes the signals.
        resource: Which service, host and worker.
        version: Version of exectrail, for the instrumentation scope.
    """
    hush()
    spans = SynchronousMultiSpanProcessor()
    events: BoundedLogs | None = None
    readers: list[PeriodicExportingMetricReader] = []
    stops: list[Any] = []
    # One by one: a variable that stops one signal leaves the others.
    if exporters.spans is not None:
        with guard("export.set_up.spans"), quietly():
            processor = BoundedSpans(exporters.spans, _batching("BSP", MOST_SPANS, SPAN_DELAY_MS))
            spans.add_span_processor(processor)
            stops.append(processor.exporter)
    if exporters.logs is not None:
        with guard("export.set_up.logs"), quietly():
            events = BoundedLogs(exporters.logs, _batching("BLRP", MOST_EVENTS, EVENT_DELAY_MS))
            stops.append(events.exporter)
    if exporters.metrics is not None:
        with guard("export.set_up.metrics"), quietly():
            quiet = QuietMetrics(exporters.metrics)
            readers.append(PeriodicExportingMetricReader(quiet))
            stops.append(quiet)
    meter_provider = meters(readers, resource)
    held = [what for what in (events, spans, meter_provider) if what is not None]

    def flush() -> None:
        for what in held:
            with guard("export.flush"):
                what.force_flush()

    def close(_wait: float) -> None:
        for what in held:
            with guard("export.close"):
                what.shutdown()

    def abort() -> None:
        for exporter in stops:
            exporter.shutdown()

    scope = InstrumentationScope(names.ROOT, version)
    return Pipeline(
        spans=LateSpans(spans, sampler(resource), resource, scope),
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
        close=lambda _wait: flush(),
    )


def _wanted(signal: str) -> str:
    """`otlp`, `console` or `none`, of OTEL_<SIGNAL>_EXPORTER; the first one where several stand."""
    return os.environ.get(f"OTEL_{signal}_EXPORTER", "otlp").split(",")[0].strip().lower() or "otlp"


def _batching(processor: str, most: int, delay_ms: float) -> Batching:
    """As OTEL_BSP_* or OTEL_BLRP_* say, within what can be."""
    held = int(_number(f"OTEL_{processor}_MAX_QUEUE_SIZE", most))
    size = int(_number(f"OTEL_{processor}_MAX_EXPORT_BATCH_SIZE", BATCH))
    delay = _number(f"OTEL_{processor}_SCHEDULE_DELAY", delay_ms)
    return Batching(held, delay, min(size, held))


def _number(variable: str, default: float) -> float:
    try:
        found = float(os.environ[variable])
    except (KeyError, ValueError):
        return default
    return found if 1 <= found <= _MOST else default
