"""Programs whose events a test writes down by hand."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from exectrail.conventions import names
from exectrail.conventions.names import State
from exectrail.execution.ids import uuid7

Record = dict[str, Any]
_sequence = itertools.count(1)


@dataclass
class Segment:
    """What one process does of an execution; every method writes an event down."""

    program: Program
    id: str
    root_id: str
    kind: str
    name: str
    agent: str = ""
    workflow: str = ""
    parent_id: str = ""
    state: str = ""
    sequence: int = 0

    def move(self, state: str, at: float, *, valid: bool = True, **more: Any) -> Segment:
        attributes = {names.EXECUTION_STATE: state, names.EXECUTION_VALID: str(valid).lower()}
        if self.state:
            attributes[names.EXECUTION_PREVIOUS_STATE] = self.state
        if valid:
            self.state = state
        return self.tell(names.EVENT_EXECUTION_STATE_CHANGED, at, attributes | more)

    def use(
        self, at: float, *, cost: str | None = "0.01", model: str = "m-1", **more: Any
    ) -> Segment:
        attributes = {
            names.USAGE_ROLE: "billing",
            names.GEN_AI_PROVIDER_NAME: "acme",
            names.GEN_AI_REQUEST_MODEL: model,
            names.GEN_AI_USAGE_INPUT_TOKENS: "100",
            names.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS: "30",
            names.GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS: "10",
            names.GEN_AI_USAGE_OUTPUT_TOKENS: "20",
            names.GEN_AI_USAGE_REASONING_OUTPUT_TOKENS: "5",
            names.COST_SOURCE: "unknown" if cost is None else "priced",
        }
        if cost is not None:
            attributes |= {names.COST_AMOUNT: cost, names.COST_CURRENCY: "USD"}
        return self.tell(names.EVENT_INFERENCE_USAGE, at, attributes | more)

    def tell(self, event: str, at: float, attributes: dict[str, Any]) -> Segment:
        self.sequence += 1
        own = {
            names.EXECUTION_ID: self.id,
            names.EXECUTION_ROOT_ID: self.root_id,
            names.EXECUTION_KIND: self.kind,
            names.EXECUTION_NAME: self.name,
            names.EXECUTION_SEQUENCE: str(self.sequence),
            names.EXECUTION_ATTEMPT: "1",
        }
        if self.agent:
            own[names.GEN_AI_AGENT_NAME] = self.agent
        if self.workflow:
            own[names.GEN_AI_WORKFLOW_NAME] = self.workflow
        self.program.record(event, at, own | attributes)
        return self

    def child(self, kind: str, name: str, at: float, **more: Any) -> Segment:
        return self.program.start(kind, name, at, parent=self, **more)


@dataclass
class Program:
    """A process. Its clock is `skew` seconds off, what it sends arrives `delay` seconds later."""

    base: datetime
    skew: float = 0.0
    delay: float = 0.05
    lease: float = 45.0
    project: str = "shop"
    environment: str = ""
    host: str = "box"
    pid: int = 4711
    worker_id: str = ""
    records: list[Record] = field(default_factory=list)
    beats: int = 0

    def __post_init__(self) -> None:
        self.worker_id = self.worker_id or new_id(self.base)
        place = names.DEPLOYMENT_ENVIRONMENT_NAME
        self._placed = {place: self.environment} if self.environment else {}

    def start(
        self,
        kind: str,
        name: str,
        at: float,
        *,
        parent: Segment | None = None,
        state: str = State.RUNNING,
        resumes: str = "",
        agent: str = "",
        workflow: str = "",
        segment_id: str = "",
        **more: Any,
    ) -> Segment:
        new = segment_id or new_id(self.base + timedelta(seconds=at + self.skew))
        segment = Segment(self, new, parent.root_id if parent else new, kind, name)
        segment.agent = agent or (parent.agent if parent else "")
        segment.workflow = workflow or (parent.workflow if parent else name)
        attributes = dict(more)
        if parent:
            segment.parent_id = attributes[names.EXECUTION_PARENT_ID] = parent.id
        if resumes:
            segment.state = State.PAUSED
            attributes[names.EXECUTION_RESUME_KEY] = resumes
        return segment.move(state, at, **attributes)

    def beat(self, at: float, *, sequence: int = 0) -> None:
        """Beat; with a sequence from 2**31 on a supervisor beats for it."""
        self.beats += 0 if sequence else 1
        told = {names.WORKER_SEQUENCE: str(sequence or self.beats)}
        self.record(names.EVENT_WORKER_HEARTBEAT, at, told)

    def exit(
        self,
        at: float,
        code: int | None = 1,
        *,
        signal: str = "",
        oom: bool = False,
        sequence: int = 0,
    ) -> None:
        """Tell that the process ended; with a sequence from 2**31 on a supervisor tells it."""
        self.beats += 0 if sequence else 1
        told = {names.WORKER_SEQUENCE: str(sequence or self.beats)}
        told |= {} if code is None else {names.WORKER_EXIT_CODE: str(code)}
        told |= {names.WORKER_SIGNAL: signal} if signal else {}
        told |= {names.WORKER_OOM: "true"} if oom else {}
        self.record(names.EVENT_WORKER_EXITED, at, told)

    def record(self, event: str, at: float, attributes: dict[str, Any]) -> None:
        self.records.append(
            {
                "Timestamp": self.base + timedelta(seconds=at + self.skew),
                "Received": self.base + timedelta(seconds=at + self.delay),
                "EventName": event,
                "LogAttributes": {names.EVENT_NAME: event} | attributes,
                "ResourceAttributes": {
                    names.SERVICE_NAME: "svc",
                    names.SERVICE_NAMESPACE: self.project,
                    **self._placed,
                    names.HOST_NAME: self.host,
                    names.PROCESS_PID: str(self.pid),
                    names.WORKER_ID: self.worker_id,
                    names.WORKER_LEASE: str(self.lease),
                },
            }
        )


def new_id(at: datetime) -> str:
    """Another id, made at a time; ids made one after another at the same time sort so."""
    made = uuid7(int(at.timestamp() * 1e9))
    return f"{made[:24]}{next(_sequence):012x}"
