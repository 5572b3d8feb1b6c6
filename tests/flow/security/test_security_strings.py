"""SQL in every string: what was sent is what is read, no question finds more by it, nothing else
happens."""

from __future__ import annotations

import json
import re
import time
import uuid
from importlib import resources
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from exectrail import queries
from exectrail.conventions import names
from exectrail.execution.ids import uuid7
from exectrail.receiver.metrics import TABLES
from exectrail.storage.client import connect

from .conftest import ask

pytestmark = pytest.mark.slow

NASTY = [
    "'; DROP TABLE otel_logs; --",
    "') OR ('' = '",
    "{execution_id:String}",
    "a\0b\\'\0\t\n\\",
]
"""What questions are asked with, each of which takes its time."""
HOSTILE = [
    *NASTY,
    "'",
    "''",
    "\\",
    "\\'",
    "\\\\'",
    '"; DROP TABLE otel_logs; --',
    "`; DROP TABLE otel_logs; #",
    "' OR 1 = 1 -- ",
    "' UNION ALL SELECT * FROM system.one -- ",
    "'||(SELECT version())||'",
    "'), ('x",
    "{name:String}",
    "${since} $__timeFilter(a) $1 ? :name %s %(name)s",
    "/* ' */",
    "-- '\n",
    "# '\n",
    "$x$ ' $x$",
    "a\0b'\0",
    "\t\n\r\b\f\x0b\x1f\x7f",
    "\\N",
    "\\x27 \\0 \\n \\u0027",
    "NULL",
    "FORMAT CSV\n1,2",
    "]}'])",
    "\u2018 \u2019 \u201c \u00a0 \ufeff \u2028 \U0001f4a5",
    "<script>alert('x')</script>",
    "../../x",
    "INSERT INTO otel_logs SETTINGS async_insert = 1 VALUES ('x')",
]


def param(value: str) -> str:
    """A value as ClickHouse's own clients write it: as in TabSeparated."""
    for sign, escaped in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r")):
        value = value.replace(sign, escaped)
    return value.replace("\0", "\\0").replace("\b", "\\b").replace("\f", "\\f")


def rows(stack, sql: str, **parameters: str) -> list[dict[str, Any]]:
    given = {f"param_{name}": param(value) for name, value in parameters.items()}
    answer = ask(stack.clickhouse_url, f"{sql} FORMAT JSONEachRow".encode(), user="reader", **given)
    assert answer.status == 200, answer.body
    return [json.loads(line) for line in answer.body.splitlines()]


@pytest.fixture(autouse=True, scope="module")
def _nothing_else_happens(stack):
    def things() -> list[list[dict[str, Any]]]:
        return [
            rows(stack, f"SELECT * EXCEPT uuid FROM ({sql}) ORDER BY ALL")
            for sql in (
                "SELECT database, name, engine, create_table_query, uuid FROM system.tables"
                " WHERE database NOT IN ('system') AND NOT is_temporary",
                "SELECT name, create_query, NULL AS uuid FROM system.functions"
                " WHERE origin = 'SQLUserDefined'",
                "SELECT name, engine, uuid FROM system.databases",
            )
        ]

    before = things()
    yield
    assert things() == before


def fill(message: Any, text: str, kind: str) -> None:
    """Put a text into every string of a message and of all below it, one of each.

    Args:
        message: What to fill.
        text: The text.
        kind: Of a metric, the kind it is to have.
    """
    descriptor = message.DESCRIPTOR
    for field in descriptor.fields:
        one = field.containing_oneof
        if one is not None and len(one.fields) > 1 and field.name not in ("string_value", kind):
            continue
        many = field.is_repeated if hasattr(field, "is_repeated") else field.label == 3
        if field.type == FieldDescriptor.TYPE_STRING:
            if many:
                getattr(message, field.name).append(text)
            else:
                setattr(message, field.name, text)
        elif field.type == FieldDescriptor.TYPE_MESSAGE:
            below = getattr(message, field.name)
            if many:
                fill(below.add(), text, kind)
            else:
                below.SetInParent()
                fill(below, text, kind)


