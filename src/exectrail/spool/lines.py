"""OTLP/JSON: one export request per line, as the OTLP file format says.

https://opentelemetry.io/docs/specs/otel/protocol/file-exporter/ and the JSON encoding of
https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding: ids in hex, enums as numbers,
64-bit integers as text. The protobuf library's own JSON is not that, and forty times slower.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from exectrail.conventions import names

Value = str | bool | int | float | Sequence[str]

text_json: Final = json.encoder.encode_basestring_ascii
SEVERITY_NUMBERS: Final[Mapping[str, int]] = {
    "TRACE": 1,
    "DEBUG": 5,
    "INFO": 9,
    "WARN": 13,
    "ERROR": 17,
    "FATAL": 21,
}
"""https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber"""
_INT64: Final = 2**63
_KEYS: dict[str, str] = {}
_MOST_KEYS: Final = 2048
_REMOTE_KNOWN: Final = 0x100
_REMOTE: Final = 0x200
"""SpanFlags of opentelemetry/proto/trace/v1/trace.proto."""


def value_json(value: Any) -> str:
    """An AnyValue. What is of none of its types stands as text."""
    kind = type(value)
    if kind is str:
        return '{"stringValue":' + text_json(value) + "}"
    if kind is bool:
        return '{"boolValue":true}' if value else '{"boolValue":false}'
    if kind is int:
        if -_INT64 <= value < _INT64:
            return '{"intValue":"' + str(value) + '"}'
        return '{"stringValue":"' + str(value) + '"}'
    if kind is float:
        return '{"doubleValue":' + double_json(value) + "}"
    if isinstance(value, str):  # an enum
        return '{"stringValue":' + text_json(str(value)) + "}"
    if isinstance(value, (list, tuple)):
        return '{"arrayValue":{"values":[' + ",".join(map(value_json, value)) + "]}}"
    return '{"stringValue":' + text_json(str(value)) + "}"


def double_json(value: float) -> str:
    """A double; JSON has no word for what is no number, protobuf's mapping has text."""
    if math.isfinite(value):
        return repr(value)
    return '"NaN"' if math.isnan(value) else '"Infinity"' if value > 0 else '"-Infinity"'


def attributes_json(attributes: Mapping[str, Any]) -> str:
    """A list of KeyValue."""
    return "[" + pairs_json(attributes) + "]"


def pairs_json(attributes: Mapping[str, Any]) -> str:
    """Some KeyValue, with commas between them."""
    parts: list[str] = []
    for key, value in attributes.items():
        start = _KEYS.get(key)
        if start is None:
            start = '{"key":' + text_json(key) + ',"value":'
            if len(_KEYS) < _MOST_KEYS:  # tags may have any key
                _KEYS[key] = start
        if type(value) is str:  # most are
            parts.append(start + '{"stringValue":' + text_json(value) + "}}")
        else:
            parts.append(start + value_json(value) + "}")
    return ",".join(parts)


def envelope(
    signal: str, resource: Mapping[str, Any], scope: str = names.ROOT, version: str = ""
) -> tuple[str, str]:
    """What stands before and behind the records of a request.

    Args:
        signal: `Logs`, `Spans` or `Metrics`, as in `resourceLogs`.
        resource: Its attributes.
        scope: Name of the instrumentation scope.
        version: Its version.
    """
    records = {"Logs": "logRecords", "Spans": "spans", "Metrics": "metrics"}[signal]
    about = (
        '{"name":'
        + text_json(scope)
        + (',"version":' + text_json(version) if version else "")
        + "}"
    )
    start = (
        '{"resource' + signal + '":[{"resource":{"attributes":' + attributes_json(resource) + "},"
        '"scope' + signal + '":[{"scope":' + about + ',"' + records + '":['
    )
    return start, "]}]}]}\n"


