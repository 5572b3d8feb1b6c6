"""Whatever comes in: an answer that says what was wrong, the rows that were sent, and no end of the
stack.

Seeds are counted up from 0, so what fails here fails again. EXECTRAIL_FUZZ_SECONDS says for how
long each of these goes on; 5 if it is not set.
"""

from __future__ import annotations

import base64
import contextlib
import gzip
import itertools
import json
import os
import random
import socket
import time
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.json_format import MessageToDict
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from exectrail.clickhouse_http.errors import ClickHouseError
from exectrail.clickhouse_http.statement import read_statement
from exectrail.receiver.batch import Batch
from exectrail.receiver.limits import RequestError
from exectrail.receiver.otlp import JSON, PROTOBUF, Signal, accepted, read_rows, refused

from .conftest import Answer, ask

SECONDS = float(os.environ.get("EXECTRAIL_FUZZ_SECONDS", "5"))
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300 + 4 * int(SECONDS))]

REQUESTS: dict[Signal, type[Any]] = {
    Signal.TRACES: ExportTraceServiceRequest,
    Signal.LOGS: ExportLogsServiceRequest,
    Signal.METRICS: ExportMetricsServiceRequest,
}
IDS = {"traceId", "spanId", "parentSpanId"}


def go_on(check: Callable[[], None]) -> None:
    """Check one seed after the other until the time is over.

    Args:
        check: A test of Hypothesis.
    """
    until = time.monotonic() + SECONDS
    number = 0
    while not number or time.monotonic() < until:
        seed(number)(check)()
        number += 1


few = settings(
    max_examples=50,
    database=None,
    deadline=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)

# What a message is made of is drawn from a seed by an ordinary generator: a thousand fields drawn
# one by one would leave Hypothesis no time for the next message.
SEEDS = st.integers(0, 2**64 - 1)
TEXTS = [
    *("", "a", "service.name", "exectrail.execution.id", "exectrail.execution.state", "running"),
    *(
        "\0",
        "'\\",
        "\u2028",
        "\U0001f4a5",
        "x" * 3000,
        "-1",
        "NaN",
        "1e999",
        "\ufeff",
        "\x7f\t\r\n",
    ),
]
INTEGERS = [0, 1, -1, 7, 255, 1 << 31, (1 << 31) - 1, (1 << 32) - 1, 1 << 32, (1 << 63) - 1]
INTEGERS += [1 << 63, (1 << 64) - 1, -(1 << 31), -(1 << 63), 1_790_000_000_000_000_000]
DOUBLES = [0.0, -0.0, 1.5, -1e300, 5e-324, float("nan"), float("inf"), float("-inf"), 1e21, 0.1]
BYTES = [b"", b"\0" * 8, b"\1" * 16, b"\xff" * 8, b"abc", b"\0" * 16]
BITS = {
    FieldDescriptor.TYPE_INT32: (-(1 << 31), (1 << 31) - 1),
    FieldDescriptor.TYPE_SINT32: (-(1 << 31), (1 << 31) - 1),
    FieldDescriptor.TYPE_ENUM: (-(1 << 31), (1 << 31) - 1),
    FieldDescriptor.TYPE_UINT32: (0, (1 << 32) - 1),
    FieldDescriptor.TYPE_FIXED32: (0, (1 << 32) - 1),
    FieldDescriptor.TYPE_INT64: (-(1 << 63), (1 << 63) - 1),
    FieldDescriptor.TYPE_SINT64: (-(1 << 63), (1 << 63) - 1),
    FieldDescriptor.TYPE_SFIXED64: (-(1 << 63), (1 << 63) - 1),
    FieldDescriptor.TYPE_UINT64: (0, (1 << 64) - 1),
    FieldDescriptor.TYPE_FIXED64: (0, (1 << 64) - 1),
}


def fill(message: Any, chance: random.Random, depth: int) -> None:
    """Fill some of a message's fields with what it may hold, and should not."""
    for field in message.DESCRIPTOR.fields:
        many = field.is_repeated if hasattr(field, "is_repeated") else field.label == 3
        if chance.random() < (0.25 if field.type != FieldDescriptor.TYPE_MESSAGE else 0.15):
            continue
        count = chance.choice((0, 1, 1, 2, 3)) if many else 1
        one = field.containing_oneof
        if one is not None and chance.random() < 1 - 1.5 / len(one.fields):
            continue
        for _ in range(count):
            if field.type == FieldDescriptor.TYPE_MESSAGE:
                if depth:
                    below = getattr(message, field.name)
                    target = below.add() if many else below
                    target.SetInParent()
                    fill(target, chance, depth - 1)
            elif many:
                getattr(message, field.name).append(_value(field, chance))
            else:
                setattr(message, field.name, _value(field, chance))