def texts_of(value: Any) -> set[str]:
    """All texts in a message, told by their fields."""
    return {str(v) for _, v in _leaves(value)}


def _leaves(message: Message) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for field, value in message.ListFields():
        items = value if isinstance(value, (list, tuple)) or hasattr(value, "add") else [value]
        for item in items:
            if isinstance(item, Message):
                found += _leaves(item)
            elif isinstance(item, str):
                found.append((field.full_name, item))
    return found


def sent(stack, signal: str, text: str, service: str, kind: str = "") -> None:
    request: Any = {
        "traces": ExportTraceServiceRequest,
        "logs": ExportLogsServiceRequest,
        "metrics": ExportMetricsServiceRequest,
    }[signal]()
    fill(request, text, kind)
    assert texts_of(request) == {text}
    above = next(iter(request.ListFields()))[1][0]
    named = KeyValue(key="service.name", value=AnyValue(string_value=service))
    above.resource.attributes.append(named)
    answer = ask(
        stack.otlp_endpoint,
        request.SerializeToString(),
        {"Content-Type": "application/x-protobuf"},
        path=f"/v1/{signal}",
    )
    assert (answer.status, answer.body) == (200, b"")


SCOPED = {"ScopeName", "ScopeVersion"}
URLS = {"ResourceSchemaUrl", "ScopeSchemaUrl"}
METRIC = {"MetricName", "MetricDescription", "MetricUnit", "ScopeAttributes", "Attributes"}
FIELDS = {
    "otel_traces": SCOPED
    | {"TraceState", "SpanName", "SpanAttributes", "StatusMessage"}
    | {"Events.Name", "Events.Attributes", "Links.TraceState", "Links.Attributes"},
    "otel_logs": SCOPED
    | URLS
    | {"SeverityText", "Body", "ScopeAttributes", "LogAttributes", "EventName"},
    **dict.fromkeys(TABLES.values(), SCOPED | URLS | METRIC),
}
EXEMPLARS = {"Exemplars.FilteredAttributes"}


@pytest.mark.parametrize("table", FIELDS)
def test_every_string_is_read_as_it_was_sent(stack, table: str):
    for text in HOSTILE:
        _send_and_read(stack, table, text)


def _send_and_read(stack, table: str, text: str) -> None:
    service = f"{uuid.uuid4()}{text}"
    kind = next((kind for kind, name in TABLES.items() if name == table), "")
    signal = {"otel_traces": "traces", "otel_logs": "logs"}.get(table, "metrics")

    sent(stack, signal, text, service, kind)

    [row] = rows(stack, f"SELECT * FROM {table} WHERE ServiceName = {{s:String}}", s=service)
    fields = FIELDS[table]
    if kind and kind != "summary":
        fields = fields | EXEMPLARS
    assert row["ServiceName"] == service
    assert row["ResourceAttributes"] == {text: text, "service.name": service}
    of = {
        True: lambda name: [{text: text}] if name.endswith("Attributes") else [text],
        False: lambda name: {text: text} if name.endswith("Attributes") else text,
    }
    assert {name: row[name] for name in fields} == {name: of["." in name](name) for name in fields}


