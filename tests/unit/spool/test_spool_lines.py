"""Lines are what the protocol's own library reads, whatever the attributes hold."""

from __future__ import annotations

import json
import math

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from exectrail.spool import LogLines, SpanFact, SpanLines
from exectrail.spool.protobuf import to_protobuf
from exectrail.spool.shipping import requests_of

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.one_of(
    TEXTS,
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.lists(TEXTS, max_size=3).map(tuple),
)
ATTRIBUTES = st.dictionaries(TEXTS.filter(bool), VALUES, max_size=5)


def value_of(value: AnyValue) -> object:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return tuple(value_of(item) for item in value.array_value.values)
    return getattr(value, str(kind))


def same(one: object, other: object) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return one == other or (math.isnan(one) and math.isnan(other))
    return type(one) is type(other) and one == other


def same_attributes(sent: dict[str, object], read: object) -> bool:
    found = {pair.key: value_of(pair.value) for pair in read}  # pyright: ignore
    return found.keys() == sent.keys() and all(same(sent[key], found[key]) for key in sent)


@given(ATTRIBUTES, ATTRIBUTES, TEXTS, st.integers(0, 2**63 - 1), st.integers(1, 2**128 - 1))
def test_a_record_reads_back_as_it_was(
    resource: dict[str, object],
    attributes: dict[str, object],
    body: str,
    at_ns: int,
    trace_id: int,
) -> None:
    line = LogLines(resource, "1.2").line(  # pyright: ignore
        "e", at_ns, "WARN", attributes, trace_id=trace_id, span_id=7, flags=1, body=body
    )
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    request = ExportLogsServiceRequest.FromString(to_protobuf("logs", line))
    (group,) = request.resource_logs
    (scope,) = group.scope_logs
    (record,) = scope.log_records
    assert same_attributes(resource, group.resource.attributes)
    assert same_attributes(attributes, record.attributes)
    assert (scope.scope.name, scope.scope.version) == ("exectrail", "1.2")
    assert (record.event_name, record.body.string_value, record.severity_number) == ("e", body, 13)
    assert (record.time_unix_nano, record.trace_id.hex()) == (at_ns, f"{trace_id:032x}")
    assert (record.span_id.hex(), record.flags) == ("0000000000000007", 1)


@given(ATTRIBUTES, TEXTS, st.booleans())
def test_a_span_reads_back_as_it_was(
    attributes: dict[str, object], name: str, remote: bool
) -> None:
    span = SpanFact(
        name,
        trace_id=5,
        span_id=6,
        parent_span_id=9,
        kind=3,
        start_ns=10,
        end_ns=20,
        attributes=attributes,
        parent_is_remote=remote,
        trace_state="a=b",
        failed=True,
        message=name,
        events=[("exception", 15, {"k": name})],
    )
    line = SpanLines({"service.name": "s"}).line([span, span._replace(failed=False, events=())])
    request = ExportTraceServiceRequest.FromString(to_protobuf("traces", line))
    first, second = request.resource_spans[0].scope_spans[0].spans
    assert same_attributes(attributes, first.attributes)
    assert (first.name, first.kind, first.trace_state) == (name, 3, "a=b")
    assert (first.start_time_unix_nano, first.end_time_unix_nano) == (10, 20)
    assert (first.trace_id.hex(), first.span_id.hex()) == (f"{5:032x}", f"{6:016x}")
    assert first.parent_span_id.hex() == f"{9:016x}"
    assert first.flags == (0x301 if remote else 0x101)
    assert (first.status.code, first.status.message) == (2, name)
    assert [(e.name, e.time_unix_nano) for e in first.events] == [("exception", 15)]
    assert (second.status.code, list(second.events)) == (0, [])


def test_what_is_of_no_type_of_the_protocol_stands_as_text() -> None:
    attributes = {"huge": 2**70, "none": None, "set": {1}}
    line = LogLines({}).line("e", 1, "INFO", attributes)  # pyright: ignore
    record = json.loads(line)["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]
    assert [pair["value"] for pair in record["attributes"]] == [
        {"stringValue": str(2**70)},
        {"stringValue": "None"},
        {"stringValue": "{1}"},
    ]


def test_lines_become_one_request_those_of_one_process_one_group_of_it() -> None:
    ours, theirs = LogLines({"a": '"logRecords":['}), LogLines({"a": "b"})
    lines = [
        writer.line(f"e{number}", number, "INFO", {"k": '"logRecords":[]}]}]}'}).rstrip(b"\n")
        for number, writer in enumerate([ours, ours, theirs, ours, ours])
    ]
    sent = [(json.loads(body), count) for body, count in requests_of("logs", [*lines, b"{}"])]
    assert [(count, bool(body)) for body, count in sent] == [(1, False), (5, True)]
    assert [
        (
            group["resource"]["attributes"][0]["value"]["stringValue"],
            [record["eventName"] for record in group["scopeLogs"][0]["logRecords"]],
        )
        for group in sent[1][0]["resourceLogs"]
    ] == [('"logRecords":[', ["e0", "e1"]), ("b", ["e2"]), ('"logRecords":[', ["e3", "e4"])]
