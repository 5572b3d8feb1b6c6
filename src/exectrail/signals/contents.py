"""What each event says, as attributes: texts scrubbed, names cut, the impossible left out.

Knows no OpenTelemetry, so that a short command can write events without loading it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Final

from exectrail.conventions import names
from exectrail.conventions.names import Kind, State
from exectrail.guard import guard
from exectrail.signals.attributes import (
    OPERATIONS,
    Attributes,
    cut,
    number,
    origin,
    tokens,
    unicode,
    whole,
)

if TYPE_CHECKING:
    from exectrail.execution import (
        Artifact,
        Execution,
        Logged,
        ModelCall,
        Plan,
        PlanStep,
        Progress,
        Resources,
        Result,
        Transition,
        Variable,
    )

_SCRUB: Final = guard("signals.redaction")
MAX_PLAN_STEPS: Final = 200
MAX_PLAN_NAMES: Final = 32
"""Inputs, and expected outputs, of a step that are told."""


def redaction() -> ModuleType:
    """What takes secrets out; loaded with the first text, for its patterns take time to compile."""
    from exectrail.signals import redaction

    return redaction


@dataclass(frozen=True, slots=True)
class TextRules:
    """What may be kept of messages."""

    keep: bool = True
    """False: the type of an error alone, no text at all."""
    limit: int = 1024
    """Characters."""

    def clean(self, text: object) -> str:
        """A message, scrubbed of secrets and cut, or nothing."""
        return self.clean_value(text) if self.keep and text else ""

    def clean_value(self, text: object) -> str:
        """A text that is kept on request, scrubbed and cut; nothing where scrubbing failed."""
        with _SCRUB:
            return unicode(redaction().scrub(str(text), self.limit))
        return ""


def span_name(execution: Execution) -> str:
    """The name of a segment's span, by the GenAI conventions where they define its operation."""
    return f"{OPERATIONS.get(execution.kind) or execution.kind.value} {cut(execution.name)}"


def severity(transition: Transition) -> str:
    """How severe a transition is; empty where the conventions say it of the event."""
    if transition.state is State.FAILED:
        return "ERROR"
    return "WARN" if transition.state is State.CANCELLED or not transition.valid else ""


def changed(execution: Execution, transition: Transition, texts: TextRules) -> Attributes:
    """A transition; the first one of a segment says where it comes from, too."""
    attributes: Attributes = {names.EXECUTION_STATE: transition.state.value}
    if transition.previous is not None:
        attributes[names.EXECUTION_PREVIOUS_STATE] = transition.previous.value
    if transition.reason:
        attributes[names.EXECUTION_REASON] = cut(transition.reason)
    if not transition.valid:
        attributes[names.EXECUTION_VALID] = False
    if transition.error is not None:
        attributes[names.ERROR_TYPE] = cut(transition.error.type)
        if message := texts.clean(transition.error.message):
            attributes[names.EXCEPTION_MESSAGE] = message
    if transition.began:
        attributes.update(origin(execution))
    elif transition.state is State.PAUSED and execution.resume_key:
        attributes[names.EXECUTION_RESUME_KEY] = cut(execution.resume_key)
    if transition.checkpoint_id:
        attributes[names.EXECUTION_CHECKPOINT_ID] = cut(transition.checkpoint_id)
    return attributes


def closed(execution: Execution, state: State) -> Attributes:
    """What the span of a segment says beyond who it is, but for its error."""
    attributes = origin(execution)
    attributes.pop(names.EXECUTION_DEADLINE, None)  # for the judge, who reads events
    attributes[names.EXECUTION_STATE] = state.value
    if execution.reason:
        attributes[names.EXECUTION_REASON] = cut(execution.reason)
    if execution.iterations:
        attributes[names.EXECUTION_ITERATIONS] = execution.iterations
    if operation := OPERATIONS.get(execution.kind):
        attributes[names.GEN_AI_OPERATION_NAME] = operation
    if execution.kind is Kind.TOOL:
        attributes[names.GEN_AI_TOOL_TYPE] = "function"
    return attributes


def progressed(progress: Progress, texts: TextRules) -> Attributes:
    """How far it is."""
    attributes: Attributes = {}
    if (fraction := number(progress.fraction)) is not None:
        attributes[names.EXECUTION_PROGRESS] = fraction
    if message := texts.clean(progress.message):
        attributes[names.EXECUTION_MESSAGE] = message
    for name, steps in (
        (names.EXECUTION_STEPS_COMPLETED, progress.completed),
        (names.EXECUTION_STEPS_PLANNED, progress.planned),
    ):
        if (count := whole(steps)) is not None:
            attributes[name] = count
    return attributes


def planned(plan: Plan) -> Attributes:
    """The plan as it is now."""
    steps = [_plan_step(step) for step in plan.steps[:MAX_PLAN_STEPS]]
    return {
        names.PLAN_REVISION: plan.revision,
        names.PLAN_STEPS: json.dumps(steps, separators=(",", ":")),
        names.EXECUTION_STEPS_PLANNED: len(plan.steps),
        names.EXECUTION_STEPS_COMPLETED: plan.completed,
    }


