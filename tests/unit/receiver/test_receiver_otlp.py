"""Requests and answers of OTLP/HTTP."""

from __future__ import annotations

import json

import pytest
from google.rpc.status_pb2 import Status
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from exectrail.receiver.batch import Batch
from exectrail.receiver.otlp import (
    JSON,
    PROTOBUF,
    RequestError,
    Signal,
    accepted,
    media_type,
    read_rows,
    refused,
)


def taken_or_status(signal: Signal, media: str, body: bytes) -> bool | int:
    try:
        read_rows(signal, media, body)
    except RequestError as error:
        return error.status
    return True


@given(st.sampled_from(Signal), st.sampled_from([JSON, PROTOBUF]), st.binary(max_size=200))
def test_any_bytes_are_rows_or_a_bad_request(signal: Signal, media: str, body: bytes):
    assert taken_or_status(signal, media, body) in (True, 400)


shapes = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("resourceSpans", "scopeSpans", "spans", "traceId", "spanId", "attributes"),
                    *("key", "value", "kvlistValue", "values", "arrayValue", "resource", "links"),
                ]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=20,
)


@given(shapes)
def test_any_json_is_rows_or_a_bad_request(shape: object):
    assert taken_or_status(Signal.TRACES, JSON, json.dumps(shape).encode()) in (True, 400)


def test_nothing_is_no_rows():
    for signal in Signal:
        assert read_rows(signal, PROTOBUF, b"").blocks == []
        assert read_rows(signal, JSON, b"{}").blocks == []


def test_json_and_protobuf_give_the_same_bytes():
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add(name="n", kind=2)
    span.trace_id, span.span_id, span.start_time_unix_nano = b"\xab" * 16, b"\xcd" * 8, 7
    written = {"traceId": "AB" * 16, "span_id": "cd" * 8, "name": "n", "kind": "SPAN_KIND_SERVER"}
    body = {"resourceSpans": [{"scopeSpans": [{"spans": [{**written, "startTimeUnixNano": "7"}]}]}]}

    (table, columns, block), *more = read_rows(
        Signal.TRACES, PROTOBUF, request.SerializeToString()
    ).blocks

    assert (table, more) == ("otel_traces", [])
    assert read_rows(Signal.TRACES, JSON, json.dumps(body).encode()).blocks == [
        (table, columns, block)
    ]


def test_a_record_with_ids_of_a_wrong_length_is_rejected_with_its_reason():
    request = ExportLogsServiceRequest()
    records = request.resource_logs.add().scope_logs.add().log_records
    records.add(trace_id=b"\x01" * 8)
    records.add(span_id=b"\x01" * 16)
    records.add()

    batch = read_rows(Signal.LOGS, PROTOBUF, request.SerializeToString())

    assert (batch.rejected, batch.reason) == (2, "a trace_id has 8 bytes instead of 16")
    assert len(batch.blocks) == 1


@pytest.mark.parametrize(
    "content_type", ["application/x-protobuf", "Application/JSON; charset=utf-8"]
)
def test_both_encodings_are_known_however_they_are_written(content_type: str):
    assert media_type(content_type) == content_type.lower().partition(";")[0]


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/grpc"])
def test_other_encodings_are_an_unsupported_media_type(content_type: str):
    with pytest.raises(RequestError) as caught:
        media_type(content_type)

    assert caught.value.status == 415


RESPONSES = {
    Signal.TRACES: (ExportTraceServiceResponse, "rejectedSpans"),
    Signal.LOGS: (ExportLogsServiceResponse, "rejectedLogRecords"),
    Signal.METRICS: (ExportMetricsServiceResponse, "rejectedDataPoints"),
}


@pytest.mark.parametrize("signal", Signal)
def test_what_was_left_out_is_a_partial_success(signal: Signal):
    kind, field = RESPONSES[signal]
    partial = Batch(rejected=2, reason="why")

    answer = accepted(signal, JSON, partial)
    assert json.loads(answer.body) == {"partialSuccess": {field: "2", "errorMessage": "why"}}
    binary = accepted(signal, PROTOBUF, partial)
    assert kind.FromString(binary.body).partial_success.error_message == "why"
    assert accepted(signal, PROTOBUF, Batch()).body == b""
    assert {answer.status, binary.status} == {200}


def test_a_refusal_is_a_status_of_google_rpc():
    error = RequestError(503, "later")

    assert json.loads(refused(error, JSON).body) == {"code": 14, "message": "later"}
    binary = refused(error, PROTOBUF)
    assert Status.FromString(binary.body) == Status(code=14, message="later")
    assert (binary.status, binary.content_type) == (503, PROTOBUF)


@pytest.mark.parametrize("half", ["\\ud800", "\\uDFFF", "\\ud800\\ud800", "\\udc00\\ud83d"])
def test_half_of_a_pair_of_utf16_is_a_sign_that_stands_for_none(half: str):
    """Found by fuzzing: as a key it was an error of protobuf that nobody caught."""
    record = f'{{"eventName":"a{half}\\ud83d\\ude00","{half}":1}}'
    body = f'{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{record}]}}]}}]}}'.encode()

    [(_, _, block)] = read_rows(Signal.LOGS, JSON, body).blocks

    shown = "a" + "\ufffd" * half.count("u") + "\U0001f600"
    assert shown.encode() in block
    refusal = RequestError(400, "said \ud800")
    assert json.loads(refused(refusal, JSON).body)["message"] == "said ?"
