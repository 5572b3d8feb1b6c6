"""Exporters that count what they are given, and on request keep its shape."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from exectrail.conventions import names

_MEASURED = names.EVENT_EXECUTION_RESOURCE_USAGE

Shape = Counter[str]
"""How many there are of each span or event, told by name, place and attribute keys."""


class SpanSink(SpanExporter):
    """Counts spans."""

    def __init__(self) -> None:
        self.count = 0
        self.kept: list[ReadableSpan] | None = None

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.count += len(spans)
        if self.kept is not None:
            self.kept.extend(spans)
        return SpanExportResult.SUCCESS

    def shape(self) -> Shape:
        """What was kept: each span with its parent, kind, status and attribute keys."""
        kept = self.kept or []
        named = {span.context.span_id: span.name for span in kept if span.context is not None}
        return Counter(
            f"{named.get(span.parent.span_id, 'outside') if span.parent else 'no one'}"
            f" > {span.name} {span.kind.name} {span.status.status_code.name} {_keys(span)}"
            for span in kept
        )


class EventSink(LogRecordExporter):
    """Counts events. Those that measure resources are apart: nobody writes that by hand."""

    def __init__(self) -> None:
        self.count = 0
        self.measured = 0
        self.kept: list[ReadableLogRecord] | None = None

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        told = [item for item in batch if item.log_record.event_name != _MEASURED]
        self.count += len(told)
        self.measured += len(batch) - len(told)
        if self.kept is not None:
            self.kept.extend(told)
        return LogRecordExportResult.SUCCESS

    def shape(self) -> Shape:
        """What was kept: each event with its execution, state, severity and attribute keys."""
        return Counter(_event(item) for item in self.kept or [])

    def shutdown(self) -> None:
        return None

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return True


def _event(item: ReadableLogRecord) -> str:
    record = item.log_record
    known = record.attributes or {}
    placed = "in a span" if record.span_id else "in no span"
    return (
        f"{record.event_name} {known.get(names.EXECUTION_KIND)} {known.get(names.EXECUTION_NAME)}"
        f" {known.get(names.EXECUTION_STATE, '')} {record.severity_text} {placed} {_keys(record)}"
    )


def _keys(item: Any) -> str:
    return ",".join(sorted(item.attributes or {}))
