"""Requests whose text is no UTF-8 are read all the same."""

from __future__ import annotations

import pytest
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from exectrail.receiver.lenient import parse_leniently
from exectrail.receiver.native import encode_text
from exectrail.receiver.otlp import PROTOBUF, Signal, read_rows
from exectrail.receiver.values import to_pairs, to_text

INVALID = b"caf\xe9 \xff"
PLACE = "X" * len(INVALID)


def request() -> bytes:
    made = ExportLogsServiceRequest()
    under = made.resource_logs.add()
    record = under.scope_logs.add().log_records.add(time_unix_nano=7, trace_id=b"\xff" * 16)
    record.body.string_value = PLACE
    record.attributes.add(key="ü").value.string_value = "good"
    nested = record.attributes.add(key=PLACE).value.kvlist_value.values.add(key=PLACE)
    nested.value.array_value.values.add().string_value = PLACE
    return made.SerializeToString().replace(PLACE.encode(), INVALID)


def test_text_that_is_no_utf_8_comes_out_as_the_bytes_it_was():
    with pytest.raises(DecodeError):
        ExportLogsServiceRequest.FromString(request())

    read = parse_leniently(ExportLogsServiceRequest, request())

    (record,) = read.resource_logs[0].scope_logs[0].log_records
    assert (record.time_unix_nano, record.trace_id, record.event_name) == (7, b"\xff" * 16, "")
    assert encode_text(to_text(record.body)) == bytes([len(INVALID)]) + INVALID
    bad, good = to_pairs(record.attributes)
    assert good == ("ü", "good")
    assert encode_text(bad[0])[1:] == INVALID
    assert bad[1] == '{"caf\\ufffd \\ufffd":["caf\\ufffd \\ufffd"]}'


def test_such_a_request_leaves_rows():
    batch = read_rows(Signal.LOGS, PROTOBUF, request())

    ((table, _, block),) = batch.blocks
    assert (table, batch.rejected) == ("otel_logs", 0)
    assert block.count(INVALID) == 2


def test_what_is_no_message_is_still_refused():
    with pytest.raises(DecodeError):
        parse_leniently(ExportLogsServiceRequest, request()[:-1])
