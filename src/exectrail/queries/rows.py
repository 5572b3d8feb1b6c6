"""The rows that the questions answer with. Fields are the columns of the `*.sql` files, by name.

Times are UTC and aware; durations are milliseconds. `cost` is in USD and None where no call had a
price; `priced_calls` of `calls` had one. Tokens stand in exclusive buckets: `uncached_tokens`,
`cache_read_tokens`, `cache_write_tokens`, `output_tokens` (`reasoning_tokens` is a part of output,
`input_tokens` the sum of the first three). `clock_offset_us` turns times that the program wrote
into the store's, which `last_heartbeat` has. `flags` are what is to be looked at (stuck, orphaned,
overdue, slow); `flag_s` and `flag_allowed_s` measure the first one of an execution, in seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Calls of models, their tokens and their cost."""

    calls: int
    priced_calls: int
    input_tokens: int
    uncached_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    output_tokens: int
    reasoning_tokens: int
    cost: Decimal | None

    @property
    def priced_share(self) -> float | None:
        """Part of the calls that had a price, 0 to 1; None without calls."""
        return self.priced_calls / self.calls if self.calls else None


def total(parts: Iterable[Usage]) -> Usage:
    """The sum of usages; its cost is None where none of them has one."""
    counted = list(parts)
    costs = [part.cost for part in counted if part.cost is not None]
    numbers = [field.name for field in fields(Usage) if field.name != "cost"]
    return Usage(
        **{name: sum(getattr(part, name) for part in counted) for name in numbers},
        cost=sum(costs, Decimal(0)) if costs else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Run(Usage):
    """One run, with the sums over its whole tree (view `executions`)."""

    execution_id: str
    name: str
    kind: str
    workflow: str
    agent: str
    agents: Sequence[str]
    project: str
    environment: str
    service: str
    service_version: str
    state: str
    effective_state: str
    outcome: str
    reason: str
    health: str
    flags: Sequence[str]
    flag_s: float
    flag_allowed_s: float
    started_at: datetime
    ended_at: datetime | None
    duration_ms: float
    state_ms: float
    work_ms: float
    wait_ms: float
    queued_ms: float
    blocked_ms: float
    deadline: datetime | None
    attempt: int
    iterations: int
    max_iterations: int
    progress: float
    message: str
    steps_planned: int
    steps_completed: int
    mode: str
    target_type: str
    target_id: str
    trigger_source: str
    trigger_key: str
    trigger_status: str
    trigger_intent: str
    tags: Mapping[str, str]
    conversation_id: str
    external_id: str
    trace_id: str
    segments: Sequence[str]
    resumes: int
    forked_from: str
    nodes: int
    tool_calls: int
    retries: int
    errors: int
    error_type: str
    error_message: str
    last_step: str
    last_event: datetime
    worker_id: str
    host: str
    pid: int
    clock_offset_us: int
    last_heartbeat: datetime | None
    exit_code: int | None
    signal: str
    oom: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Node(Usage):
    """One execution at any level; usage is of its own calls alone (view `execution_tree`)."""

    execution_id: str
    parent_id: str
    root_id: str
    name: str
    kind: str
    workflow: str
    agent: str
    tool: str
    state: str
    effective_state: str
    outcome: str
    reason: str
    health: str
    flags: Sequence[str]
    flag_s: float
    flag_allowed_s: float
    started_at: datetime
    ended_at: datetime | None
    duration_ms: float
    state_ms: float
    work_ms: float
    wait_ms: float
    queued_ms: float
    blocked_ms: float
    attempt: int
    iteration: int
    iterations: int
    max_iterations: int
    progress: float
    message: str
    steps_planned: int
    steps_completed: int
    segments: Sequence[str]
    resumes: int
    forked_from: str
    error_type: str
    error_message: str
    external_id: str
    trace_id: str
    span_id: str
    last_event: datetime
    worker_id: str
    host: str
    pid: int
    clock_offset_us: int
    last_heartbeat: datetime | None
    exit_code: int | None
    signal: str
    oom: int
    deadline: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """An execution whose id begins as asked for; `root_id` is the run it belongs to."""

    execution_id: str
    root_id: str
    is_root: int
    kind: str
    name: str
    started_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StateOf:
    """The state that an execution is in."""

    execution_id: str
    effective_state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One change of state in a run; `segment_id` is who wrote it, for `execution_id`."""

    ts: datetime
    execution_id: str
    segment_id: str
    sequence: int
    kind: str
    name: str
    agent: str
    previous_state: str
    state: str
    reason: str
    valid: int
    attempt: int
    iteration: int
    error_type: str
    error_message: str
    host: str
    pid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunAgent(Usage):
    """What one agent did in a run; agent '' is what was done outside any agent."""

    agent: str
    executions: int
    effective_state: str
    reason: str
    started_at: datetime
    ended_at: datetime | None
    duration_ms: float
    attempt: int
    tool_calls: int
    errors: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunError:
    """A failed execution; `origin` where the error began: no child of it failed."""

    execution_id: str
    parent_id: str
    kind: str
    name: str
    agent: str
    tool: str
    attempt: int
    iteration: int
    reason: str
    error_type: str
    error_message: str
    failed_at: datetime
    origin: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost(Usage):
    """A line of the cost table. `cost` is in `currency`; calls without a price stand under USD."""

    key: str
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentCost(Usage):
    """What an agent cost over some runs; status is the effective state of its latest execution."""

    agent: str
    status: str
    duration_ms: float
    tool_calls: int
    errors: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """What carried a name of ours and could not be used."""

    received: datetime
    ts: datetime
    event: str
    reject: str
    service: str
    project: str
    host: str
    pid: int
    worker_id: str
    attributes: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """Whether what is sent reaches the store; `health` is `ok`, or why silence proves nothing."""

    now: datetime
    silent: int
    health: str
    last_canary: datetime
    streak_start: datetime
    streak_s: float
