"""Exporters keep their troubles to themselves, and what waits for them is bounded and counted."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import ReadableLogRecord, ReadWriteLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import SpanContext, TraceFlags

from exectrail.export import exporters
from exectrail.export.exporters import Batching, BoundedLogs, BoundedSpans, QuietMetrics, hush
from exectrail.guard import dropped, reset

TALKER = "opentelemetry.exporter.otlp.proto.http.trace_exporter"


@pytest.fixture(autouse=True)
def counts() -> Iterator[None]:
    reset()
    logging.getLogger(TALKER)  # as the exporter's module does; only what is there is hushed
    hush()
    yield
    reset()


class Inner(SpanExporter):
    """Keeps what it gets, and does what it is told: succeed, fail, raise or wait."""

    def __init__(self, behaviour: str = "succeed") -> None:
        self.behaviour = behaviour
        self.batches: list[int] = []
        self.closed = 0
        self.exporting, self.go_on = threading.Event(), threading.Event()

    def _do(self, batch: Sequence[object]) -> bool:
        logging.getLogger(TALKER).error("for nobody")
        self.exporting.set()
        if self.behaviour == "wait":
            self.go_on.wait(20)
        if self.behaviour == "raise":
            raise RuntimeError("theirs")
        self.batches.append(len(batch))
        return self.behaviour != "fail"

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return SpanExportResult.SUCCESS if self._do(spans) else SpanExportResult.FAILURE

    def shutdown(self) -> None:
        self.closed += 1
        logging.getLogger(TALKER).warning("already shut down")
        if self.behaviour == "raise":
            raise RuntimeError("theirs")


class InnerLogs(LogRecordExporter, Inner):
    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:  # pyright: ignore[reportIncompatibleMethodOverride]
        return LogRecordExportResult.SUCCESS if self._do(batch) else LogRecordExportResult.FAILURE

    def shutdown(self) -> None:
        Inner.shutdown(self)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return True


class InnerMetrics(MetricExporter, Inner):  # pyright: ignore[reportIncompatibleMethodOverride]
    def __init__(self, behaviour: str = "succeed") -> None:
        MetricExporter.__init__(self)
        Inner.__init__(self, behaviour)

    def export(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, metrics_data: Any, timeout_millis: float = 10_000, **kwargs: Any
    ) -> MetricExportResult:
        return MetricExportResult.SUCCESS if self._do([1]) else MetricExportResult.FAILURE

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        Inner.shutdown(self)

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return True


def span() -> ReadableSpan:
    return ReadableSpan("s", SpanContext(1, 2, False, TraceFlags(TraceFlags.SAMPLED)))


def record() -> ReadWriteLogRecord:
    return ReadWriteLogRecord(LogRecord(event_name="e"), Resource({}))


def feed(bounded: BoundedSpans | BoundedLogs, count: int) -> None:
    for _ in range(count):
        if isinstance(bounded, BoundedSpans):
            bounded.on_end(span())
        else:
            bounded.on_emit(record())


def bounded(signal: str, behaviour: str, most: int = 10, size: int = 5) -> Any:
    batching = Batching(most, 60_000, size)
    if signal == "spans":
        return BoundedSpans(Inner(behaviour), batching)
    return BoundedLogs(InnerLogs(behaviour), batching)


def inner(bounded: Any) -> Inner:
    return bounded.exporter._inner


SIGNALS = pytest.mark.parametrize("signal", ["spans", "logs"])


@SIGNALS
def test_what_is_flushed_is_exported_in_batches(signal: str) -> None:
    processor = bounded(signal, "succeed", most=100)
    feed(processor, 12)
    assert processor.force_flush()
    assert sum(inner(processor).batches) == 12
    assert max(inner(processor).batches) <= 5
    processor.shutdown()
    assert inner(processor).closed == 1
    assert dropped() == {}


@SIGNALS
@pytest.mark.parametrize("behaviour", ["fail", "raise"])
def test_failed_exports_are_counted_and_said_to_nobody_else(
    signal: str, behaviour: str, caplog: pytest.LogCaptureFixture
) -> None:
    processor = bounded(signal, behaviour)
    feed(processor, 3)
    processor.force_flush()
    raised = behaviour == "raise"
    assert dropped() == {f"export.{signal}": 3 + raised}
    processor.shutdown()
    assert {r.name for r in caplog.records} == {"exectrail"}
    assert len(caplog.records) == 1


@SIGNALS
def test_what_does_not_fit_is_dropped_and_counted(signal: str) -> None:
    processor = bounded(signal, "wait", most=10, size=5)
    feed(processor, 5)  # a batch: the exporter takes it and waits
    assert inner(processor).exporting.wait(10)
    feed(processor, 12)  # ten fit
    assert dropped() == {f"export.{signal}.full": 2}
    inner(processor).go_on.set()
    processor.force_flush()
    assert sum(inner(processor).batches) == 15
    feed(processor, 10)  # there is room again, all of it
    processor.force_flush()
    assert sum(inner(processor).batches) == 25
    assert dropped() == {f"export.{signal}.full": 2}
    processor.shutdown()


@SIGNALS
def test_a_failing_exporter_gives_the_room_back(signal: str) -> None:
    processor = bounded(signal, "fail", most=10)
    for _ in range(5):
        feed(processor, 10)
        processor.force_flush()
    assert dropped() == {f"export.{signal}": 50}
    processor.shutdown()


@SIGNALS
def test_the_result_is_that_of_the_exporter(signal: str) -> None:
    for behaviour, result in (("succeed", "SUCCESS"), ("fail", "FAILURE"), ("raise", "FAILURE")):
        processor = bounded(signal, behaviour)
        assert processor.exporter.export([span()]).name == result
        assert processor.exporter.force_flush()
        processor.shutdown()


@pytest.mark.parametrize("behaviour", ["succeed", "fail", "raise"])
def test_metrics_fail_quietly(behaviour: str, caplog: pytest.LogCaptureFixture) -> None:
    own = InnerMetrics(behaviour)
    quiet = QuietMetrics(own)
    result = quiet.export(MetricsData([]), 1_000)
    assert (result is MetricExportResult.SUCCESS) == (behaviour == "succeed")
    assert dropped() == (
        {} if behaviour == "succeed" else {"export.metrics": 1 + (behaviour == "raise")}
    )
    quiet.shutdown()
    assert quiet.force_flush()
    assert own.closed == 1
    assert {r.name for r in caplog.records} <= {"exectrail"}


def test_preferences_of_the_exporter_are_kept() -> None:
    own = InnerMetrics()
    quiet = QuietMetrics(own)
    assert quiet._preferred_temporality is own._preferred_temporality
    assert quiet._preferred_aggregation is own._preferred_aggregation


@SIGNALS
def test_a_child_process_sends_nothing_of_its_parents(
    signal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    processor = bounded(signal, "succeed")
    metrics = QuietMetrics(InnerMetrics())
    monkeypatch.setattr(exporters.os, "getpid", lambda: -1)
    processor.exporter.export([span()])
    metrics.export(MetricsData([]))
    monkeypatch.undo()
    assert inner(processor).batches == []
    assert metrics._inner.batches == []  # pyright: ignore[reportAttributeAccessIssue]
    processor.shutdown()


def test_what_others_log_is_heard(caplog: pytest.LogCaptureFixture) -> None:
    """Only our own exports are silent: the same loggers serve the program's."""
    processor = bounded("spans", "succeed")
    feed(processor, 1)
    processor.force_flush()
    logging.getLogger(TALKER).warning("the program's own exporter")
    assert [r.getMessage() for r in caplog.records] == ["the program's own exporter"]
    processor.shutdown()


def test_loggers_get_one_filter_however_often_they_are_hushed() -> None:
    for _ in range(3):
        hush()
    filters = logging.getLogger(TALKER).filters
    assert filters.count(exporters._not_ours) == 1
