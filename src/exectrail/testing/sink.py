"""A receiver of OTLP over HTTP on loopback that keeps what it is sent, and can be made to fail.

with Sink() as sink:
    ...  # a program with OTEL_EXPORTER_OTLP_ENDPOINT=sink.url
    sink.wait_for(lambda: any(log.name == names.EVENT_WORKER_EXITED for log in sink.logs))
"""

from __future__ import annotations

import gzip
import threading
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from google.protobuf.json_format import ParseError
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from exectrail.spool.destination import JSON
from exectrail.spool.protobuf import to_protobuf


class Answer(Enum):
    """What the sink does with a request."""

    OK = "ok"
    """Takes it."""
    UNAVAILABLE = "unavailable"
    """Status 503: come again."""
    BAD_REQUEST = "bad request"
    """Status 400: never come again."""
    GARBAGE = "garbage"
    """Bytes that are no HTTP."""
    DROP = "drop"
    """Closes the connection."""
    HANG = "hang"
    """Says nothing until `Sink.let_go`, and takes it then; or until the sink closes."""


@dataclass(frozen=True, slots=True)
class SentSpan:
    """A span as it was sent."""

    name: str
    attributes: Mapping[str, Any]
    resource: Mapping[str, Any]
    span: Span
    """The message itself: ids, times, status, events."""


@dataclass(frozen=True, slots=True)
class SentLog:
    """A log record as it was sent."""

    name: str
    attributes: Mapping[str, Any]
    resource: Mapping[str, Any]
    record: LogRecord
    """The message itself: time, severity, trace and span id."""


@dataclass(frozen=True, slots=True)
class SentMetric:
    """A metric as it was sent."""

    name: str
    resource: Mapping[str, Any]
    metric: Metric
    """The message itself: its data points."""


class Sink:
    """The receiver; a context manager. It listens on a free port of 127.0.0.1."""

    def __init__(self) -> None:
        self.spans: list[SentSpan] = []
        self.logs: list[SentLog] = []
        self.metrics: list[SentMetric] = []
        self.requests = 0
        """How many came, whatever they were answered."""
        self.answer = Answer.OK
        self._closing = threading.Event()
        self._going = threading.Event()
        self._news = threading.Condition()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.sink = self
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), name="sink", daemon=True
        )

    @property
    def url(self) -> str:
        """Its address, for OTEL_EXPORTER_OTLP_ENDPOINT. Once closed, connections are refused."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def start(self) -> Self:
        """Listen."""
        self._thread.start()
        return self

    def close(self) -> None:
        """Stop listening; requests that hang are let go."""
        self._closing.set()
        self._going.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_error: object) -> None:
        self.close()

    def wait_for(self, predicate: Callable[[], bool], timeout: float = 20.0) -> None:
        """Wait until something is so; looked at whenever a request came.

        Args:
            predicate: Whether it is.
            timeout: Seconds to wait, at most.

        Raises:
            TimeoutError: It was never so; says what came.
        """
        with self._news:
            if not self._news.wait_for(predicate, timeout):
                raise TimeoutError(
                    f"not in {timeout} s; {self.requests} requests came with spans "
                    f"{[span.name for span in self.spans]} and events "
                    f"{[log.name for log in self.logs]}"
                )

    def came(self) -> None:
        """A request came."""
        with self._news:
            self.requests += 1
            self._news.notify_all()

    def take(self, path: str, body: bytes) -> None:
        """Keep a request.

        Raises:
            DecodeError: It is no OTLP.
        """
        with self._news:
            self._keep(path, body)
            self._news.notify_all()

    def _keep(self, path: str, body: bytes) -> None:
        if path == "/v1/traces":
            request = ExportTraceServiceRequest.FromString(body)
            for group in request.resource_spans:
                resource = values(group.resource.attributes)
                self.spans += [
                    SentSpan(span.name, values(span.attributes), resource, span)
                    for scope in group.scope_spans
                    for span in scope.spans
                ]
        elif path == "/v1/logs":
            request = ExportLogsServiceRequest.FromString(body)
            for group in request.resource_logs:
                resource = values(group.resource.attributes)
                self.logs += [
                    SentLog(record.event_name, values(record.attributes), resource, record)
                    for scope in group.scope_logs
                    for record in scope.log_records
                ]
        elif path == "/v1/metrics":
            request = ExportMetricsServiceRequest.FromString(body)
            for group in request.resource_metrics:
                resource = values(group.resource.attributes)
                self.metrics += [
                    SentMetric(metric.name, resource, metric)
                    for scope in group.scope_metrics
                    for metric in scope.metrics
                ]

    def let_go(self) -> None:
        """Take what hangs, and whatever comes from now on."""
        self.answer = Answer.OK
        self._going.set()

    def hang(self) -> bool:
        """Wait until what hangs is let go; False where the sink closes instead."""
        self._going.wait()
        return not self._closing.is_set()


def values(attributes: Any) -> dict[str, Any]:
    """Attributes of an OTLP message as a dictionary."""
    pairs: list[KeyValue] = list(attributes)
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "array_value":
        return [_value(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return values(value.kvlist_value.values)
    return getattr(value, kind)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    sink: Sink


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server  # pyright: ignore[reportIncompatibleVariableOverride]  it is always this one

    def do_POST(self) -> None:
        sink = self.server.sink
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        sink.came()
        match sink.answer:
            case Answer.OK:
                self._take(body)
            case Answer.UNAVAILABLE:
                self._answer(503)
            case Answer.BAD_REQUEST:
                self._answer(400)
            case Answer.GARBAGE:
                self.wfile.write(b"\x00\xffnot http at all\r\n\r\n" * 8)
                self.close_connection = True
            case Answer.DROP:
                self.close_connection = True
            case Answer.HANG:
                if sink.hang():
                    self._take(body)
                else:
                    self.close_connection = True

    def _take(self, body: bytes) -> None:
        encoding = self.headers.get("Content-Encoding", "")
        try:
            if encoding == "gzip":
                body = gzip.decompress(body)
            elif encoding == "deflate":
                body = zlib.decompress(body)
            if self.headers.get("Content-Type", "").startswith(JSON):
                body = to_protobuf(self.path.rpartition("/")[2], body)
            self.server.sink.take(self.path, body)
        except (DecodeError, ParseError, ValueError, OSError, zlib.error):
            self._answer(400)
        else:
            self._answer(200)

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Type", self.headers.get("Content-Type", JSON))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  as in http.server
        """Say nothing."""
