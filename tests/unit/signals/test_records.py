"""Own records are on the wire what the SDK's logger makes of the same event."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.sdk._logs import LoggerProvider, ReadableLogRecord
from opentelemetry.sdk._logs.export import (
    BatchLogRecordProcessor,
    LogRecordExporter,
    LogRecordExportResult,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, TraceFlags

from exectrail.signals.attributes import Attributes
from exectrail.signals.records import ApiRecords, OwnRecords, Records
from exectrail.signals.spans import SpanHandle

RESOURCE = Resource({"service.name": "shop"})
SCOPE = InstrumentationScope("exectrail", "1.2.3")
SPAN = SpanContext(0x1F, 0x2E, False, TraceFlags(TraceFlags.SAMPLED))
AROUND = SpanContext(0x3D, 0x4C, False, TraceFlags(TraceFlags.SAMPLED))


class Wire(LogRecordExporter):
    """Keeps what would be sent."""

    def __init__(self) -> None:
        self.batch: list[ReadableLogRecord] = []

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        self.batch.extend(batch)
        return LogRecordExportResult.SUCCESS

    def shutdown(self) -> None: ...

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return True


def sent(records_of: Callable[[BatchLogRecordProcessor], Records]) -> bytes:
    wire = Wire()
    processor = BatchLogRecordProcessor(wire)
    records = records_of(processor)
    handle = SpanHandle("step a", SpanKind.INTERNAL, 1, {}, SPAN, None)
    attributes: Attributes = {
        "text": "ä" * 600,
        "flag": True,
        "whole": 2**40,
        "part": 0.5,
        "many": ("a", "b"),
        "event.name": "e",
    }
    with trace.use_span(NonRecordingSpan(AROUND)):
        records.write("e", 17, "INFO", dict(attributes), handle)
        records.write("e", 18, "ERROR", dict(attributes), None)
    processor.force_flush()
    processor.shutdown()
    return encode_logs(wire.batch).SerializeToString(deterministic=True)


def own(processor: BatchLogRecordProcessor) -> Records:
    return OwnRecords(processor, RESOURCE, SCOPE)


def ordinary(processor: BatchLogRecordProcessor) -> Records:
    provider = LoggerProvider(RESOURCE, shutdown_on_exit=False)
    provider.add_log_record_processor(processor)
    return ApiRecords(provider.get_logger("exectrail", "1.2.3"))


def test_own_records_are_the_same_bytes_as_the_sdks() -> None:
    assert sent(own) == sent(ordinary)


def test_an_event_without_a_span_does_not_take_the_programs_current_one() -> None:
    wire = Wire()
    processor = BatchLogRecordProcessor(wire)
    for records in (own(processor), ordinary(processor)):
        with trace.use_span(NonRecordingSpan(AROUND)):
            records.write("e", 17, "INFO", {}, None)
    processor.force_flush()
    processor.shutdown()
    assert [(item.log_record.trace_id, item.log_record.span_id) for item in wire.batch] == [
        (0, 0),
        (0, 0),
    ]


def test_nobody_to_take_them_is_no_error() -> None:
    OwnRecords(None, RESOURCE, SCOPE).write("e", 17, "INFO", {}, None)
