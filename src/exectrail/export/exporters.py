"""Exporters that keep their troubles to themselves.

OpenTelemetry's exporters log what fails, and Python prints that to the program's stderr where it
has not configured logging. Each exporter of ours counts a failure instead (the metric of dropped
telemetry shows it), and bounds what waits for it.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, NamedTuple

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
_TALKERS: Final = ("opentelemetry.", "urllib3.", "requests.", "charset_normalizer.")
"""Whose loggers speak while we set up and export. A filter is no parent's: each has its own."""


def _not_ours(_record: logging.LogRecord) -> bool:
    return not _ours.get()


def hush() -> None:
    """Silence those loggers for our own exports; what others do with them is theirs."""
    for name in list(logging.root.manager.loggerDict):
        if name.startswith(_TALKERS):
            logger = logging.getLogger(name)
            if _not_ours not in logger.filters:
                logger.addFilter(_not_ours)


@contextmanager
def quietly():
    """What those loggers say in here is said to nobody."""
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
        self._lock = threading.RLock()  # the garbage collector may end executions meanwhile

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


class _Process:
    """The process that an exporter belongs to: a forked child has the parent's, and its own."""

    def __init__(self) -> None:
        self._pid = os.getpid()

    @property
    def foreign(self) -> bool:
        """Whether this is a child: what the parent's exporter holds is the parent's to send."""
        return os.getpid() != self._pid


class QuietSpans(SpanExporter):
    """A span exporter that fails quietly."""

    def __init__(self, inner: SpanExporter, room: _Room) -> None:
        self._inner = inner
        self._room = room
        self._process = _Process()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        if self._process.foreign:
            return SpanExportResult.SUCCESS
        result = SpanExportResult.FAILURE
        self._room.give(len(spans))
        with guard("export.spans"), quietly():
            result = self._inner.export(spans)
        if result is not SpanExportResult.SUCCESS:
            _lost("export.spans", len(spans))
        return result

    def shutdown(self) -> None:
        with guard("export.spans"), quietly():
            self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return True


class QuietLogs(LogRecordExporter):
    """A log exporter that fails quietly."""

    def __init__(self, inner: LogRecordExporter, room: _Room) -> None:
        self._inner = inner
        self._room = room
        self._process = _Process()

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        if self._process.foreign:
            return LogRecordExportResult.SUCCESS
        result = LogRecordExportResult.FAILURE
        self._room.give(len(batch))
        with guard("export.logs"), quietly():
            result = self._inner.export(batch)
        if result is not LogRecordExportResult.SUCCESS:
            _lost("export.logs", len(batch))
        return result

    def shutdown(self) -> None:
        with guard("export.logs"), quietly():
            self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return True


class QuietMetrics(MetricExporter):
    """A metric exporter that fails quietly."""

    def __init__(self, inner: MetricExporter) -> None:
        super().__init__(inner._preferred_temporality, inner._preferred_aggregation)
        self._inner = inner
        self._process = _Process()

    def export(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any
    ) -> MetricExportResult:
        if self._process.foreign:
            return MetricExportResult.SUCCESS
        result = MetricExportResult.FAILURE
        with guard("export.metrics"), quietly():
            result = self._inner.export(metrics_data, timeout_millis, **kwargs)
        if result is not MetricExportResult.SUCCESS:
            report("export.metrics")
        return result

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return True

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        with guard("export.metrics"), quietly():
            self._inner.shutdown(timeout_millis, **kwargs)


class Batching(NamedTuple):
    """How records are gathered for an exporter."""

    most: int
    """So many may wait; what comes beyond them is dropped and counted."""
    delay_ms: float
    """Milliseconds until a batch goes, full or not."""
    size: int
    """Records in a batch, at most."""


class BoundedSpans(SpanProcessor):
    """Batches spans in a room of their own: a full one drops the new span and counts it."""

    def __init__(self, exporter: SpanExporter, batching: Batching) -> None:
        self._room = _Room("export.spans", batching.most)
        self.exporter = QuietSpans(exporter, self._room)
        self._batches = BatchSpanProcessor(
            self.exporter,
            max_queue_size=batching.most,
            schedule_delay_millis=batching.delay_ms,
            max_export_batch_size=batching.size,
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

    def __init__(self, exporter: LogRecordExporter, batching: Batching) -> None:
        self._room = _Room("export.logs", batching.most)
        self.exporter = QuietLogs(exporter, self._room)
        self._batches = BatchLogRecordProcessor(
            self.exporter,
            max_queue_size=batching.most,
            schedule_delay_millis=batching.delay_ms,
            max_export_batch_size=batching.size,
        )

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        if self._room.take():
            self._batches.on_emit(log_record)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._batches.force_flush(timeout_millis)

    def shutdown(self) -> None:
        self._batches.shutdown()