def _value(field: FieldDescriptor, chance: random.Random) -> Any:
    if field.type == FieldDescriptor.TYPE_STRING:
        return chance.choice(TEXTS)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return chance.choice(BYTES)
    if field.type in (FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FLOAT):
        return chance.choice(DOUBLES)
    if field.type == FieldDescriptor.TYPE_BOOL:
        return chance.random() < 0.5
    low, high = BITS[field.type]
    return min(max(chance.choice(INTEGERS), low), high)


def made(signal: Signal, number: int) -> Any:
    message = REQUESTS[signal]()
    fill(message, random.Random(number), 9)
    return message


def spoiled(body: bytes, number: int) -> bytes:
    """A body in which some bytes are other ones, or missing, or there twice."""
    chance = random.Random(number)
    data = bytearray(body)
    for _ in range(chance.choice((0, 1, 1, 2, 5, 20))):
        at = chance.randrange(len(data) + 1)
        end = min(len(data), at + chance.choice((1, 1, 2, 8, 200)))
        match chance.randrange(6):
            case 0:
                data[at:end] = chance.randbytes(end - at)
            case 1:
                del data[at:end]
            case 2:
                data[at:at] = data[at:end]
            case 3:
                del data[at:]
            case 4:
                data[at:at] = chance.choice(
                    (b"\xff" * 10, b"\x80\x80\x80\x80\x08", b"\x0a", b"\x7b", b'"', b"[", b"\0")
                )
            case _:
                if at < len(data):
                    data[at] ^= 1 << chance.randrange(8)
    return bytes(data)


def as_json(message: Any) -> Any:
    def with_hex(value: Any) -> Any:
        if isinstance(value, list):
            return [with_hex(item) for item in value]
        if not isinstance(value, dict):
            return value
        return {
            key: base64.b64decode(item).hex() if key in IDS else with_hex(item)
            for key, item in value.items()
        }

    return with_hex(MessageToDict(message, use_integers_for_enums=True))


def decoded(signal: Signal, media: str, body: bytes) -> Batch | None:
    """What a body becomes; None for a refusal that is an answer."""
    refusal: RequestError | None = None
    try:
        batch = read_rows(signal, media, body)
    except RequestError as error:
        refusal = error
    if refusal is not None:
        assert refusal.status in (400, 413)
        assert refused(refusal, media).body
        return None
    assert accepted(signal, media, batch).status == 200
    return batch


def test_protobuf_and_json_become_the_same_rows_and_none_is_lost():
    @few
    @given(st.sampled_from(Signal), SEEDS)
    def check(signal: Signal, number: int) -> None:
        message = made(signal, number)
        one = decoded(signal, PROTOBUF, message.SerializeToString())
        other = decoded(signal, JSON, json.dumps(as_json(message)).encode())
        assert one is not None
        assert other is not None
        assert (one.blocks, one.rejected) == (other.blocks, other.rejected)

    go_on(check)


def test_no_bytes_end_the_decoder():
    @few
    @given(st.sampled_from(Signal), st.booleans(), SEEDS)
    def check(signal: Signal, text: bool, number: int) -> None:
        message = made(signal, number)
        whole = json.dumps(as_json(message)).encode() if text else message.SerializeToString()
        decoded(signal, JSON if text else PROTOBUF, spoiled(whole, number))

    go_on(check)


LEAVES = st.one_of(
    *(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.sampled_from(TEXTS)),
    st.sampled_from(["\ud800", "00", "0" * 32, "0x", "=", "AAAA", "1970-01-01T00:00:00Z"]),
)
KEYS = st.sampled_from(
    [
        *("resourceSpans", "resource_spans", "resourceLogs", "resourceMetrics", "scopeSpans"),
        *("scopeLogs", "scopeMetrics", "spans", "logRecords", "metrics", "resource", "scope"),
        *("attributes", "key", "value", "stringValue", "arrayValue", "values", "kvlistValue"),
        *("traceId", "spanId", "traceState", "kind", "startTimeUnixNano", "status", "code"),
        *("gauge", "sum", "dataPoints", "asInt", "asDouble", "events", "links", "body", "name"),
        *("severityNumber", "timeUnixNano", "exemplars", "bucketCounts", "intValue", "bytesValue"),
    ]
)


