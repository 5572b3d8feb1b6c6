"""What the embedded receiver takes: real OTLP over HTTP, to a stack whose process has one core.

The requests are of the same data as the rest of the benchmark: a few are encoded before the clock
starts, and each that is sent is one of them with other ids, so that none is known to the receiver
already. Senders share the other cores. What has been answered is in the store.
"""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from storage_load import Loader
from storage_store import Store

from exectrail.conventions import names
from exectrail.receiver.state import State, read_state
from exectrail.storage.client import connect

BATCHES: Final = (512, 4096)
"""Spans or log records of a request: as the SDKs send them, and as a collector does."""
SENDERS: Final = 4
TEMPLATES: Final = 4
MADE: Final = 2000
"""Runs that requests are made of: enough for all of them to be full."""
MARK: Final = "c0ffee"
"""Ends every id of an encoded request; what is sent has a number there."""
PATIENCE: Final = 60.0
"""Seconds that the stack has to start or to stop."""


@dataclass(frozen=True, slots=True)
class Received:
    """What was taken.

    Attributes:
        signal: traces or logs.
        batch: Rows of a request.
        rows: Spans or log records that were answered.
        stored: How many of them the store has afterwards.
        seconds: From the first request to the last answer.
        cpu_s: Of the stack's process, meanwhile.
        megabytes: That were sent.
        cores: That the stack's process had.
    """

    signal: str
    batch: int
    rows: int
    stored: int
    seconds: float
    cpu_s: float
    megabytes: float
    cores: int

    @property
    def rate(self) -> float:
        """Rows per second."""
        return self.rows / self.seconds


