"""Exporters that keep their troubles to themselves.

OpenTelemetry's exporters log what fails, and Python prints that to the program's stderr where it
has not configured logging. Each exporter of ours counts a failure instead (the metric of dropped
telemetry shows it), and bounds what waits for it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from opentelemetry.sdk._logs import LogRecordProcessor, ReadableLogRecord, ReadWriteLogRecord
from opentelemetry.sdk._logs.export import (
    BatchLogRecordProcessor,
    LogRecordExporter,
    LogRecordExportResult,
)
from opentelemetry.sdk.metrics.export import (
    MetricExporter,
    MetricExportResult,
    MetricsData,
)
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from exectrail.guard import guard, report

_ours: ContextVar[bool] = ContextVar("exectrail_exporting", default=False)
_TALKERS: Final = (
    "opentelemetry.exporter.otlp.proto.http._common",
    "opentelemetry.exporter.otlp.proto.http._log_exporter",
    "opentelemetry.exporter.otlp.proto.http.metric_exporter",
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "opentelemetry.exporter.otlp.common._internal",
    "opentelemetry.sdk._shared_internal",
    "urllib3.connectionpool",
    "requests",
)
"""Loggers that speak while we export."""


def _not_ours(_record: logging.LogRecord) -> bool:
    return not _ours.get()


def hush() -> None:
    """Silence those loggers for our own exports; what others do with them is theirs."""
    for name in _TALKERS:
        logger = logging.getLogger(name)
        if _not_ours not in logger.filters:
            logger.addFilter(_not_ours)


@contextmanager
def _quietly():
    token = _ours.set(True)
    try:
        yield
    finally:
        _ours.reset(token)


class _Room:
    """How much waits, and how much may."""

    def __init__(self, site: str, most: int) -> None:
        self._site = site
        self._most = most
        self._waiting = 0
        self._lock = threading.Lock()

    def take(self) -> bool:
        with self._lock:
            if self._waiting < self._most:
                self._waiting += 1
                return True
        report(f"{self._site}.full")
        return False

    def give(self, count: int) -> None:
        with self._lock:
            self._waiting = max(0, self._waiting - count)


def _lost(site: str, count: int) -> None:
    for _ in range(count):
        report(site)


class QuietSpans(SpanExporter):
    """A span exporter that fails quietly."""

    def __init__(self, inner: SpanExporter, room: _Room) -> None:
        self._inner = inner
        self._room = room

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = SpanExportResult.FAILURE
        self._room.give(len(spans))
        with guard("export.spans"), _quietly():
            result = self._inner.export(spans)
        if result is not SpanExportResult.SUCCESS:
            _lost("export.spans", len(spans))
        return result

    def shutdown(self) -> None:
        with guard("export.spans"), _quietly():
            self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return True


class QuietLogs(LogRecordExporter):
    """A log exporter that fails quietly."""

    def __init__(self, inner: LogRecordExporter, room: _Room) -> None:
        self._inner = inner
        self._room = room

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        result = LogRecordExportResult.FAILURE
        self._room.give(len(batch))
        with guard("export.logs"), _quietly():
            result = self._inner.export(batch)
        if result is not LogRecordExportResult.SUCCESS:
            _lost("export.logs", len(batch))
        return result

    def shutdown(self) -> None:
        with guard("export.logs"), _quietly():
            self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return True


class QuietMetrics(MetricExporter):
    """A metric exporter that fails quietly."""

    def __init__(self, inner: MetricExporter) -> None:
        super().__init__(inner._preferred_temporality, inner._preferred_aggregation)
        self._inner = inner

    def export(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any
    ) -> MetricExportResult:
        result = MetricExportResult.FAILURE
        with guard("export.metrics"), _quietly():
            result = self._inner.export(metrics_data, timeout_millis, **kwargs)
        if result is not MetricExportResult.SUCCESS:
            report("export.metrics")
        return result

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return True

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        with guard("export.metrics"), _quietly():
            self._inner.shutdown(timeout_millis, **kwargs)


class BoundedSpans(SpanProcessor):
    """Batches spans in a room of their own: a full one drops the new span and counts it."""

    def __init__(self, exporter: SpanExporter, most: int, delay_ms: float) -> None:
        self._room = _Room("export.spans", most)
        self.exporter = QuietSpans(exporter, self._room)
        self._batches = BatchSpanProcessor(
            self.exporter, max_queue_size=most, schedule_delay_millis=delay_ms
        )

    def on_start(self, span: Span, parent_context: Any = None) -> None:
        return None

    def on_end(self, span: ReadableSpan) -> None:
        if self._room.take():
            self._batches.on_end(span)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._batches.force_flush(timeout_millis)

    def shutdown(self) -> None:
        self._batches.shutdown()


class BoundedLogs(LogRecordProcessor):
    """Batches log records in a room of their own: a full one drops the new record and counts it."""

    def __init__(self, exporter: LogRecordExporter, most: int, delay_ms: float) -> None:
        self._room = _Room("export.logs", most)
        self.exporter = QuietLogs(exporter, self._room)
        self._batches = BatchLogRecordProcessor(
            self.exporter, max_queue_size=most, schedule_delay_millis=delay_ms
        )

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        if self._room.take():
            self._batches.on_emit(log_record)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._batches.force_flush(timeout_millis)

    def shutdown(self) -> None:
        self._batches.shutdown()
