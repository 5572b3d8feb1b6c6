"""OTLP/HTTP: what a request says, and what it is answered.

Follows https://opentelemetry.io/docs/specs/otlp/: binary protobuf and JSON, partial success, errors
as google.rpc.Status in the encoding of the request.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, TypeVar

from google.protobuf.json_format import MessageToJson, ParseDict, ParseError
from google.protobuf.message import DecodeError, Message
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from exectrail.receiver.batch import Batch
from exectrail.receiver.lenient import parse_leniently
from exectrail.receiver.limits import RequestError, check_json, check_protobuf
from exectrail.receiver.logs import log_rows
from exectrail.receiver.metrics import metric_rows
from exectrail.receiver.traces import trace_rows

PROTOBUF: Final = "application/x-protobuf"
JSON: Final = "application/json"

M = TypeVar("M", bound=Message)

# google.rpc.Code
_INVALID_ARGUMENT: Final = 3
_DEADLINE_EXCEEDED: Final = 4
_PERMISSION_DENIED: Final = 7
_RESOURCE_EXHAUSTED: Final = 8
_UNIMPLEMENTED: Final = 12
_INTERNAL: Final = 13
_UNAVAILABLE: Final = 14
_UNAUTHENTICATED: Final = 16
_CODES: Final = {
    400: _INVALID_ARGUMENT,
    401: _UNAUTHENTICATED,
    403: _PERMISSION_DENIED,
    408: _DEADLINE_EXCEEDED,
    413: _RESOURCE_EXHAUSTED,
    415: _UNIMPLEMENTED,
    431: _RESOURCE_EXHAUSTED,
    500: _INTERNAL,
    503: _UNAVAILABLE,
}
_HALF_PAIR: Final = re.compile(rb"\\u[dD][89a-fA-F]")
"""Also finds whole pairs."""
# JSON of OTLP has ids in hex where protobuf's JSON has bytes in base64.
_IDS: Final = frozenset(
    {"traceId", "spanId", "parentSpanId", "trace_id", "span_id", "parent_span_id"}
)


class Signal(Enum):
    """What a request carries. The value is the path below /v1/."""

    TRACES = "traces"
    LOGS = "logs"
    METRICS = "metrics"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer.

    Attributes:
        status: HTTP status.
        body: The body.
        content_type: Its type.
    """

    status: int
    body: bytes
    content_type: str


def media_type(content_type: str) -> str:
    """The encoding that a Content-Type names.

    Raises:
        RequestError: 415, it is neither protobuf nor JSON.
    """
    name = content_type.partition(";")[0].strip().lower()
    if name in (PROTOBUF, JSON):
        return name
    raise RequestError(
        415, f"Content-Type {name[:80]!r} is not offered; send {PROTOBUF} or {JSON}."
    )


def read_rows(signal: Signal, media: str, body: bytes) -> Batch:
    """The rows of a request.

    Args:
        signal: What it carries.
        media: `PROTOBUF` or `JSON`.
        body: The body, plain.

    Raises:
        RequestError: 400, the body is not what it should be; 413, there is more in it than a
            request may hold.
    """
    if media == PROTOBUF:
        check_protobuf(body, points=signal is Signal.METRICS)
    else:
        check_json(body)
    if signal is Signal.TRACES:
        return trace_rows(_message(ExportTraceServiceRequest(), media, body))
    if signal is Signal.LOGS:
        return log_rows(_message(ExportLogsServiceRequest(), media, body))
    return metric_rows(_message(ExportMetricsServiceRequest(), media, body))


def accepted(signal: Signal, media: str, batch: Batch) -> Answer:
    """The answer to a request whose rows are stored, those that were left out told."""
    if signal is Signal.TRACES:
        response = ExportTraceServiceResponse()
        if batch.rejected:
            response.partial_success.rejected_spans = batch.rejected
            response.partial_success.error_message = batch.reason
    elif signal is Signal.LOGS:
        response = ExportLogsServiceResponse()
        if batch.rejected:
            response.partial_success.rejected_log_records = batch.rejected
            response.partial_success.error_message = batch.reason
    else:
        response = ExportMetricsServiceResponse()
        if batch.rejected:
            response.partial_success.rejected_data_points = batch.rejected
            response.partial_success.error_message = batch.reason
    return Answer(200, _encode(response, media), media)


def refused(error: RequestError, media: str) -> Answer:
    """The answer to a request that was not taken."""
    # The text may quote what came.
    text = str(error).encode("utf-8", "replace").decode()
    status = Status(code=_CODES.get(error.status, _INTERNAL), message=text)
    return Answer(error.status, _encode(status, media), media)


def _encode(message: Message, media: str) -> bytes:
    if media == JSON:
        return MessageToJson(message, indent=None).encode()
    return message.SerializeToString()


def _message(message: M, media: str, body: bytes) -> M:
    try:
        if media == PROTOBUF:
            return _from_protobuf(message, body)
        ParseDict(_with_bytes(_json(body)), message, ignore_unknown_fields=True)
    except (DecodeError, ParseError, ValueError, TypeError, RecursionError) as error:
        kind = type(message).__name__
        raise RequestError(400, f"The body is not {kind} in {media}: {error}"[:1000]) from error
    return message


def _from_protobuf(message: M, body: bytes) -> M:
    try:
        message.ParseFromString(body)
    except DecodeError:
        return parse_leniently(type(message), body)
    return message


def _json(body: bytes) -> Any:
    """The JSON of a body, whose texts are all text.

    An escape that is half of a pair of UTF-16 is no sign. Programs in JavaScript send such; as in
    the collector U+FFFD stands for it.
    """
    value = json.loads(body)
    if not _HALF_PAIR.search(body):
        return value
    whole = json.dumps(value, ensure_ascii=False).encode("utf-16-le", "surrogatepass")
    return json.loads(whole.decode("utf-16-le", "replace"))


def _with_bytes(value: Any) -> Any:
    """The same JSON with ids in base64.

    Raises:
        ValueError: An id is not hex.
    """
    if isinstance(value, list):
        return [_with_bytes(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _hex_to_base64(key, item) if key in _IDS else _with_bytes(item)
        for key, item in value.items()
    }


def _hex_to_base64(key: str, text: Any) -> str:
    try:
        return base64.b64encode(bytes.fromhex(text)).decode()
    except (ValueError, TypeError) as error:
        raise ValueError(f"{key} must be text in hex") from error