def measure(maker: Store, loader: Loader, rows: int) -> list[Received]:
    """Send spans, then log records, each to a stack of its own.

    Args:
        maker: Reads what the loader makes.
        loader: Makes it.
        rows: How many to send of each.
    """
    loader.make(0, min(MADE, loader.shape.runs))
    spans, events = (maker.rows(_few(staged)) for staged in ("spans", "events"))
    return [
        _measure(signal, batch, table, encode(staged, batch), rows // batch)
        for signal, table, encode, staged in (
            ("traces", "otel_traces", traces, spans),
            ("logs", "otel_logs", logs, events),
        )
        for batch in BATCHES
    ]


def _few(staged: str) -> str:
    return (
        "SELECT * REPLACE (toUnixTimestamp64Nano(Timestamp) AS Timestamp)"
        f" FROM bench.{staged} LIMIT {max(BATCHES) * TEMPLATES}"
    )


# -- requests --------------------------------------------------------------------------------------


def traces(rows: Sequence[dict[str, Any]], size: int) -> list[bytes]:
    """Spans of the staged shape as requests of a size."""
    bodies: list[bytes] = []
    for batch in _batches(rows, size):
        request = ExportTraceServiceRequest()
        for row, fresh in _by_resource(batch):
            if fresh:
                scope = request.resource_spans.add()
                _attributes(scope.resource.attributes, row["ResourceAttributes"])
                scoped = scope.scope_spans.add()
                scoped.scope.name = row["ScopeName"]
            scoped = request.resource_spans[-1].scope_spans[-1]
            called = row["SpanKind"] == "Client"
            span = scoped.spans.add(
                trace_id=bytes.fromhex(row["TraceId"][:-6] + MARK),
                span_id=_span_id(row["SpanId"]),
                parent_span_id=_span_id(row["ParentSpanId"]),
                name=row["SpanName"],
                kind=Span.SPAN_KIND_CLIENT if called else Span.SPAN_KIND_INTERNAL,
                start_time_unix_nano=int(row["Timestamp"]),
                end_time_unix_nano=int(row["Timestamp"]) + int(row["Duration"]),
            )
            if row["StatusCode"] == "Error":
                span.status.CopyFrom(
                    Status(code=Status.STATUS_CODE_ERROR, message=row["StatusMessage"])
                )
            _attributes(span.attributes, row["SpanAttributes"])
        bodies.append(request.SerializeToString())
    return bodies


def logs(rows: Sequence[dict[str, Any]], size: int) -> list[bytes]:
    """Events of the staged shape as requests of a size."""
    bodies: list[bytes] = []
    for batch in _batches(rows, size):
        request = ExportLogsServiceRequest()
        for row, fresh in _by_resource(batch):
            if fresh:
                scope = request.resource_logs.add()
                _attributes(scope.resource.attributes, row["ResourceAttributes"])
                scope.scope_logs.add().scope.name = row["ScopeName"]
            record = (
                request.resource_logs[-1]
                .scope_logs[-1]
                .log_records.add(
                    time_unix_nano=int(row["Timestamp"]),
                    severity_number=row["SeverityNumber"],
                    severity_text=row["SeverityText"],
                    event_name=row["EventName"],
                    trace_id=bytes.fromhex(row["TraceId"] and row["TraceId"][:-6] + MARK),
                    span_id=_span_id(row["SpanId"]),
                )
            )
            _attributes(record.attributes, row["LogAttributes"])
        bodies.append(request.SerializeToString())
    return bodies


def numbered(body: bytes, number: int) -> bytes:
    """A request with other ids, those in texts and those in bytes."""
    mark = f"{number:06x}"
    return body.replace(MARK.encode(), mark.encode()).replace(
        bytes.fromhex(MARK), bytes.fromhex(mark)
    )


def _batches(rows: Sequence[dict[str, Any]], size: int) -> Generator[list[dict[str, Any]]]:
    """At most some full ones; where rows are few, what there is."""
    full = range(0, max(len(rows) - size, 0) + 1, size)
    for first in full[:TEMPLATES]:
        yield sorted(rows[first : first + size], key=_worker)


def _worker(row: dict[str, Any]) -> str:
    return row["ResourceAttributes"][names.WORKER_ID]


def _by_resource(rows: Sequence[dict[str, Any]]) -> Generator[tuple[dict[str, Any], bool]]:
    for before, row in zip([None, *rows], rows, strict=False):
        yield row, before is None or _worker(row) != _worker(before)


def _attributes(into: Any, pairs: dict[str, str]) -> None:
    for key, value in pairs.items():
        marked = value[:-6] + MARK if _is_id(value) else value
        into.append(KeyValue(key=key, value=AnyValue(string_value=marked)))


def _span_id(text: str) -> bytes:
    """Of 16 hex digits, of which the data leaves zeros out in front; nothing for none."""
    return bytes.fromhex(text.rjust(16, "0")) if text else b""


def _is_id(value: str) -> bool:
    return len(value) == 36 and value[14] == "7" and value[8] == value[13] == "-"


# -- the stack, and senders ------------------------------------------------------------------------


@contextmanager
def _cores(*, last: bool) -> Generator[int]:
    """What is started within has the last core, or the others; where systems know of cores."""
    if not hasattr(os, "sched_setaffinity"):
        yield os.cpu_count() or 1
        return
    before = os.sched_getaffinity(0)
    chosen = {max(before)} if last or len(before) == 1 else before - {max(before)}
    os.sched_setaffinity(0, chosen)
    try:
        yield len(chosen)
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def _stack(folder: Path) -> Generator[tuple[State, int]]:
    command = [sys.executable, "-m", "exectrail", "up", "--path", str(folder)]
    with _cores(last=True) as cores:
        process = subprocess.Popen(
            [*command, "--otlp-port", "0", "--clickhouse-port", "0"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    try:
        deadline = time.monotonic() + PATIENCE
        while (state := read_state(folder)) is None:
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit("The embedded stack did not start; try `exectrail up`.")
            time.sleep(0.05)
        yield state, cores
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _measure(
    signal: str, batch: int, table: str, bodies: Sequence[bytes], requests: int
) -> Received:
    with tempfile.TemporaryDirectory() as folder, _stack(Path(folder)) as (state, cores):
        target = urlsplit(f"{state.otlp_endpoint}/v1/{signal}")
        with connect(state.clickhouse_url) as client:
            count_rows = f"SELECT count() AS rows FROM {table}"
            _send(target.netloc, target.path, bodies, range(0xF00000, 0xF00000 + SENDERS))
            [before] = client.query(count_rows)
            cpu, began = _cpu_s(state.pid), time.perf_counter()
            numbers = range(0x100000, 0x100000 + requests)
            sent = _send(target.netloc, target.path, bodies, numbers)
            seconds, used = time.perf_counter() - began, _cpu_s(state.pid) - cpu
            [after] = client.query(count_rows)
        stored = after["rows"] - before["rows"]
        return Received(signal, batch, requests * batch, stored, seconds, used, sent / 1e6, cores)


def _send(host: str, path: str, bodies: Sequence[bytes], numbers: range) -> int:
    """Send requests from some threads; the bytes that were sent."""
    turns = count()
    lock = threading.Lock()
    sent: list[int] = []
    failed: list[str] = []

    def work() -> None:
        connection = http.client.HTTPConnection(host, timeout=PATIENCE)
        while not failed:
            with lock:
                turn = next(turns)
            if turn >= len(numbers):
                break
            body = numbered(bodies[turn % len(bodies)], numbers[turn])
            connection.request("POST", path, body, {"Content-Type": "application/x-protobuf"})
            answer = connection.getresponse()
            said = answer.read()
            if answer.status != 200:
                failed.append(f"{answer.status} {said[:200]!r}")
            sent.append(len(body))
        connection.close()

    with _cores(last=False), ThreadPoolExecutor(SENDERS) as pool:
        for done in [pool.submit(work) for _ in range(SENDERS)]:
            done.result()
    if failed:
        raise SystemExit(f"The receiver answered {failed[0]}")
    return sum(sent)


def _cpu_s(pid: int) -> float:
    """CPU seconds of a process, where /proc tells them; else 0."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
