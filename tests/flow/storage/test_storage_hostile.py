"""Whatever is sent, nothing stops, nothing is counted twice, and what cannot be used is listed."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from exectrail import queries
from exectrail.conventions import names
from exectrail.execution.ids import uuid7
from exectrail.storage.client import Client

_HUGE = "x" * 2_000_000
_CONTENT = "MARKER the user's own words"

IDS = {
    "": "execution id missing",
    "not-a-uuid": "execution id is not a UUID",
    "zzzzzzzz-zzzz-zzzz-zzzz-zzzzzzzzzzzz": "execution id is not a UUID",
    "00000000-0000-0000-0000-000000000000": "execution id is not a UUID",
    "0191f6a0-1111-7000-8000": "execution id is not a UUID",
    "'; DROP TABLE usage; --": "execution id is not a UUID",
    _HUGE: "execution id is not a UUID",
}
SEQUENCES = {
    "": "sequence missing",
    "0": "sequence is not an integer from 1",
    "-1": "sequence is not an integer from 1",
    "1.5": "sequence is not an integer from 1",
    "one": "sequence is not an integer from 1",
    "4294967296": "sequence is not an integer from 1",
}


def _record(event: str = names.EVENT_EXECUTION_STATE_CHANGED, **changed: Any) -> dict[str, Any]:
    attributes = {
        names.EXECUTION_ID: str(uuid4()),
        names.EXECUTION_SEQUENCE: "1",
        names.EXECUTION_STATE: "running",
    }
    return {
        "Timestamp": datetime.now(UTC),
        "EventName": event,
        "LogAttributes": {**attributes, **changed.pop("attributes", {})},
        "ResourceAttributes": changed.pop("resource", {}),
        **changed,
    }


def _reasons(store: Client) -> list[str]:
    return sorted(reject.reject for reject in store.fetch(queries.rejects(limit=10_000)))


def _every_view_answers(store: Client) -> None:
    views = store.query(
        "SELECT name FROM system.tables WHERE database = {d:String} AND engine = 'View'",
        {"d": store.database},
    )
    plain = [row["name"] for row in views if not row["name"].endswith("_of")]
    assert len(plain) >= 9
    for view in plain:
        store.query(f"SELECT * FROM {view}")


@pytest.mark.parametrize("twice", [False, True])
def test_what_has_no_usable_identity_is_listed_with_its_reason(twice: bool, store: Client) -> None:
    records = [_record(attributes={names.EXECUTION_ID: value}) for value in IDS]
    records += [_record(attributes={names.EXECUTION_SEQUENCE: value}) for value in SEQUENCES]
    records += [
        _record("exectrail.execution.renamed"),
        _record("exectrail.no.such.event"),
        _record(attributes={names.EXECUTION_STATE: "abandoned"}),
        _record(attributes={names.EXECUTION_STATE: ""}),
        _record(names.EVENT_INFERENCE_USAGE, attributes={names.USAGE_ROLE: "mine"}),
        _record(names.EVENT_WORKER_HEARTBEAT, attributes={names.WORKER_SEQUENCE: "1"}),
        _record(names.EVENT_WORKER_EXITED, resource={names.WORKER_ID: "w"}),
    ]
    expected = [*IDS.values(), *SEQUENCES.values(), "unknown event", "unknown event"]
    expected += ["unknown state", "unknown state", "unknown usage role"]
    expected += ["worker id missing", "sequence missing"]
    for _ in range(2 if twice else 1):
        random.Random(1).shuffle(records)
        store.insert("otel_logs", records)
    assert _reasons(store) == sorted(expected)
    assert store.fetch(queries.runs()) == []
    assert store.query("SELECT count() AS n FROM otel_logs") == [
        {"n": len(records) * (2 if twice else 1)}
    ]
    _every_view_answers(store)


def test_one_bad_row_does_not_stop_its_batch(
    store: Client, program: Callable[..., Any], send: Callable[..., None]
) -> None:
    writer = program()
    root = writer.start("workflow", "w", -60).use(-59, cost="1")
    bad = _record(attributes={names.EXECUTION_ID: "bad"})
    writer.records.insert(1, bad | {"Received": writer.base})
    send(writer)
    [run] = store.fetch(queries.runs())
    assert (run.execution_id, run.calls) == (root.id, 1)
    assert _reasons(store) == ["execution id is not a UUID"]


@pytest.mark.parametrize("year", [1903, 1970, 2200, 2261])
def test_any_time_and_any_uuid_are_taken(year: int, store: Client) -> None:
    time = datetime(year, 1, 1, tzinfo=UTC)
    ids = [
        str(uuid4()),
        uuid7(max(0, int(time.timestamp() * 1e9))),
        "ffffffff-ffff-7fff-bfff-ffffffffffff",
        str(UUID(int=(2**128 - 1))),
        str(uuid4()).upper(),
    ]
    records = [_record(Timestamp=time, attributes={names.EXECUTION_ID: value}) for value in ids]
    records += [
        _record(
            names.EVENT_INFERENCE_USAGE,
            Timestamp=time,
            attributes={
                names.EXECUTION_ID: value,
                names.EXECUTION_SEQUENCE: "2",
                names.USAGE_ROLE: "billing",
                names.COST_AMOUNT: "1",
            },
            resource={names.WORKER_ID: value, names.WORKER_LEASE: "inf"},
        )
        for value in ids
    ]
    for _ in range(2):
        store.insert("otel_logs", records)
    runs = store.fetch(queries.runs(limit=100))
    assert {run.execution_id for run in runs} == {value.lower() for value in ids}
    assert [(run.calls, run.cost) for run in runs] == [(1, 1)] * len(ids)
    assert len(store.fetch(queries.tree(ids[1]))) == 1
    _every_view_answers(store)


def test_a_batch_of_a_thousand_months_is_one_insert(store: Client) -> None:
    months = [datetime(1970, 1, 2, tzinfo=UTC) + timedelta(days=30 * n) for n in range(1000)]
    store.insert(
        "otel_logs",
        [
            _record(
                Timestamp=month,
                attributes={names.EXECUTION_ID: uuid7(int(month.timestamp() * 1e9))},
                resource={names.WORKER_ID: uuid7(int(month.timestamp() * 1e9))},
            )
            for month in months
        ],
    )
    store.insert(
        "otel_traces",
        [
            {
                "Timestamp": month,
                "TraceId": f"{n:032x}",
                "SpanId": f"{n:016x}",
                "SpanAttributes": {names.EXECUTION_ID: str(uuid4())},
            }
            for n, month in enumerate(months)
        ],
    )
    for table in ("executions_state", "transitions", "workers", "spans"):
        assert store.query(f"SELECT count() AS n FROM {table} FINAL") == [{"n": 1000}], table


def test_values_of_any_shape_are_taken(store: Client) -> None:
    keys = [
        value
        for key, value in vars(names).items()
        if key.isupper() and isinstance(value, str) and not key.startswith(("EVENT_", "METRIC_"))
    ]
    kept = {names.EXECUTION_ID, names.EXECUTION_SEQUENCE, names.EXECUTION_STATE, names.USAGE_ROLE}
    odd = ["", "-1", "NaN", "1e999", "\x00", "💥" * 500, "[1,2]", "true", "9" * 400, "2026-13-45"]
    chance = random.Random(7)
    records: list[dict[str, Any]] = []
    for event in names.EVENT_SEVERITY:
        for _ in range(40):
            told = {key: chance.choice(odd) for key in keys if key not in kept}
            told |= {names.USAGE_ROLE: "billing", names.WORKER_SEQUENCE: "3"}
            resource = {key: chance.choice(odd) for key in keys} | {names.WORKER_ID: "w"}
            records.append(_record(event, attributes=told, resource=resource))
    for _ in range(2):
        store.insert("otel_logs", records)
    executions = len(records) * 8 // 11
    assert len(store.fetch(queries.runs(limit=10_000))) == executions
    assert store.fetch(queries.rejects()) == []
    _every_view_answers(store)


def test_huge_text_is_cut(
    store: Client, program: Callable[..., Any], send: Callable[..., None]
) -> None:
    writer = program(host=_HUGE)
    root = writer.start("workflow", _HUGE, -60, agent=_HUGE)
    root.move("failed", -50, **{names.EXCEPTION_MESSAGE: "é" * 100_000})
    send(writer)
    [run] = store.fetch(queries.runs())
    assert [len(run.name), len(run.agent), len(run.host)] == [256, 256, 256]
    assert run.error_message == "é" * 4096


def test_rejects_hold_no_content(store: Client) -> None:
    store.insert(
        "otel_logs",
        [
            _record(
                "exectrail.execution.renamed",
                Body=_CONTENT,
                attributes={
                    names.EXECUTION_ID: "x",
                    names.EXECUTION_MESSAGE: _CONTENT,
                    names.EXCEPTION_MESSAGE: _CONTENT,
                    names.VARIABLE_VALUE: _CONTENT,
                    names.PLAN_STEPS: _CONTENT,
                    "gen_ai.input.messages": _CONTENT,
                    "gen_ai.tool.call.arguments": _CONTENT,
                    "prompt": _CONTENT,
                    names.GEN_AI_USAGE_INPUT_TOKENS: "5",
                },
            )
        ],
    )
    [reject] = store.fetch(queries.rejects())
    assert dict(reject.attributes) == {
        names.EXECUTION_ID: "x",
        names.EXECUTION_SEQUENCE: "1",
        names.EXECUTION_STATE: "running",
        names.GEN_AI_USAGE_INPUT_TOKENS: "5",
    }


def test_logs_and_spans_of_others_are_left_alone(store: Client) -> None:
    store.insert("otel_logs", [_record("their.event", attributes={names.EXECUTION_ID: "bad"})])
    store.insert("otel_traces", [{"Timestamp": datetime.now(UTC), "SpanName": "GET /"}])
    assert store.fetch(queries.rejects()) == []
    assert store.query("SELECT count() AS n FROM spans") == [{"n": 0}]


def test_a_span_that_comes_twice_is_one_row(store: Client) -> None:
    at = datetime.now(UTC)
    span = {
        "Timestamp": at,
        "TraceId": "a" * 32,
        "SpanId": "b" * 16,
        "SpanName": "chat m-1",
        "SpanKind": "Client",
        "Duration": 1_500_000,
        "StatusCode": "Error",
        "SpanAttributes": {
            names.EXECUTION_ID: str(uuid4()),
            names.GEN_AI_OPERATION_NAME: "chat",
            names.GEN_AI_USAGE_INPUT_TOKENS: "7",
            names.COST_AMOUNT: "0.5",
        },
        "ResourceAttributes": {names.SERVICE_NAMESPACE: "shop"},
    }
    other = span | {"SpanId": "c" * 16}
    store.insert("otel_traces", [span])
    store.insert("otel_traces", [other, span])
    found = store.query(
        "SELECT span_id, operation, duration_ms, status, input_tokens, project"
        " FROM spans FINAL ORDER BY span_id"
    )
    assert [tuple(row.values())[1:-1] for row in found] == [("chat", 1.5, "Error", 7)] * 2
    assert [row["span_id"] for row in found] == ["b" * 16, "c" * 16]
