"""A server on loopback that tools report to in place of their own, and keeps what they said.

It takes OTLP traces under any path that ends in `/v1/traces` and the create, update and batch
calls of Opik's REST interface, answers the requests that SDKs make to learn whether their key is
good, and takes everything else without a word.
"""

from __future__ import annotations

import gzip
import json
import threading
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self
from urllib.parse import urlsplit

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from exectrail.testing.sink import values

OK: Final = "ok"
UNSET: Final = "no status"
ERROR: Final = "error"
OPEN: Final = "open"

PENDING_PARENT: Final = "logfire.pending_parent_id"
_ROOT_SPAN: Final = "0" * 16
_STATUSES: Final = {Status.STATUS_CODE_OK: OK, Status.STATUS_CODE_ERROR: ERROR}
_GOOD_KEY: Final = {
    "project_name": "crash-peers",  # Logfire
    "project_url": "http://127.0.0.1",
    "token": "fake",  # AgentOps
    "project_id": "crash-peers",
    "version": "0",  # Opik
}


@dataclass(slots=True)
class Record:
    """What is known of a part of a run."""

    name: str
    parent: str
    """'' where it has none: the run itself."""
    state: str
    """One of `OK`, `UNSET`, `ERROR`, `OPEN`; or a word of the tool's own."""
    words: str = ""
    """Everything it says of its state: messages, exceptions, levels."""


@dataclass(slots=True)
class Heard:
    """All that was said, by id of the part."""

    records: dict[str, Record] = field(default_factory=dict[str, Record])
    requests: int = 0

    def spans(self, body: bytes) -> None:
        """Take OTLP.

        Raises:
            DecodeError: It is none.
        """
        request = ExportTraceServiceRequest.FromString(body)
        for group in request.resource_spans:
            for scope in group.scope_spans:
                for span in scope.spans:
                    self._span(span)

    def _span(self, span: Span) -> None:
        attributes = values(span.attributes)
        parent = span.parent_span_id.hex()
        if PENDING_PARENT in attributes:
            above = str(attributes[PENDING_PARENT])
            above = "" if above == _ROOT_SPAN else above
            self.records.setdefault(parent, Record(span.name, above, OPEN))
            return
        words = [span.status.message]
        for event in span.events:
            told = values(event.attributes)
            words += [str(told[name]) for name in _EXCEPTION if name in told]
        words += [f"{name}={attributes[name]}" for name in _LEVELS if name in attributes]
        state = _STATUSES.get(span.status.code, UNSET)
        name = str(attributes.get(_ENTITY, span.name)) if span.name == _NODE else span.name
        self.records[span.span_id.hex()] = Record(
            name, parent, state, " ".join(filter(None, words))
        )

    def opik(self, path: str, said: Mapping[str, Any]) -> None:
        """Take a trace, a span, a batch of them, or an update, as Opik's SDK sends them."""
        kind = "traces" if "/traces" in path else "spans"
        many: list[dict[str, Any]] = said.get(kind) or [dict(said)]
        for each in many:
            given = str(each.get("id") or path.rpartition("/")[2])
            parent = "" if kind == "traces" else each.get("parent_span_id") or each.get("trace_id")
            record = self.records.setdefault(given, Record("", str(parent or ""), OPEN))
            record.name = str(each.get("name") or record.name)
            error = each.get("error_info") or {}
            if error:
                record.state = ERROR
                record.words = " ".join(str(value) for value in error.values())
            elif each.get("end_time") and record.state == OPEN:
                record.state = UNSET


_NODE: Final = "langgraph.node.execute"
"""How AgentOps names all spans of steps; which step it is stands in the attribute below."""
_ENTITY: Final = "agentops.entity.name"
_EXCEPTION: Final = ("exception.type", "exception.message")
_LEVELS: Final = ("langfuse.observation.level", "langfuse.observation.status_message")


class PeerSink:
    """The server; a context manager. It listens on a free port of 127.0.0.1."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._heard = Heard()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.sink = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    @property
    def url(self) -> str:
        """Where to send to."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def records(self) -> list[Record]:
        """What is known by now."""
        with self._lock:
            return list(self._heard.records.values())

    def take(self, path: str, body: bytes) -> None:
        """Keep a request.

        Raises:
            DecodeError: OTLP that is none.
            ValueError: JSON that is none.
        """
        with self._lock:
            self._heard.requests += 1
            if path.endswith("/v1/traces"):
                self._heard.spans(body)
            elif "/v1/private/traces" in path or "/v1/private/spans" in path:
                self._heard.opik(path, json.loads(body))


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    sink: PeerSink


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server  # pyright: ignore[reportIncompatibleVariableOverride]  it is always this one

    def do_GET(self) -> None:
        self._answer(200, json.dumps(_GOOD_KEY).encode(), "application/json")

    def do_POST(self) -> None:
        path = urlsplit(self.path).path
        body = self._body()
        try:
            match self.headers.get("Content-Encoding", ""):
                case "gzip":
                    body = gzip.decompress(body)
                case "deflate":
                    body = zlib.decompress(body)
                case _:
                    pass
            self.server.sink.take(path, body)
        except (DecodeError, ValueError, OSError, zlib.error):
            self._answer(400)
            return
        if path.endswith("/v1/traces"):
            self._answer(
                200, ExportTraceServiceResponse().SerializeToString(), "application/x-protobuf"
            )
        elif "/v1/private/" in path:
            self._answer(204)
        else:
            self._answer(200, json.dumps(_GOOD_KEY).encode(), "application/json")

    do_PUT = do_PATCH = do_POST  # noqa: N815  as http.server calls them

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts: list[bytes] = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _answer(self, status: int, body: bytes = b"", kind: str = "") -> None:
        self.send_response(status)
        if kind:
            self.send_header("Content-Type", kind)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  as in http.server
        """Say nothing."""