def test_no_json_ends_the_decoder():
    @few
    @given(
        st.sampled_from(Signal),
        st.recursive(
            LEAVES,
            lambda below: st.lists(below, max_size=3) | st.dictionaries(KEYS, below, max_size=4),
            max_leaves=30,
        ),
    )
    def check(signal: Signal, value: Any) -> None:
        decoded(signal, JSON, json.dumps(value).encode())

    go_on(check)


# Nothing here reaches an engine, so there may be words that would move or read files in one.
WORDS = st.sampled_from(
    [
        *(
            "SELECT",
            "WITH",
            "INSERT INTO",
            "CREATE TABLE",
            "ALTER TABLE",
            "ATTACH",
            "SYSTEM",
            "SET",
        ),
        *(
            "FORMAT",
            "VALUES",
            "ENGINE",
            "=",
            "File",
            "file",
            "url",
            "disk",
            "(",
            ")",
            ",",
            ";",
            "t",
        ),
        *("INTO OUTFILE", "PARALLEL WITH", "'", '"', "`", "\\", "--", "/*", "*/", "#", "$", "\n"),
        *("\0", "\u00a0", "1", "'x'", "`x`", "{x:String}", "FREEZE", "engine", "//", "\ufeff", "é"),
    ]
)


def test_no_text_ends_the_reading_of_statements():
    @few
    @given(st.lists(st.tuples(WORDS, st.sampled_from(["", " "])), max_size=40), st.binary())
    def check(words: list[tuple[str, str]], more: bytes) -> None:
        text = "".join(word + blank for word, blank in words)
        for query, body in (
            (text, more),
            (text, b""),
            ("", text.encode() + more),
            ("", more),
        ):
            with contextlib.suppress(ClickHouseError):
                read_statement(query, body)

    go_on(check)


def post(stack, signal: Signal, body: bytes, media: str, encoding: str = "") -> Answer:
    headers = {"Content-Type": media}
    if encoding:
        headers["Content-Encoding"] = encoding
    return ask(stack.otlp_endpoint, body, headers, path=f"/v1/{signal.value}")


def test_what_is_sent_is_stored_or_refused_in_words(stack):
    prefix = f"fuzzed-{uuid.uuid4()}-"
    numbers = itertools.count()
    expected = dict.fromkeys(("otel_traces", "otel_logs"), 0)

    @few
    @given(st.sampled_from(Signal), SEEDS, st.booleans(), st.sampled_from(["", "gzip", "zstd"]))
    def check(signal: Signal, number: int, whole: bool, encoding: str) -> None:
        message = made(signal, number)
        # The same request twice would be stored once.
        service = f"{prefix}{next(numbers)}"
        for above in next(iter(message.ListFields()), (None, []))[1]:
            named = [pair for pair in above.resource.attributes if pair.key != "service.name"]
            del above.resource.attributes[:]
            above.resource.attributes.extend(named)
            above.resource.attributes.add(key="service.name").value.string_value = service
        body = message.SerializeToString()
        if whole:
            rows = sum(
                len(group.spans if signal is Signal.TRACES else group.log_records)
                for above in (message.ListFields()[0][1] if message.ListFields() else [])
                for group in (
                    above.scope_spans
                    if signal is Signal.TRACES
                    else above.scope_logs
                    if signal is Signal.LOGS
                    else []
                )
            )
            answer = post(stack, signal, gzip.compress(body), PROTOBUF, "gzip")
            assert answer.status == 200, answer.body
            if signal is not Signal.METRICS:
                batch = read_rows(signal, PROTOBUF, body)
                expected[f"otel_{signal.value}"] += rows - batch.rejected
        else:
            body = spoiled(body.replace(prefix.encode(), b"x" * len(prefix)), number)
            answer = post(stack, signal, body, PROTOBUF, encoding)
            assert answer.status in (200, 400, 413), answer.body
            if answer.status != 200:
                assert answer.body

    go_on(check)
    for table, count in expected.items():
        sql = f"SELECT count() FROM {table} WHERE startsWith(ServiceName, '{prefix}')"
        assert ask(stack.clickhouse_url, sql.encode()).body == b"%d\n" % count


