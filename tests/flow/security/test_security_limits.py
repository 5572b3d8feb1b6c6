"""Bodies that are more than they seem: each is refused in words, and the stack goes on."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import struct
import time
import uuid
import zlib
from urllib.parse import urlsplit

import lz4.frame
import pytest
import zstandard
from clickhouse_cityhash.cityhash import CityHash128
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
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from exectrail.receiver.limits import MAX_ATTRIBUTES, MAX_BODY, MAX_ITEMS

from .conftest import Answer, ask

pytestmark = pytest.mark.slow

PROTOBUF = "application/x-protobuf"
ENCODERS = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "lz4": lz4.frame.compress,
    "zstd": zstandard.ZstdCompressor(level=19).compress,
}


def send(
    stack, signal: str, body: bytes, content_type: str = PROTOBUF, encoding: str = ""
) -> Answer:
    headers = {"Content-Type": content_type}
    if encoding:
        headers["Content-Encoding"] = encoding
    return ask(stack.otlp_endpoint, body, headers, path=f"/v1/{signal}")


def said(answer: Answer) -> str:
    return Status.FromString(answer.body).message


def nested(field: int, body: bytes) -> bytes:
    size, length = len(body), b""
    while size > 127:
        length += bytes([size & 127 | 128])
        size >>= 7
    return bytes([field << 3 | 2]) + length + bytes([size]) + body


@pytest.fixture(autouse=True)
def _it_goes_on(stack):
    yield
    assert ask(stack.clickhouse_url, b"SELECT 1").body == b"1\n"
    assert send(stack, "logs", b"").status == 200


@pytest.mark.parametrize("encoding", ENCODERS)
def test_a_bomb_is_not_inflated(stack, encoding: str):
    bomb = ENCODERS[encoding](bytes(MAX_BODY + 1))
    assert len(bomb) < 1 << 20

    telemetry = send(stack, "traces", bomb, encoding=encoding)
    bomb = ENCODERS[encoding](bytes((256 << 20) + 1))
    question = ask(stack.clickhouse_url, bomb, {"Content-Encoding": encoding})

    assert (telemetry.status, str(MAX_BODY) in said(telemetry)) == (413, True)
    assert (question.status, question.code) == (413, "1003")


@pytest.mark.parametrize("encoding", ENCODERS)
def test_a_bomb_within_bombs_is_not_inflated(stack, encoding: str):
    encode = ENCODERS[encoding]
    bomb = encode(encode(encode(bytes(MAX_BODY + 1))))

    assert send(stack, "traces", bomb, encoding=", ".join([encoding] * 3)).status == 413
    many = send(stack, "traces", bomb, encoding=",".join([encoding] * 5000))
    assert (many.status, "5000" in said(many)) == (415, True)


@pytest.mark.parametrize("encoding", ENCODERS)
def test_members_without_end_are_refused_soon(stack, encoding: str):
    body = ENCODERS[encoding](b"") * 400_000
    began = time.monotonic()

    answer = send(stack, "traces", body, encoding=encoding)

    # A zlib stream has one member; what follows is none.
    assert answer.status == 400
    assert time.monotonic() - began < 20


@pytest.mark.parametrize("encoding", ["gzip", "lz4", "zstd"])
def test_some_members_are_one_body(stack, encoding: str):
    encode = ENCODERS[encoding]
    body = json.dumps({"resourceLogs": []}).encode()
    parts = b"".join(encode(body[at : at + 1]) for at in range(len(body)))

    assert send(stack, "logs", parts, "application/json", encoding).status == 200
    assert send(stack, "logs", parts[:-1], "application/json", encoding).status == 400


def test_a_zstd_frame_that_asks_for_memory_is_refused(stack):
    magic = bytes.fromhex("28b52ffd")
    # RFC 8878: a window of 2 GiB; a content of 1 TiB.
    window = magic + bytes([0x00, 0xA8]) + b"\x01\x00\x00"
    content = magic + bytes([0xE0]) + struct.pack("<Q", 1 << 40) + b"\x01\x00\x00"

    for body in (window, content):
        assert send(stack, "traces", body, encoding="zstd").status in (400, 413)
        header = struct.pack("<BII", 0x90, len(body) + 9, 100)
        value = CityHash128(header + body)
        checksum = struct.pack("<QQ", value >> 64, value & ((1 << 64) - 1))
        framed = checksum + header + body
        assert ask(stack.clickhouse_url, framed, decompress="1").code == "271"


def test_more_items_than_a_request_may_have_are_refused_before_they_are_decoded(stack):
    many = b"\x12\x00" * (MAX_ITEMS + 1)
    # A body of this size is counted first, a smaller one is decoded first.
    padding = nested(1, b"") * (1 << 19)
    metric = nested(2, nested(5, b"\x0a\x00" * (MAX_ITEMS + 1)))
    for signal, body in (
        ("traces", nested(1, nested(2, many))),
        ("traces", nested(1, nested(2, many)) + padding),
        ("logs", nested(1, nested(2, many)) + padding),
        ("metrics", nested(1, nested(2, metric))),
        ("metrics", nested(1, nested(2, metric)) + padding),
        ("traces", nested(1, nested(2, nested(2, b"\x5a\x00" * (MAX_ITEMS + 1))))),
        ("traces", nested(1, nested(2, nested(2, b"\x6a\x00" * (MAX_ITEMS + 1))))),
    ):
        answer = send(stack, signal, body)
        assert (answer.status, str(MAX_ITEMS) in said(answer)) == (413, True), signal


def test_the_largest_body_of_empty_spans_is_refused_soon(stack):
    body = nested(1, nested(2, b"\x12\x00" * (30 << 20)))
    began = time.monotonic()

    assert send(stack, "traces", body).status == 413
    assert time.monotonic() - began < 20


def test_json_of_too_many_objects_is_refused(stack):
    body = b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[' + b"{}," * 4_000_000 + b"{}]}]}]}"
    answer = send(stack, "logs", body, "application/json")

    assert (answer.status, "objects" in json.loads(answer.body)["message"]) == (413, True)


def test_a_large_resource_over_many_rows_is_refused(stack):
    large = "x" * (4 << 20)
    attribute = KeyValue(key="k", value=AnyValue(string_value=large))
    traces, logs, metrics = (
        ExportTraceServiceRequest(),
        ExportLogsServiceRequest(),
        ExportMetricsServiceRequest(),
    )
    spans = traces.resource_spans.add()
    spans.resource.attributes.append(attribute)
    group = spans.scope_spans.add()
    records = logs.resource_logs.add()
    records.resource.attributes.append(attribute)
    entries = records.scope_logs.add()
    points = metrics.resource_metrics.add()
    metric = points.scope_metrics.add().metrics.add(name="m", description=large)
    for _ in range(100):
        group.spans.add()
        entries.log_records.add()
        metric.gauge.data_points.add(as_int=1)

    for signal, request in (("traces", traces), ("logs", logs), ("metrics", metrics)):
        answer = send(stack, signal, request.SerializeToString())
        assert (answer.status, "smaller batches" in said(answer)) == (413, True)


def attributes(count: int) -> list[KeyValue]:
    return [KeyValue(key=f"k{i}", value=AnyValue(int_value=i)) for i in range(count)]


def test_what_has_too_many_attributes_is_left_out_and_counted(stack):
    service = f"many-{uuid.uuid4()}"
    most, over = attributes(MAX_ATTRIBUTES), attributes(MAX_ATTRIBUTES + 1)
    named = KeyValue(key="service.name", value=AnyValue(string_value=service))
    traces, logs = ExportTraceServiceRequest(), ExportLogsServiceRequest()
    metrics = ExportMetricsServiceRequest()
    first = traces.resource_spans.add()
    first.resource.attributes.append(named)
    spans = first.scope_spans.add().spans
    spans.add(name="kept", attributes=most)
    spans.add(name="left out", attributes=over)
    spans.add(name="left out").events.add(attributes=over)
    spans.add(name="left out").links.add(attributes=over)
    second = traces.resource_spans.add()
    second.resource.attributes.extend([named, *over])
    second.scope_spans.add().spans.add(name="left out")
    records = logs.resource_logs.add()
    records.resource.attributes.append(named)
    group = records.scope_logs.add()
    group.log_records.add(event_name="kept", attributes=most)
    group.log_records.add(event_name="left out", attributes=over)
    group = records.scope_logs.add()
    group.scope.attributes.extend(over)
    group.log_records.add(event_name="left out")
    points = metrics.resource_metrics.add()
    points.resource.attributes.append(named)
    gauge = points.scope_metrics.add().metrics.add(name="m").gauge
    gauge.data_points.add(as_int=1, attributes=most)
    gauge.data_points.add(as_int=2, attributes=over)
    gauge.data_points.add(as_int=3).exemplars.add(filtered_attributes=over)

    sent = [
        send(stack, signal, request.SerializeToString())
        for signal, request in (("traces", traces), ("logs", logs), ("metrics", metrics))
    ]

    assert [answer.status for answer in sent] == [200, 200, 200]
    partial = ExportTraceServiceResponse.FromString(sent[0].body).partial_success
    assert (partial.rejected_spans, "a Span has 16385 attributes" in partial.error_message) == (
        4,
        True,
    )
    partial = ExportLogsServiceResponse.FromString(sent[1].body).partial_success
    assert partial.rejected_log_records == 2
    partial = ExportMetricsServiceResponse.FromString(sent[2].body).partial_success
    assert partial.rejected_data_points == 2
    for sql, rows in (
        ("SELECT SpanName, length(SpanAttributes) FROM otel_traces", "kept\t16384\n"),
        ("SELECT EventName, length(LogAttributes) FROM otel_logs", "kept\t16384\n"),
        ("SELECT Value, length(Attributes) FROM otel_metrics_gauge", "1\t16384\n"),
    ):
        where = f" WHERE ServiceName = '{service}' ORDER BY 1"
        assert ask(stack.clickhouse_url, (sql + where).encode()).body.decode() == rows


@pytest.mark.parametrize("levels", [47, 48, 2000, 10_000])
def test_values_may_be_nested_47_levels_deep(stack, levels: int):
    service = f"deep-{uuid.uuid4()}"
    value = nested(1, b"bottom")
    for _ in range(levels):
        value = nested(5, nested(1, value))
    named = nested(9, nested(1, b"k") + nested(2, value))
    resource = nested(1, nested(1, b"service.name") + nested(2, nested(1, service.encode())))
    body = nested(1, nested(1, resource) + nested(2, nested(2, named)))
    text = '{"stringValue":"bottom"}'
    text = '{"arrayValue":{"values":[' * levels + text + "]}}" * levels
    as_json = (
        '{"resourceSpans":[{"scopeSpans":[{"spans":[{"attributes":[{"key":"k","value":'
        f"{text}}}]}}]}}]}}]}}"
    )

    answer = send(stack, "traces", body)
    in_json = send(stack, "traces", as_json.encode(), "application/json")

    if levels == 47:
        found = ask(
            stack.clickhouse_url,
            f"SELECT SpanAttributes['k'] FROM otel_traces WHERE ServiceName = '{service}'".encode(),
        )
        assert found.body.decode() == "[" * 47 + '"bottom"' + "]" * 47 + "\n"
    assert (answer.status, in_json.status) == ((200, 400)[levels > 47], (200, 400)[levels > 47])


@pytest.mark.parametrize("place", ["header", "many headers", "path", "query"])
def test_heads_have_a_limit(stack, place: str):
    for url, size in ((stack.otlp_endpoint, 1 << 16), (stack.clickhouse_url, 1 << 20)):
        answers: list[Answer] = []
        for length in (size // 2, size + 100):
            headers = {"X-Large": "x" * length} if place == "header" else {}
            if place == "many headers":
                headers = {f"X-Large-{i}": "x" * (length // 50) for i in range(50)}
            path = {"path": "/" + "x" * length, "query": "/?a=" + "x" * length}.get(place, "/")
            answers.append(ask(url, headers=headers, method="GET", path=path))
        fits, over = answers
        assert fits.status == (404 if place == "path" else 200)
        # The first is told in words; where the head comes in pieces, the server ends it sooner.
        assert over.status in (431, 400)
        assert over.status == 400 or str(size).encode() in over.body


def test_a_head_without_an_end_is_not_waited_for(stack):
    for url, size in ((stack.otlp_endpoint, 1 << 16), (stack.clickhouse_url, 1 << 20)):
        address = urlsplit(url)
        with socket.create_connection((address.hostname, address.port), timeout=30) as opened:
            with contextlib.suppress(ConnectionError):
                opened.sendall(b"GET / HTTP/1.1\r\n")
                for _ in range(size // 100 * 4):
                    opened.sendall(b"X: " + b"x" * 100 + b"\r\n")
            with contextlib.suppress(ConnectionError):
                assert opened.recv(100).startswith(b"HTTP/1.1 400 ")


def test_the_rows_of_a_result_have_a_limit(stack):
    answer = ask(stack.clickhouse_url, b"SELECT number FROM numbers(1000)", max_result_rows="10")

    assert answer.code == "396"


FORMS = {
    "no boundary": ("multipart/form-data", b"", "36"),
    "cut off": ("multipart/form-data; boundary=x", b"--x\r\n", "36"),
    "no name": ("multipart/form-data; boundary=x", b"--x\r\n\r\n1\r\n--x--", "36"),
    "a file": (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="a"; filename="b"\r\n\r\n1\r\n--x--',
        "48",
    ),
    "parts within parts": (
        "multipart/form-data; boundary=x",
        b"--x\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n" * 5000 + b"--x--",
        "36",
    ),
    "too many": ("multipart/form-data; boundary=x", b"--x\r\n\r\n" * 20_000 + b"--x--", "36"),
    "not UTF-8": (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\xff\r\n--x--',
        "36",
    ),
}


@pytest.mark.parametrize("case", FORMS)
def test_a_form_that_is_none_is_refused(stack, case: str):
    content_type, body, code = FORMS[case]

    assert ask(stack.clickhouse_url, body, {"Content-Type": content_type}).code == code