def _plan_step(step: PlanStep) -> dict[str, object]:
    known: dict[str, object] = {
        "name": cut(step.name),
        "component": cut(step.component),
        "inputs": [cut(name) for name in step.inputs[:MAX_PLAN_NAMES]],
        "expected_outputs": [cut(name) for name in step.expected_outputs[:MAX_PLAN_NAMES]],
        "estimated_cost": None if step.estimated_cost is None else f"{step.estimated_cost:f}",
        "estimated_seconds": number(step.estimated_seconds),
        "actual_cost": None if step.actual_cost is None else f"{step.actual_cost:f}",
        "actual_seconds": number(step.actual_seconds),
        "state": str(step.state),
    }
    return {key: value for key, value in known.items() if value not in (None, "", [])}


def resulted(result: Result, texts: TextRules) -> Attributes:
    """A result: how its check went, never its content."""
    attributes: Attributes = {
        names.RESULT_NAME: cut(result.name),
        names.RESULT_CATEGORY: result.category.value,
    }
    if result.valid is not None:
        attributes[names.RESULT_VALID] = result.valid
    if result.problem:
        attributes[names.RESULT_PROBLEM] = cut(result.problem)
    if result.error is not None:
        attributes[names.ERROR_TYPE] = cut(result.error.type)
        if message := texts.clean(result.error.message):
            attributes[names.EXCEPTION_MESSAGE] = message
    return attributes


def made(artifact: Artifact) -> Attributes:
    """A file or link; an address that cannot be scrubbed is left out."""
    attributes: Attributes = {
        names.ARTIFACT_NAME: cut(artifact.name),
        names.ARTIFACT_ACTION: cut(artifact.action),
    }
    if artifact.url:
        with _SCRUB:
            attributes[names.ARTIFACT_URL] = cut(redaction().scrub_url(str(artifact.url)))
    if artifact.media_type:
        attributes[names.ARTIFACT_MEDIA_TYPE] = cut(artifact.media_type)
    if (size := whole(artifact.size)) is not None:
        attributes[names.ARTIFACT_SIZE] = size
    return attributes


def consumed(resources: Resources) -> Attributes:
    """Resource use."""
    attributes: Attributes = {names.RESOURCE_SCOPE: resources.scope.value}
    for name, value in (
        (names.RESOURCE_CPU_TIME, number(resources.cpu_seconds)),
        (names.RESOURCE_MEMORY_PEAK, whole(resources.memory_peak_bytes)),
        (names.RESOURCE_DISK_READ, whole(resources.disk_read_bytes)),
        (names.RESOURCE_DISK_WRITE, whole(resources.disk_write_bytes)),
        (names.RESOURCE_SHARE, number(resources.share)),
    ):
        if value is not None:
            attributes[name] = value
    return attributes


def assigned(variable: Variable, texts: TextRules) -> Attributes:
    """A variable: name, type and hash, and its value on request."""
    attributes: Attributes = {
        names.VARIABLE_NAME: cut(variable.name),
        names.VARIABLE_TYPE: cut(variable.type),
        names.VARIABLE_HASH: variable.hash,
    }
    if variable.value is not None:
        attributes[names.VARIABLE_VALUE] = texts.clean_value(variable.value)
    return attributes


def logged(execution: Execution, line: Logged, texts: TextRules) -> Attributes:
    """Where a log record was written, and in which execution; its text is the record's body."""
    attributes: Attributes = {
        names.EXECUTION_ID: execution.id,
        names.EXECUTION_ROOT_ID: execution.root_id,
        names.EXECUTION_KIND: execution.kind.value,
        names.EXECUTION_NAME: cut(execution.name),
    }
    for name, value in (
        (names.LOG_LOGGER, line.logger),
        (names.CODE_FILE_PATH, line.file),
        (names.CODE_FUNCTION_NAME, line.function),
    ):
        if value:
            attributes[name] = cut(value)
    if line.line:
        attributes[names.CODE_LINE_NUMBER] = line.line
    if line.error is not None:
        attributes[names.EXCEPTION_TYPE] = cut(line.error.type)
        if message := texts.clean(line.error.message):
            attributes[names.EXCEPTION_MESSAGE] = message
    return attributes


def call_base(call: ModelCall) -> Attributes:
    """Who made a call and of what: on its span and its usage event."""
    execution = call.execution
    base: Attributes = {
        names.EXECUTION_ID: execution.id,
        names.EXECUTION_ROOT_ID: execution.root_id,
        names.EXECUTION_KIND: execution.kind.value,
        names.EXECUTION_NAME: cut(execution.name),
        names.GEN_AI_OPERATION_NAME: cut(call.operation),
    }
    for name, value in (
        (names.GEN_AI_WORKFLOW_NAME, execution.workflow),
        (names.GEN_AI_AGENT_NAME, execution.agent),
        (names.GEN_AI_PROVIDER_NAME, call.provider),
        (names.GEN_AI_REQUEST_MODEL, call.request_model),
    ):
        if value:
            base[name] = cut(value)
    return base


def used(call: ModelCall, cost: Attributes) -> Attributes:
    """What a call took, and what it cost: on its usage event and its span."""
    attributes = tokens(call.usage)
    attributes[names.USAGE_ROLE] = call.role.value
    attributes.update(cost)
    if call.response_model:
        attributes[names.GEN_AI_RESPONSE_MODEL] = cut(call.response_model)
    if call.response_id:
        attributes[names.GEN_AI_RESPONSE_ID] = cut(call.response_id)
    if call.error is not None:
        attributes[names.ERROR_TYPE] = cut(call.error.type)
    return attributes
