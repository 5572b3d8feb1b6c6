"""Log records, the form in which events travel: made plainly on our own providers.

The SDK's logger copies each record and checks each of its attributes; that is most of what an event
costs (benchmarks/overhead.py). Ours are bounded before they come, are of OpenTelemetry's types and
held by nobody else, so with providers of our own a record goes to the processor as it is. What that
gives up are the attribute limits of OTEL_LOGRECORD_*. The user's providers get ordinary records.
"""

from __future__ import annotations

from typing import Final, Protocol, Self, cast

from opentelemetry._logs import Logger, LogRecord, SeverityNumber
from opentelemetry.context import Context
from opentelemetry.sdk._logs import LogRecordLimits, LogRecordProcessor, ReadWriteLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import INVALID_SPAN, set_span_in_context

from exectrail.signals.attributes import Attributes
from exectrail.signals.spans import SpanHandle

_SEVERITIES: Final = {
    "TRACE": SeverityNumber.TRACE,
    "DEBUG": SeverityNumber.DEBUG,
    "INFO": SeverityNumber.INFO,
    "WARN": SeverityNumber.WARN,
    "ERROR": SeverityNumber.ERROR,
    "FATAL": SeverityNumber.FATAL,
}
_NO_SPAN: Final = set_span_in_context(INVALID_SPAN, Context())
"""Not an empty context: OpenTelemetry takes the current one instead of that."""


class Records(Protocol):
    """Where log records go."""

    def write(
        self,
        name: str,
        at_ns: int,
        level: str,
        attributes: Attributes,
        span: SpanHandle | None,
        body: str | None = None,
    ) -> None:
        """Write a record.

        Args:
            name: The event's name; empty for a log record that is none.
            at_ns: Nanoseconds since the epoch.
            level: TRACE, DEBUG, INFO, WARN, ERROR or FATAL.
            attributes: Taken over, the caller does not use them again.
            span: What it belongs to. An event carries its base too.
            body: Text of a log record.
        """
        ...


class _Record(LogRecord):
    """A record that nobody else holds: a batch need not copy it."""

    def __copy__(self) -> Self:
        return self


class _Whole(ReadWriteLogRecord):
    """A record with its resource and scope, whose attributes stay as they are."""

    def __post_init__(self) -> None:
        return None


class _NoLimits:
    """Ours are bounded before they come. OpenTelemetry's own limits read variables, and raise."""

    max_attributes = None
    max_attribute_length = None
    max_log_record_attributes = None
    max_log_record_attribute_length = None


class OwnRecords:
    """Records on providers of our own.

    Args:
        processor: Takes them; None where nobody wants them.
        resource: Which service, host and worker.
        scope: Who makes them.
    """

    def __init__(
        self, processor: LogRecordProcessor | None, resource: Resource, scope: InstrumentationScope
    ) -> None:
        self._processor = processor
        self._resource = resource
        self._scope = scope
        self._limits = cast(LogRecordLimits, _NoLimits)

    def write(
        self,
        name: str,
        at_ns: int,
        level: str,
        attributes: Attributes,
        span: SpanHandle | None,
        body: str | None = None,
    ) -> None:
        if self._processor is None:
            return
        if span is not None and name:
            attributes = {**span.base, **attributes}
        record = _Record(
            timestamp=at_ns,
            observed_timestamp=at_ns,
            context=_NO_SPAN,
            severity_number=_SEVERITIES[level],
            severity_text=level,
            attributes=attributes,
            event_name=name or None,
            body=body,
        )
        if span is not None:
            record.trace_id = span.span_context.trace_id
            record.span_id = span.span_context.span_id
            record.trace_flags = span.span_context.trace_flags
        self._processor.on_emit(_Whole(record, self._resource, self._scope, self._limits))


class ApiRecords:
    """Records on the user's providers: ordinary ones, through the API alone."""

    def __init__(self, logger: Logger) -> None:
        self._logger = logger

    def write(
        self,
        name: str,
        at_ns: int,
        level: str,
        attributes: Attributes,
        span: SpanHandle | None,
        body: str | None = None,
    ) -> None:
        if span is not None and name:
            attributes = {**span.base, **attributes}
        self._logger.emit(
            timestamp=at_ns,
            observed_timestamp=at_ns,
            context=span.context if span is not None else _NO_SPAN,
            severity_number=_SEVERITIES[level],
            severity_text=level,
            attributes=attributes,
            event_name=name or None,
            body=body,
        )
