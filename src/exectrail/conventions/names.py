"""Generated from model.yaml by exectrail.conventions.generate. Do not edit."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

ROOT: Final = "exectrail"
SCHEMA: Final = "0.1"


class State(StrEnum):
    """What an execution is doing. `abandoned` is a verdict of the judge and is never written by a program."""

    CREATED = "created"
    """Known, nothing started yet."""
    QUEUED = "queued"
    """Waits for a worker."""
    RUNNING = "running"
    """Works."""
    PAUSED = "paused"
    """Deliberate wait, for a person or a schedule."""
    BLOCKED = "blocked"
    """Waits on something else, a dependency, a rate limit or a review."""
    COMPLETED = "completed"
    """Ended well. Final."""
    FAILED = "failed"
    """Ended badly. Final."""
    CANCELLED = "cancelled"
    """Ended on request or by a signal. Final."""
    ABANDONED = "abandoned"
    """Judged dead from outside. Open again if it beats again."""


class Kind(StrEnum):
    """What an execution is."""

    WORKFLOW = "workflow"
    """One run of an orchestrator, the usual root."""
    AGENT = "agent"
    """An agent at work."""
    TASK = "task"
    """A piece of work given to an agent or a worker."""
    STEP = "step"
    """One step of a workflow."""
    ITERATION = "iteration"
    """One turn of a loop."""
    TOOL = "tool"
    """One tool call."""


class Reason(StrEnum):
    """Why an execution changed its state. Open, other words are allowed."""

    HUMAN_INPUT = "human_input"
    """A person has to answer."""
    SCHEDULE = "schedule"
    """A time has to come."""
    EXTERNAL_EVENT = "external_event"
    """Something outside has to happen."""
    DEPENDENCY = "dependency"
    """Another execution has to end."""
    RATE_LIMIT = "rate_limit"
    """A quota has to refill."""
    REVIEW = "review"
    """A review stopped it."""
    RETRY = "retry"
    """It is tried again."""
    TIMEOUT = "timeout"
    """It took longer than allowed."""
    BUDGET = "budget"
    """It cost more than allowed."""
    MAX_ITERATIONS = "max_iterations"
    """The limit of iterations was reached."""
    USER_REQUEST = "user_request"
    """A person asked for it."""
    ERROR = "error"
    """An exception ended it."""
    SIGNAL = "signal"
    """The process got a signal to end."""
    STREAM_CLOSED = "stream_closed"
    """The reader of its stream went away."""
    LEASE_EXPIRED = "lease_expired"
    """Its worker was silent for longer than its lease."""
    PROCESS_EXITED = "process_exited"
    """Its process ended and left it open."""


class Mode(StrEnum):
    """Whether the run acts or only pretends to."""

    EXECUTION = "execution"
    """Acts."""
    SIMULATION = "simulation"
    """Only pretends to."""


class UsageRole(StrEnum):
    """Whether usage is money (billing) or repeats money that is told elsewhere."""

    BILLING = "billing"
    """The one record of a model call that counts."""
    AGGREGATE = "aggregate"
    """A sum over calls beneath it."""
    DUPLICATE = "duplicate"
    """The same call, told by another instrumentation."""
    FALLBACK = "fallback"
    """Counts only where nothing beneath it was counted."""


class CostSource(StrEnum):
    """Where an amount comes from."""

    PROVIDER = "provider"
    """The provider said so."""
    PRICED = "priced"
    """Tokens times a price table."""
    UNKNOWN = "unknown"
    """No price known, and so no amount."""


class ResultCategory(StrEnum):
    """What kind of work a result is about."""

    FILE_OPERATIONS = "file_operations"
    """Files read, written, moved."""
    GIT_OPERATIONS = "git_operations"
    """Commits, branches, merges."""
    TESTING = "testing"
    """Tests run."""
    ERROR = "error"
    """The result is an error."""
    UNKNOWN = "unknown"
    """None of these."""


class ResourceScope(StrEnum):
    """Whether resource use belongs to the execution alone."""

    EXCLUSIVE = "exclusive"
    """The execution had the process (share is 1) or its thread to itself."""
    SHARED = "shared"
    """Measured for the process while others ran too, and divided among them."""
    PROCESS = "process"
    """What its process had used in its life, by its supervisor; said by the reader of an execution that told no end."""


# attributes
EXECUTION_ID: Final = "exectrail.execution.id"
EXECUTION_PARENT_ID: Final = "exectrail.execution.parent_id"
EXECUTION_ROOT_ID: Final = "exectrail.execution.root_id"
EXECUTION_EXTERNAL_ID: Final = "exectrail.execution.external_id"
EXECUTION_RESUME_KEY: Final = "exectrail.execution.resume_key"
EXECUTION_CHECKPOINT_ID: Final = "exectrail.execution.checkpoint_id"
EXECUTION_FORKED_FROM: Final = "exectrail.execution.forked_from"
EXECUTION_KIND: Final = "exectrail.execution.kind"
EXECUTION_NAME: Final = "exectrail.execution.name"
EXECUTION_STATE: Final = "exectrail.execution.state"
EXECUTION_PREVIOUS_STATE: Final = "exectrail.execution.previous_state"
EXECUTION_REASON: Final = "exectrail.execution.reason"
EXECUTION_VALID: Final = "exectrail.execution.valid"
EXECUTION_SEQUENCE: Final = "exectrail.execution.sequence"
EXECUTION_ATTEMPT: Final = "exectrail.execution.attempt"
EXECUTION_ITERATION: Final = "exectrail.execution.iteration"
EXECUTION_ITERATIONS: Final = "exectrail.execution.iterations"
EXECUTION_MAX_ITERATIONS: Final = "exectrail.execution.max_iterations"
EXECUTION_MODE: Final = "exectrail.execution.mode"
EXECUTION_DEADLINE: Final = "exectrail.execution.deadline"
EXECUTION_PROGRESS: Final = "exectrail.execution.progress"
EXECUTION_MESSAGE: Final = "exectrail.execution.message"
EXECUTION_STEPS_PLANNED: Final = "exectrail.execution.steps_planned"
EXECUTION_STEPS_COMPLETED: Final = "exectrail.execution.steps_completed"
EXECUTION_TARGET_TYPE: Final = "exectrail.execution.target_type"
EXECUTION_TARGET_ID: Final = "exectrail.execution.target_id"
TRIGGER_SOURCE: Final = "exectrail.trigger.source"
TRIGGER_KEY: Final = "exectrail.trigger.key"
TRIGGER_STATUS: Final = "exectrail.trigger.status"
TRIGGER_INTENT: Final = "exectrail.trigger.intent"
WORKER_ID: Final = "exectrail.worker.id"
WORKER_LEASE: Final = "exectrail.worker.lease"
WORKER_SEQUENCE: Final = "exectrail.worker.sequence"
WORKER_OPEN_EXECUTIONS: Final = "exectrail.worker.open_executions"
WORKER_EXIT_CODE: Final = "exectrail.worker.exit_code"
WORKER_SIGNAL: Final = "exectrail.worker.signal"
WORKER_OOM: Final = "exectrail.worker.oom"
COST_AMOUNT: Final = "exectrail.cost.amount"
COST_CURRENCY: Final = "exectrail.cost.currency"
COST_SOURCE: Final = "exectrail.cost.source"
COST_PRICE_VERSION: Final = "exectrail.cost.price_version"
USAGE_ROLE: Final = "exectrail.usage.role"
PLAN_REVISION: Final = "exectrail.plan.revision"
PLAN_STEPS: Final = "exectrail.plan.steps"
RESULT_NAME: Final = "exectrail.result.name"
RESULT_CATEGORY: Final = "exectrail.result.category"
RESULT_VALID: Final = "exectrail.result.valid"
RESULT_PROBLEM: Final = "exectrail.result.problem"
ARTIFACT_NAME: Final = "exectrail.artifact.name"
ARTIFACT_URL: Final = "exectrail.artifact.url"
ARTIFACT_ACTION: Final = "exectrail.artifact.action"
ARTIFACT_MEDIA_TYPE: Final = "exectrail.artifact.media_type"
ARTIFACT_SIZE: Final = "exectrail.artifact.size"
VARIABLE_NAME: Final = "exectrail.variable.name"
VARIABLE_TYPE: Final = "exectrail.variable.type"
VARIABLE_HASH: Final = "exectrail.variable.hash"
VARIABLE_VALUE: Final = "exectrail.variable.value"
RESOURCE_CPU_TIME: Final = "exectrail.resource.cpu_time"
RESOURCE_MEMORY_PEAK: Final = "exectrail.resource.memory_peak"
RESOURCE_DISK_READ: Final = "exectrail.resource.disk_read"
RESOURCE_DISK_WRITE: Final = "exectrail.resource.disk_write"
RESOURCE_SCOPE: Final = "exectrail.resource.scope"
RESOURCE_SHARE: Final = "exectrail.resource.share"
TELEMETRY_SITE: Final = "exectrail.telemetry.site"
EVENT_NAME: Final = "event.name"
ERROR_TYPE: Final = "error.type"
EXCEPTION_TYPE: Final = "exception.type"
EXCEPTION_MESSAGE: Final = "exception.message"
LOG_IOSTREAM: Final = "log.iostream"
LOG_LOGGER: Final = "exectrail.log.logger"
CODE_FILE_PATH: Final = "code.file.path"
CODE_LINE_NUMBER: Final = "code.line.number"
CODE_FUNCTION_NAME: Final = "code.function.name"
GEN_AI_OPERATION_NAME: Final = "gen_ai.operation.name"
GEN_AI_PROVIDER_NAME: Final = "gen_ai.provider.name"
GEN_AI_REQUEST_MODEL: Final = "gen_ai.request.model"
GEN_AI_RESPONSE_MODEL: Final = "gen_ai.response.model"
GEN_AI_RESPONSE_ID: Final = "gen_ai.response.id"
GEN_AI_RESPONSE_FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
GEN_AI_USAGE_INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
GEN_AI_USAGE_OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS: Final = "gen_ai.usage.cache_read.input_tokens"
GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS: Final = "gen_ai.usage.cache_write.input_tokens"
GEN_AI_USAGE_REASONING_OUTPUT_TOKENS: Final = "gen_ai.usage.reasoning.output_tokens"
GEN_AI_WORKFLOW_NAME: Final = "gen_ai.workflow.name"
GEN_AI_AGENT_NAME: Final = "gen_ai.agent.name"
GEN_AI_AGENT_VERSION: Final = "gen_ai.agent.version"
GEN_AI_TOOL_NAME: Final = "gen_ai.tool.name"
GEN_AI_TOOL_CALL_ID: Final = "gen_ai.tool.call.id"
GEN_AI_TOOL_TYPE: Final = "gen_ai.tool.type"
GEN_AI_TOKEN_MODALITY: Final = "gen_ai.token.modality"
GEN_AI_CONVERSATION_ID: Final = "gen_ai.conversation.id"
SERVICE_NAME: Final = "service.name"
SERVICE_NAMESPACE: Final = "service.namespace"
SERVICE_VERSION: Final = "service.version"
DEPLOYMENT_ENVIRONMENT_NAME: Final = "deployment.environment.name"
HOST_NAME: Final = "host.name"
PROCESS_PID: Final = "process.pid"

# events
EVENT_EXECUTION_STATE_CHANGED: Final = "exectrail.execution.state_changed"
EVENT_EXECUTION_PROGRESS: Final = "exectrail.execution.progress"
EVENT_EXECUTION_PLAN_CHANGED: Final = "exectrail.execution.plan_changed"
EVENT_EXECUTION_RESULT: Final = "exectrail.execution.result"
EVENT_EXECUTION_ARTIFACT: Final = "exectrail.execution.artifact"
EVENT_EXECUTION_RESOURCE_USAGE: Final = "exectrail.execution.resource_usage"
EVENT_EXECUTION_VARIABLE_SET: Final = "exectrail.execution.variable_set"
EVENT_INFERENCE_USAGE: Final = "exectrail.inference.usage"
EVENT_WORKER_STARTED: Final = "exectrail.worker.started"
EVENT_WORKER_HEARTBEAT: Final = "exectrail.worker.heartbeat"
EVENT_WORKER_EXITED: Final = "exectrail.worker.exited"

# metrics
METRIC_EXECUTION_ACTIVE: Final = "exectrail.execution.active"
METRIC_EXECUTION_TRANSITIONS: Final = "exectrail.execution.transitions"
METRIC_EXECUTION_DURATION: Final = "exectrail.execution.duration"
METRIC_EXECUTION_STATE_DURATION: Final = "exectrail.execution.state.duration"
METRIC_INFERENCE_COST: Final = "exectrail.inference.cost"
METRIC_TELEMETRY_DROPPED: Final = "exectrail.telemetry.dropped"
METRIC_PIPELINE_CANARY: Final = "exectrail.pipeline.canary"
METRIC_GEN_AI_CLIENT_OPERATION_DURATION: Final = "gen_ai.client.operation.duration"
METRIC_GEN_AI_CLIENT_INFERENCE_USAGE_INPUT_TOKENS: Final = "gen_ai.client.inference.usage.input_tokens"
METRIC_GEN_AI_CLIENT_INFERENCE_USAGE_OUTPUT_TOKENS: Final = "gen_ai.client.inference.usage.output_tokens"

# prefixes
TAG_PREFIX: Final = "exectrail.tag."

# how severe an event is, by the words of the OpenTelemetry Logs API
EVENT_SEVERITY: Final[dict[str, str]] = {
    "exectrail.execution.state_changed": "INFO",
    "exectrail.execution.progress": "DEBUG",
    "exectrail.execution.plan_changed": "INFO",
    "exectrail.execution.result": "INFO",
    "exectrail.execution.artifact": "INFO",
    "exectrail.execution.resource_usage": "DEBUG",
    "exectrail.execution.variable_set": "DEBUG",
    "exectrail.inference.usage": "INFO",
    "exectrail.worker.started": "INFO",
    "exectrail.worker.heartbeat": "DEBUG",
    "exectrail.worker.exited": "INFO",
}

# bucket bounds of the histograms, in the unit of the metric
METRIC_BUCKETS: Final[dict[str, tuple[float, ...]]] = {
    "exectrail.execution.duration": (0.01, 0.1, 0.5, 1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 86400),
    "exectrail.execution.state.duration": (0.01, 0.1, 0.5, 1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 86400),
    "gen_ai.client.operation.duration": (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92),
}

METRIC_UNITS: Final[dict[str, str]] = {
    "exectrail.execution.active": "{execution}",
    "exectrail.execution.transitions": "{transition}",
    "exectrail.execution.duration": "s",
    "exectrail.execution.state.duration": "s",
    "exectrail.inference.cost": "{USD}",
    "exectrail.telemetry.dropped": "{item}",
    "exectrail.pipeline.canary": "1",
    "gen_ai.client.operation.duration": "s",
    "gen_ai.client.inference.usage.input_tokens": "{token}",
    "gen_ai.client.inference.usage.output_tokens": "{token}",
}

METRIC_BRIEFS: Final[dict[str, str]] = {
    "exectrail.execution.active": "Open executions.",
    "exectrail.execution.transitions": "State changes.",
    "exectrail.execution.duration": "From start to the end of the segment.",
    "exectrail.execution.state.duration": "Time in a state that was left.",
    "exectrail.inference.cost": "Priced cost of model calls.",
    "exectrail.telemetry.dropped": "What could not be kept and the sites that failed.",
    "exectrail.pipeline.canary": "Written by the receiver through its own path; while it is late nobody is judged.",
    "gen_ai.client.operation.duration": "Duration of a model call.",
    "gen_ai.client.inference.usage.input_tokens": "Input tokens.",
    "gen_ai.client.inference.usage.output_tokens": "Output tokens.",
}

# status words of other systems, lower case with underscores, and the reason they imply
STATUS_STATES: Final[dict[str, State]] = {
    "created": State.CREATED,
    "queued": State.QUEUED,
    "running": State.RUNNING,
    "paused": State.PAUSED,
    "blocked": State.BLOCKED,
    "completed": State.COMPLETED,
    "failed": State.FAILED,
    "cancelled": State.CANCELLED,
    "initializing": State.CREATED,
    "init": State.CREATED,
    "new": State.CREATED,
    "registered": State.CREATED,
    "ready": State.QUEUED,
    "pending": State.QUEUED,
    "scheduled": State.QUEUED,
    "submitted": State.QUEUED,
    "waiting_to_run": State.QUEUED,
    "enqueued": State.QUEUED,
    "executing": State.RUNNING,
    "in_progress": State.RUNNING,
    "started": State.RUNNING,
    "active": State.RUNNING,
    "working": State.RUNNING,
    "resumed": State.RUNNING,
    "processing": State.RUNNING,
    "waiting": State.PAUSED,
    "suspended": State.PAUSED,
    "awaiting_input": State.PAUSED,
    "needs_input": State.PAUSED,
    "waiting_human": State.PAUSED,
    "input_required": State.PAUSED,
    "on_hold": State.PAUSED,
    "throttled": State.BLOCKED,
    "rate_limited": State.BLOCKED,
    "awaiting_review": State.BLOCKED,
    "waiting_dependency": State.BLOCKED,
    "success": State.COMPLETED,
    "succeeded": State.COMPLETED,
    "completed_success": State.COMPLETED,
    "complete": State.COMPLETED,
    "done": State.COMPLETED,
    "finished": State.COMPLETED,
    "ok": State.COMPLETED,
    "passed": State.COMPLETED,
    "fail": State.FAILED,
    "failure": State.FAILED,
    "error": State.FAILED,
    "errored": State.FAILED,
    "completed_failure": State.FAILED,
    "crashed": State.FAILED,
    "timeout": State.FAILED,
    "timed_out": State.FAILED,
    "canceled": State.CANCELLED,
    "aborted": State.CANCELLED,
    "killed": State.CANCELLED,
    "revoked": State.CANCELLED,
    "stopped": State.CANCELLED,
    "interrupted": State.CANCELLED,
}

STATUS_REASONS: Final[dict[str, Reason]] = {
    "timeout": Reason.TIMEOUT,
    "timed_out": Reason.TIMEOUT,
    "rate_limited": Reason.RATE_LIMIT,
    "throttled": Reason.RATE_LIMIT,
    "awaiting_review": Reason.REVIEW,
    "needs_input": Reason.HUMAN_INPUT,
    "waiting_human": Reason.HUMAN_INPUT,
    "awaiting_input": Reason.HUMAN_INPUT,
    "input_required": Reason.HUMAN_INPUT,
    "scheduled": Reason.SCHEDULE,
    "waiting_dependency": Reason.DEPENDENCY,
    "canceled": Reason.USER_REQUEST,
    "aborted": Reason.USER_REQUEST,
    "revoked": Reason.USER_REQUEST,
    "error": Reason.ERROR,
    "errored": Reason.ERROR,
    "crashed": Reason.ERROR,
}
