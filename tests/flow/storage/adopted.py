"""Tables that somebody else made, rows as they write them, and what ours say of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from exectrail.conventions import names
from exectrail.storage.client import Client
from exectrail.storage.foreign import Origin
from exectrail.storage.runner import Runner

from .program import Program

Open = Callable[[str], Client]
VARIANTS = ("exporter_oldest", "exporter_0_120", "exporter_0_161", "clickstack")
FOLDER = Path(__file__).parent / "foreign"


def adopt(ours: Client, theirs: Client, **renamed: str) -> None:
    Runner(ours, adopt=Origin.named(theirs.database, renamed)).apply()


def insert(theirs: Client, table: str, rows: list[dict[str, Any]]) -> None:
    """As an exporter does: it knows the columns of its own tables."""
    known = {
        row["name"]
        for row in theirs.query(
            "SELECT name FROM system.columns WHERE database = {d:String} AND table = {t:String}",
            {"d": theirs.database, "t": table},
        )
    }
    theirs.insert(table, [{k: v for k, v in row.items() if k in known} for row in rows])


def made_of(client: Client) -> list[dict[str, Any]]:
    return client.query(
        "SELECT name, create_table_query FROM system.tables WHERE database = {d:String}"
        " ORDER BY name",
        {"d": client.database},
        use_database=False,
    )


def a_program(base: datetime, **settings: Any) -> Program:
    """One run with a step, a model call and an end, and one that goes on."""
    program = Program(base, **settings)
    done = program.start("workflow", "review", -60, agent="critic")
    step = done.child("step", "read", -50)
    step.use(-45, cost="0.5")
    step.move("completed", -40)
    done.move("completed", -30)
    program.start("workflow", "watch", -20)
    program.beat(-1)
    return program


def spans_of(program: Program, base: datetime) -> list[dict[str, Any]]:
    """A span of each execution, one of a call, and one of somebody else."""
    ids = dict.fromkeys(r["LogAttributes"].get(names.EXECUTION_ID) for r in program.records)
    attributes = [{names.EXECUTION_ID: one} for one in ids if one]
    attributes += [{names.GEN_AI_OPERATION_NAME: "chat"}, {"http.route": "/"}]
    return [
        {
            "Timestamp": base - timedelta(seconds=40 - number),
            "TraceId": "a" * 32,
            "SpanId": f"{number:016x}",
            "ParentSpanId": "",
            "SpanName": "work",
            "SpanKind": "Internal",
            "ServiceName": "svc",
            "ResourceAttributes": {names.SERVICE_NAME: "svc"},
            "SpanAttributes": given,
            "Duration": 5_000_000,
            "StatusCode": "Ok",
            "StatusMessage": "fine",
        }
        for number, given in enumerate(attributes)
    ]


def a_canary(base: datetime) -> list[dict[str, Any]]:
    return [
        {
            "MetricName": "otelcol_exporter_queue_size",
            "Attributes": {"data_type": "logs", "exporter": "clickhouse"},
            "TimeUnix": base,
            "Value": 0.0,
        }
    ]


TOLD = {
    "executions": "execution_id, name, state, outcome, calls, cost, worker_id",
    "execution_tree": "execution_id, parent_id, kind, name, state, cost, input_tokens",
    "usage": "execution_id, sequence, ts, cost, uncached_tokens, output_tokens",
    "transitions": "execution_id, sequence, ts, state, previous_state, valid",
    "spans": "span_id, ts, duration_ms, span_name, span_kind, status, status_message, execution_id",
}


def answers(client: Client) -> dict[str, list[dict[str, Any]]]:
    """What our tables and views say, but for times of arrival."""
    found: dict[str, list[dict[str, Any]]] = {}
    for name, columns in TOLD.items():
        final = "FINAL" if name in ("usage", "transitions", "spans") else ""
        found[name] = client.query(f"SELECT {columns} FROM {name} {final} ORDER BY ALL")
    return found


def without_arrival(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: v for k, v in record.items() if k != "Received"} for record in records]