class LogLines:
    """Log records and events, as lines.

    Args:
        resource: Which service, host and worker.
        version: Version of the instrumentation scope.
        scope: Its name.
    """

    def __init__(
        self, resource: Mapping[str, Any], version: str = "", scope: str = names.ROOT
    ) -> None:
        start, end = envelope("Logs", resource, scope, version)
        self._start, self._end = start.encode("ascii"), b"}" + end.encode("ascii")

    def line(
        self,
        event_name: str,
        at_ns: int,
        level: str,
        attributes: Mapping[str, Any],
        *,
        trace_id: int = 0,
        span_id: int = 0,
        flags: int = 0,
        body: str | None = None,
        base: str = "",
    ) -> bytes:
        """One request with one record, and the line's end.

        Args:
            event_name: Name of the event; empty for a log record that is none.
            at_ns: Nanoseconds since the epoch.
            level: TRACE, DEBUG, INFO, WARN, ERROR or FATAL.
            attributes: Of the record.
            trace_id: The trace it belongs to; 0 for none.
            span_id: The span it belongs to; 0 for none.
            flags: W3C trace flags.
            body: Text of a log record.
            base: Further attributes, as `pairs_json` made them.
        """
        pairs = pairs_json(attributes)
        if base:
            pairs = base + "," + pairs if pairs else base
        record = (
            f'{{"timeUnixNano":"{at_ns}","observedTimeUnixNano":"{at_ns}",'
            f'"severityNumber":{SEVERITY_NUMBERS[level]},"severityText":"{level}",'
            f'"attributes":[{pairs}]'
        )
        if event_name:
            record += ',"eventName":' + text_json(event_name)
        if body is not None:
            record += ',"body":' + value_json(body)
        if trace_id:
            record += f',"flags":{flags},"traceId":"{trace_id:032x}"'
            if span_id:
                record += f',"spanId":"{span_id:016x}"'
        return self._start + record.encode("ascii") + self._end


class SpanFact(NamedTuple):
    """A span that has ended."""

    name: str
    trace_id: int
    span_id: int
    parent_span_id: int
    kind: int
    """SpanKind of the protocol: 1 internal, 2 server, 3 client, 4 producer, 5 consumer."""
    start_ns: int
    end_ns: int
    attributes: Mapping[str, Any]
    flags: int = 1
    """W3C trace flags."""
    parent_is_remote: bool = False
    trace_state: str = ""
    failed: bool = False
    message: str = ""
    """Of the status, where it failed."""
    events: Iterable[tuple[str, int, Mapping[str, Any]]] = ()
    """Name, nanoseconds since the epoch, attributes."""
    base: str = ""
    """Further attributes, as `pairs_json` made them."""


class SpanLines:
    """Spans as lines; several spans stand in one request.

    Args:
        resource: Which service, host and worker.
        version: Version of the instrumentation scope.
        scope: Its name.
    """

    def __init__(
        self, resource: Mapping[str, Any], version: str = "", scope: str = names.ROOT
    ) -> None:
        start, end = envelope("Spans", resource, scope, version)
        self._start, self._end = start.encode("ascii"), end.encode("ascii")

    def line(self, spans: Iterable[SpanFact]) -> bytes:
        """One request with these spans, and the line's end."""
        return self.line_of(map(span_json, spans))

    def line_of(self, spans: Iterable[str]) -> bytes:
        """The same of what `span_json` made of them."""
        return self._start + ",".join(spans).encode("ascii") + self._end


def span_json(span: SpanFact) -> str:
    """A Span of the protocol."""
    flags = span.flags | _REMOTE_KNOWN | (_REMOTE if span.parent_is_remote else 0)
    pairs = pairs_json(span.attributes)
    if span.base:
        pairs = span.base + "," + pairs if pairs else span.base
    parts = [
        f'{{"traceId":"{span.trace_id:032x}","spanId":"{span.span_id:016x}","flags":{flags},'
        f'"name":{text_json(span.name)},"kind":{span.kind},"startTimeUnixNano":"{span.start_ns}",'
        f'"endTimeUnixNano":"{span.end_ns}","attributes":[{pairs}]'
    ]
    if span.parent_span_id:
        parts.append(f',"parentSpanId":"{span.parent_span_id:016x}"')
    if span.trace_state:
        parts.append(',"traceState":' + text_json(span.trace_state))
    if span.failed:
        message = ',"message":' + text_json(span.message) if span.message else ""
        parts.append(',"status":{"code":2' + message + "}")
    events = [
        f'{{"timeUnixNano":"{at}","name":{text_json(name)},"attributes":{attributes_json(about)}}}'
        for name, at, about in span.events
    ]
    if events:
        parts.append(',"events":[' + ",".join(events) + "]")
    return "".join(parts) + "}"
