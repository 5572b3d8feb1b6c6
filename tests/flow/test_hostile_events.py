"""Hostile events through the receiver: nothing stops, nothing counts twice, rejects are listed."""

from __future__ import annotations

import urllib.request
from collections.abc import Sequence
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from exectrail import queries
from exectrail.conventions import names
from exectrail.execution.ids import uuid7
from exectrail.storage.client import Client

pytestmark = pytest.mark.slow

PROJECT = "hostile"
NOW = 1_795_000_000_000_000_000
RUN = uuid7(NOW)
FAR = 7_258_118_400_000_000_000  # the year 2200


def keyed(values: dict[str, Any]) -> list[KeyValue]:
    def value(of: Any) -> AnyValue:
        return AnyValue(int_value=of) if isinstance(of, int) else AnyValue(string_value=of)

    return [KeyValue(key=key, value=value(of)) for key, of in values.items()]


def event(name: str, sequence: Any, at: int = NOW, **more: Any) -> LogRecord:
    attributes = {
        names.EXECUTION_ID: RUN,
        names.EXECUTION_ROOT_ID: RUN,
        names.EXECUTION_KIND: "workflow",
        names.EXECUTION_NAME: "w",
        names.GEN_AI_WORKFLOW_NAME: "w",
        names.EXECUTION_SEQUENCE: sequence,
        **more,
    }
    return LogRecord(time_unix_nano=at, event_name=name, attributes=keyed(attributes))


def state(word: str, sequence: Any, at: int = NOW, **more: Any) -> LogRecord:
    return event(
        names.EVENT_EXECUTION_STATE_CHANGED, sequence, at, **{names.EXECUTION_STATE: word, **more}
    )


def call(sequence: int, at: int = NOW) -> LogRecord:
    return event(
        names.EVENT_INFERENCE_USAGE,
        sequence,
        at,
        **{
            names.GEN_AI_REQUEST_MODEL: "gpt-4o",
            names.GEN_AI_USAGE_INPUT_TOKENS: 100,
            names.GEN_AI_USAGE_OUTPUT_TOKENS: 10,
            names.USAGE_ROLE: "billing",
            names.COST_AMOUNT: "0.25",
            names.COST_CURRENCY: "USD",
            names.COST_SOURCE: "priced",
        },
    )


def send(endpoint: str, records: Sequence[LogRecord]) -> int:
    resource = Resource(
        attributes=keyed({names.SERVICE_NAME: "s", names.SERVICE_NAMESPACE: PROJECT})
    )
    request = ExportLogsServiceRequest(
        resource_logs=[ResourceLogs(resource=resource, scope_logs=[ScopeLogs(log_records=records)])]
    )
    posted = urllib.request.Request(
        f"{endpoint}/v1/logs",
        request.SerializeToString(),
        {"Content-Type": "application/x-protobuf"},
    )
    with urllib.request.urlopen(posted, timeout=60) as answer:
        return answer.status


def test_hostile_events_stop_nothing_and_count_once(stack: Any, client: Client) -> None:
    good = [state("running", 1), call(2), call(3, FAR), call(4, 1), state("completed", 5)]
    bad = [
        state("running", 1, **{names.EXECUTION_ID: "no uuid at all"}),
        state("running", 1, **{names.EXECUTION_ID: ""}),
        state("running", "one"),
        state("running", 2**62),
        state("dreaming", 1),
        event("exectrail.execution.invented", 6),
        state("running", 7, **{names.EXECUTION_NAME: "x" * 2_000_000}),
    ]
    for batch in (good, good[::-1], [*bad, *good], good[1:4], bad):
        assert send(stack.otlp_endpoint, batch) == 200

    [run] = client.fetch(queries.runs(project=PROJECT))
    assert (run.execution_id, run.effective_state) == (RUN, "completed")
    assert (run.calls, run.input_tokens, run.output_tokens) == (3, 300, 30)
    assert f"{run.cost:.2f}" == "0.75"
    listed = [reject for reject in client.fetch(queries.rejects()) if reject.project == PROJECT]
    assert {reject.reject for reject in listed} == {
        "execution id is not a UUID",
        "execution id missing",
        "sequence is not an integer from 1",
        "unknown state",
        "unknown event",
    }