def test_runs_are_shown_with_the_names_that_they_gave(stack):
    project = f"{uuid.uuid4()}'; --"
    runs = {uuid7(time.time_ns()): text for text in HOSTILE}
    request = ExportLogsServiceRequest()
    under = request.resource_logs.add()
    under.resource.CopyFrom(Resource(attributes=keyed({names.SERVICE_NAMESPACE: project})))
    group = under.scope_logs.add()
    for run, text in runs.items():
        common = {
            names.EXECUTION_ID: run,
            names.EXECUTION_ROOT_ID: run,
            names.EXECUTION_KIND: "workflow",
            names.EXECUTION_NAME: text,
            names.GEN_AI_WORKFLOW_NAME: text,
            names.EXECUTION_TARGET_TYPE: text,
            names.EXECUTION_TARGET_ID: text,
            names.EXECUTION_EXTERNAL_ID: text,
            names.TRIGGER_SOURCE: text,
            names.TRIGGER_KEY: text,
            names.TRIGGER_INTENT: text,
            names.TAG_PREFIX + text: text,
        }
        for sequence, state in enumerate(("running", "failed"), 1):
            last = {names.EXECUTION_STATE: state, names.EXECUTION_REASON: text}
            last |= {names.ERROR_TYPE: text, names.EXCEPTION_MESSAGE: text}
            group.log_records.add(
                event_name=names.EVENT_EXECUTION_STATE_CHANGED,
                time_unix_nano=1_795_000_000_000_000_000 + sequence,
                attributes=keyed({**common, **last, names.EXECUTION_SEQUENCE: sequence}),
            )
    answer = ask(
        stack.otlp_endpoint,
        request.SerializeToString(),
        {"Content-Type": "application/x-protobuf"},
        path="/v1/logs",
    )
    assert answer.status == 200

    with connect(stack.clickhouse_url, user="reader") as client:
        listed = client.fetch(queries.runs(project=project))
        for run, text in list(runs.items())[: len(NASTY)]:
            by_all = queries.runs(project=project, workflow=text, trigger=text)
            assert [found.execution_id for found in client.fetch(by_all)] == [run]
            [found] = client.fetch(queries.run(run))
            assert (found.execution_id, found.name) == (run, text)
    assert {found.execution_id for found in listed} == set(runs)
    for found in listed:
        given = (found.name, found.workflow, found.target_type, found.target_id, found.external_id)
        given += (found.trigger_source, found.trigger_key, found.trigger_intent, found.reason)
        given += (found.error_type, found.error_message)
        text = runs[found.execution_id]
        assert given == (text,) * len(given)
        assert (dict(found.tags), found.state, found.project) == ({text: text}, "failed", project)


def keyed(values: dict[str, Any]) -> list[KeyValue]:
    def value(of: Any) -> AnyValue:
        return AnyValue(int_value=of) if isinstance(of, int) else AnyValue(string_value=of)

    return [KeyValue(key=key, value=value(of)) for key, of in values.items()]


QUESTIONS = {
    file.name: text
    for file in resources.files("exectrail.queries").iterdir()
    if file.name.endswith(".sql")
    and not re.search(
        r"^\s*(INSERT INTO|DELETE|ALTER)\b", text := file.read_text(encoding="utf-8"), re.M
    )
}
PARAMETER = re.compile(r"\{(\w+):([^}]+)\}")
HARMLESS = (
    (r"Array\(DateTime", "['2026-01-01 00:00:00']"),
    (r"DateTime", "2026-01-01 00:00:00"),
    (r"Array\((U?Int|Float)", "[1]"),
    (r"U?Int|Float", "10"),
)
"""What to give parameters that hold no text, by the beginning of their type."""


def asked(stack, sql: str, text: str) -> tuple[int, str, int]:
    """Status, code, and how many rows a question gives when this stands in all its strings."""
    literal = "'" + param(text).replace("'", "\\'") + "'"
    given: dict[str, str] = {}
    for name, kind in PARAMETER.findall(sql):
        harmless = (value for begins, value in HARMLESS if re.match(begins, kind))
        value = text if kind in ("String", "Identifier") else next(harmless, None)
        # Arrays are read as they stand; the rest as in TabSeparated.
        given[f"param_{name}"] = f"[{literal}]" if value is None else param(value)
    answer = ask(
        stack.clickhouse_url,
        f"{sql.rstrip().rstrip(';')}\nFORMAT JSONEachRow".encode(),
        user="reader",
        **given,
    )
    assert answer.status in (200, 404), (text, answer.body)
    return answer.status, answer.code, len(answer.body.splitlines())


@pytest.mark.parametrize("name", sorted(QUESTIONS))
def test_no_parameter_of_a_question_is_more_than_a_value(stack, name: str):
    sql = QUESTIONS[name]
    plain = asked(stack, sql, "no-such-thing")

    for text in NASTY:
        # A table of such a name is not there either; any other question finds no more by it.
        assert asked(stack, sql, f"{text} nowhere") == plain, text
    assert len(QUESTIONS) > 35
