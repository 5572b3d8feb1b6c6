"""A process that reports executions over OTLP, as a program under exectrail does."""

from __future__ import annotations

import json
import time
import urllib.request
from dataclasses import dataclass, field
from typing import Any

from exectrail.conventions import names
from exectrail.execution.ids import uuid7

PRICED = {names.COST_AMOUNT: "0.0100", names.COST_CURRENCY: "USD", names.COST_SOURCE: "priced"}


@dataclass
class Process:
    """A process that reports. What it tells is kept until it is sent."""

    project: str
    lease: float = 3600.0
    pid: int = 4242
    worker: str = field(default_factory=lambda: uuid7(time.time_ns()))
    records: list[dict[str, Any]] = field(default_factory=list)

    def start(self, kind: str, name: str, at: float, **more: Any) -> Execution:
        own = uuid7(time.time_ns() + int(at * 1e9))
        execution = Execution(self, own, more.pop("root", own), kind, name)
        execution.workflow = more.pop("workflow", name)
        execution.agent = more.pop("agent", "")
        return execution.move(more.pop("state", "running"), at, **more.pop("told", {}), **more)

    def send(self, endpoint: str) -> None:
        told = {
            names.SERVICE_NAME: "desk",
            names.SERVICE_NAMESPACE: self.project,
            names.HOST_NAME: "box",
            names.PROCESS_PID: self.pid,
            names.WORKER_ID: self.worker,
            names.WORKER_LEASE: self.lease,
        }
        body = {
            "resourceLogs": [
                {
                    "resource": {"attributes": _attributes(told)},
                    "scopeLogs": [{"scope": {"name": "test"}, "logRecords": self.records}],
                }
            ]
        }
        request = urllib.request.Request(
            f"{endpoint}/v1/logs",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert answer.status == 200
        self.records = []


@dataclass
class Execution:
    """What a process does of an execution. `at` is seconds from now, so mostly negative."""

    process: Process
    id: str
    root: str
    kind: str
    name: str
    workflow: str = ""
    agent: str = ""
    state: str = ""
    sequence: int = 0

    def child(self, kind: str, name: str, at: float, **more: Any) -> Execution:
        inherited: dict[str, Any] = {"workflow": self.workflow, "agent": self.agent}
        told = {names.EXECUTION_PARENT_ID: self.id} | more.pop("told", {})
        return self.process.start(kind, name, at, root=self.root, told=told, **(inherited | more))

    def move(self, state: str, at: float, **told: Any) -> Execution:
        moved: dict[str, Any] = {names.EXECUTION_STATE: state}
        if self.state:
            moved[names.EXECUTION_PREVIOUS_STATE] = self.state
        self.state = state
        return self.tell(names.EVENT_EXECUTION_STATE_CHANGED, at, moved | told)

    def call(self, at: float, model: str, *, priced: bool = True) -> Execution:
        usage: dict[str, Any] = {
            names.USAGE_ROLE: "billing",
            names.GEN_AI_PROVIDER_NAME: "acme",
            names.GEN_AI_REQUEST_MODEL: model,
            names.GEN_AI_USAGE_INPUT_TOKENS: 1000,
            names.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS: 200,
            names.GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS: 50,
            names.GEN_AI_USAGE_OUTPUT_TOKENS: 100,
            names.GEN_AI_USAGE_REASONING_OUTPUT_TOKENS: 40,
        }
        money = PRICED if priced else {names.COST_SOURCE: "unknown"}
        return self.tell(names.EVENT_INFERENCE_USAGE, at, usage | money)

    def tell(self, event: str, at: float, told: dict[str, Any]) -> Execution:
        self.sequence += 1
        known: dict[str, Any] = {
            names.EVENT_NAME: event,
            names.EXECUTION_ID: self.id,
            names.EXECUTION_ROOT_ID: self.root,
            names.EXECUTION_KIND: self.kind,
            names.EXECUTION_NAME: self.name,
            names.EXECUTION_SEQUENCE: self.sequence,
            names.EXECUTION_ATTEMPT: 1,
            names.GEN_AI_WORKFLOW_NAME: self.workflow,
        }
        if self.agent:
            known[names.GEN_AI_AGENT_NAME] = self.agent
        self.process.records.append(
            {
                "timeUnixNano": str(time.time_ns() + int(at * 1e9)),
                "eventName": event,
                "attributes": _attributes(known | told),
            }
        )
        return self


def _attributes(values: dict[str, Any]) -> list[dict[str, Any]]:
    def typed(value: Any) -> dict[str, Any]:
        if isinstance(value, bool):
            return {"boolValue": value}
        if isinstance(value, int):
            return {"intValue": str(value)}
        return {"doubleValue": value} if isinstance(value, float) else {"stringValue": value}

    return [{"key": key, "value": typed(value)} for key, value in values.items()]