# Nothing here names a file, and the reader changes nothing.
SQL = st.sampled_from(
    [
        *("SELECT", "1", "*", "FROM", "numbers(3)", "otel_logs", "WHERE", "LIMIT 1", "FORMAT JSON"),
        *("SETTINGS", "max_threads = 1", "(", ")", ",", "'x'", "{x:String}", "{y:Int8}", "WITH"),
        *(
            "AS a",
            "UNION ALL",
            "EXPLAIN",
            "SHOW TABLES",
            "DESCRIBE otel_logs",
            ";",
            "--",
            "/*",
            "'",
        ),
        *(
            "FORMAT Native",
            "FORMAT nothing",
            "toInt8('x')",
            "throwIf(1)",
            "\0",
            "\\",
            "é",
            "INSERT",
        ),
        *("repeat('x', 9)", "SET", "max_threads", "=", "USE", "exectrail", "EXISTS TABLE x"),
    ]
)
PARAMETERS = st.dictionaries(
    st.sampled_from(
        [
            *("database", "user", "password", "query_id", "session_id", "session_timeout"),
            *("session_check", "close_session", "readonly", "default_format", "compress"),
            *("decompress", "client_protocol_version", "enable_http_compression", "param_x"),
            *("param_y", "max_threads", "max_result_rows", "no_such_setting", "a b", "", "role"),
            *("network_compression_method", "max_execution_time", "session_timezone", "quota_key"),
        ]
    ),
    st.sampled_from(
        ["", "0", "1", "-1", "x", "reader", "JSON", "é", "\0", "'", "99999999999", "\n"]
    ),
    max_size=5,
)
HEADERS = st.dictionaries(
    st.sampled_from(
        [
            *("Content-Type", "Content-Encoding", "Accept-Encoding", "X-ClickHouse-User"),
            *("X-ClickHouse-Key", "X-ClickHouse-Database", "X-ClickHouse-Format", "Authorization"),
        ]
    ),
    st.sampled_from(
        [
            *(
                "",
                "gzip",
                "deflate",
                "zstd, lz4",
                "br",
                "gzip;q=0",
                "reader",
                "default",
                "x",
                "JSON",
            ),
            *("multipart/form-data; boundary=x", "Basic eDp5", "Basic ===", "Bearer x", "\xe9"),
        ]
    ),
    max_size=3,
)


def test_questions_of_any_kind_are_answered_as_clickhouse_does(stack):
    @few
    @given(
        st.lists(SQL, max_size=12).map(" ".join),
        st.booleans(),
        PARAMETERS,
        HEADERS,
        st.sampled_from(["POST", "GET", "HEAD", "PUT", "OPTIONS"]),
        st.sampled_from(["/", "/", "/", "/ping", "/x", "//", "/%00"]),
    )
    def check(
        sql: str,
        in_body: bool,
        parameters: dict[str, str],
        headers: dict[str, str],
        method: str,
        path: str,
    ) -> None:
        given = {"user": "reader", **parameters}
        if not in_body:
            given["query"] = sql
        answer = ask(
            stack.clickhouse_url,
            sql.encode() if in_body else b"",
            headers,
            method=method,
            path=f"{path}?{urlencode(given)}",
        )
        told = (sql, parameters, headers, method, path, answer)
        if answer.status in (404, 405) and not answer.code:
            assert path not in ("/",) or method not in ("POST", "GET", "HEAD"), told
            return
        # Without a code of its own, an error would be one of ours that nobody foresaw.
        assert answer.code not in ("1001", "1002"), told
        assert (answer.status == 200) == (not answer.code), told

    go_on(check)


REQUEST = (
    b"POST /%s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    b"Content-Length: 2\r\nConnection: close\r\n\r\n{}"
)


def test_no_bytes_end_the_server(stack):
    @few
    @given(st.sampled_from(["otlp", "questions"]), SEEDS)
    def check(which: str, number: int) -> None:
        otlp = which == "otlp"
        address = urlsplit(stack.otlp_endpoint if otlp else stack.clickhouse_url)
        whole = REQUEST % (b"v1/logs" if otlp else b"?user=reader&query=SELECT+1")
        with (
            socket.create_connection((address.hostname, address.port), timeout=30) as opened,
            contextlib.suppress(ConnectionError),
        ):
            opened.sendall(spoiled(whole, number))
            opened.shutdown(socket.SHUT_WR)
            answer = b""
            while piece := opened.recv(1 << 16):
                answer += piece
            assert answer == b"" or answer.startswith(b"HTTP/1.1 ")
            assert b"500 Internal" not in answer, answer

    go_on(check)
    assert ask(stack.clickhouse_url, b"SELECT 1").body == b"1\n"
    assert ask(stack.otlp_endpoint, path="/health", method="GET").body == b"ok\n"
