"""What programs told, and when it reached the store: rows of otel_logs, written down by hand."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from exectrail.conventions import names
from exectrail.execution.ids import uuid7
from exectrail.storage.client import Client

_numbers = itertools.count(1)


def days_ago(days: float) -> datetime:
    """A time, as a base for a program."""
    return datetime.now(UTC) - timedelta(days=days)


def new_id(at: datetime) -> str:
    """Another id, made at a time."""
    return f"{uuid7(int(at.timestamp() * 1e9))[:24]}{next(_numbers):012x}"


@dataclass
class Program:
    """A process. Times are seconds after `base`; what it tells arrives at once."""

    base: datetime
    project: str = "shop"
    records: list[dict[str, Any]] = field(default_factory=list)
    beats: int = 0

    def __post_init__(self) -> None:
        self.worker_id = new_id(self.base)

    def start(
        self, kind: str, name: str, at: float, parent: Segment | None = None, resumes: str = ""
    ) -> Segment:
        new = new_id(self.base + timedelta(seconds=at))
        segment = Segment(self, new, parent.root_id if parent else new, kind, name)
        segment.trace_id = parent.trace_id if parent else uuid4().hex
        told = {names.EXECUTION_PARENT_ID: parent.id} if parent else {}
        if resumes:
            segment.state = "paused"
            told[names.EXECUTION_RESUME_KEY] = resumes
        return segment.move("running", at, **told)

    def beat(self, at: float) -> None:
        self.beats += 1
        told = {names.WORKER_SEQUENCE: str(self.beats)}
        self.record(names.EVENT_WORKER_HEARTBEAT, at, told)

    def record(self, event: str, at: float, told: dict[str, str], trace_id: str = "") -> None:
        time = self.base + timedelta(seconds=at)
        self.records.append(
            {
                "Timestamp": time,
                "Received": time + timedelta(milliseconds=50),
                "TraceId": trace_id,
                "ServiceName": "desk",
                "Body": "" if event else told.pop("body"),
                "EventName": event,
                "LogAttributes": ({names.EVENT_NAME: event} if event else {}) | told,
                "ResourceAttributes": {
                    names.SERVICE_NAME: "desk",
                    names.SERVICE_NAMESPACE: self.project,
                    names.HOST_NAME: "box",
                    names.PROCESS_PID: "4711",
                    names.WORKER_ID: self.worker_id,
                    names.WORKER_LEASE: "45",
                },
            }
        )


@dataclass
class Segment:
    """What one process does of an execution; every method writes an event down."""

    program: Program
    id: str
    root_id: str
    kind: str
    name: str
    trace_id: str = ""
    state: str = ""
    sequence: int = 0

    def move(self, state: str, at: float, **more: str) -> Segment:
        told = {names.EXECUTION_STATE: state, names.EXECUTION_PREVIOUS_STATE: self.state} | more
        self.state = state
        return self.tell(names.EVENT_EXECUTION_STATE_CHANGED, at, told)

    def use(self, at: float, cost: str = "") -> Segment:
        told = {
            names.USAGE_ROLE: "billing",
            names.GEN_AI_PROVIDER_NAME: "acme",
            names.GEN_AI_REQUEST_MODEL: "m-1",
            names.GEN_AI_USAGE_INPUT_TOKENS: "100",
            names.GEN_AI_USAGE_OUTPUT_TOKENS: "20",
            names.COST_SOURCE: "priced" if cost else "unknown",
        }
        if cost:
            told |= {names.COST_AMOUNT: cost, names.COST_CURRENCY: "USD"}
        return self.tell(names.EVENT_INFERENCE_USAGE, at, told)

    def tell(self, event: str, at: float, told: dict[str, str]) -> Segment:
        self.sequence += 1
        own = {
            names.EXECUTION_ID: self.id,
            names.EXECUTION_ROOT_ID: self.root_id,
            names.EXECUTION_KIND: self.kind,
            names.EXECUTION_NAME: self.name,
            names.EXECUTION_SEQUENCE: str(self.sequence),
            names.EXECUTION_ATTEMPT: "1",
            names.GEN_AI_WORKFLOW_NAME: self.name,
            names.GEN_AI_AGENT_NAME: "writer" if self.kind == "step" else "",
        }
        self.program.record(event, at, own | told, self.trace_id)
        return self

    def log(self, at: float, body: str) -> Segment:
        """A line that the program logged within it."""
        told = {
            "body": body,
            names.EXECUTION_ID: self.id,
            names.EXECUTION_ROOT_ID: self.root_id,
        }
        self.program.record("", at, told, self.trace_id)
        return self


def work(program: Program, name: str, *, end: str = "completed", key: str = "") -> Segment:
    """A run with a step, model calls and details, that ends, pauses on a key, or does not end."""
    run = program.start("workflow", name, 0.0)
    step = program.start("step", "draft", 1.0, parent=run)
    step.use(1.5, "0.01").use(1.6).move("completed", 2.0)
    run.tell(names.EVENT_EXECUTION_PROGRESS, 2.1, {names.EXECUTION_MESSAGE: "half"})
    run.tell(names.EVENT_EXECUTION_ARTIFACT, 2.2, {names.ARTIFACT_NAME: f"{name}.md"})
    run.tell(names.EVENT_EXECUTION_RESULT, 2.3, {names.RESULT_NAME: "answer"})
    run.log(2.4, "half of it is there")
    if end == "paused":
        run.move("paused", 3.0, **{names.EXECUTION_RESUME_KEY: key})
    elif end:
        run.move(end, 3.0)
    program.beat(3.0)
    return run


def deliver(store: Client, *programs: Program) -> None:
    """Put what programs told into the store, as it arrived then."""
    store.insert("otel_logs", [record for one in programs for record in one.records])


def span(segment: Segment, at: float, **attributes: str) -> dict[str, Any]:
    """A row of otel_traces of an execution, with an event and a link."""
    time = segment.program.base + timedelta(seconds=at)
    return {
        "Timestamp": time,
        "Received": time,
        "TraceId": segment.trace_id,
        "SpanId": uuid4().hex[:16],
        "SpanName": segment.name,
        "ServiceName": "desk",
        "ResourceAttributes": {names.SERVICE_NAMESPACE: segment.program.project},
        "SpanAttributes": {
            names.EXECUTION_ID: segment.id,
            names.EXECUTION_ROOT_ID: segment.root_id,
            **attributes,
        },
        "Duration": 1_000_000,
        "Events.Timestamp": [time],
        "Events.Name": ["said"],
        "Events.Attributes": [{"key": "value"}],
        "Links.TraceId": [uuid4().hex],
        "Links.SpanId": ["00f067aa0ba902b7"],
        "Links.TraceState": [""],
        "Links.Attributes": [{"other": "value"}],
    }


def speak(store: Client) -> None:
    """The pipeline's sign of life, for an hour until now and for one from now on."""
    now = datetime.now(UTC)
    times = [now + timedelta(seconds=5 * n) for n in range(-720, 720)]
    store.insert(
        "otel_metrics_gauge",
        [
            {
                "MetricName": names.METRIC_PIPELINE_CANARY,
                "TimeUnix": time,
                "Received": time,
                "Value": 1.0,
            }
            for time in times
        ],
    )
