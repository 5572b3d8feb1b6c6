"""Which question each panel answers with which fields; a panel that is added gets an entry here.

The functions stand in `fleet_expected_now`, `_sums` and `_run`; types are Grafana's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from . import fleet_expected_now as now
from . import fleet_expected_run as run
from . import fleet_expected_sums as sums
from . import fleet_expected_watch as watch
from .fleet_expected import Window


class Shown(NamedTuple):
    """What a query of a panel has to give: its fields, and their values."""

    fields: str
    values: Callable[[Window], Any]


_SPENT = (
    "spent:*float64 priced:*float64 model_calls:uint64 input:uint64 output:uint64 cached:*float64"
)
_LINES = "time:time cost_usd:*float64"
_SUMS = (
    "key:string spent:*float64 model_calls:uint64 priced:*float64 input:uint64 output:uint64 "
    "cached:*float64"
)
_HEADER = (
    "name:string state:string outcome:string reason:string flagged:string "
    "trigger_source:string trigger_key:string trigger_intent:string target:string "
    "project:string environment:string service_version:string started_at:time ended_at:*time "
    "last_step:string last_heartbeat:*time host:string pid:uint32 exit_code:*int32 "
    "signal:string error_type:string error_message:string duration_ms:float64 work_ms:float64 "
    "wait_ms:float64 queued_ms:float64 blocked_ms:float64 cost:*float64 priced:*float64 "
    "calls:uint64 input_tokens:uint64 output_tokens:uint64 cache_read_tokens:uint64 "
    "tool_calls:uint64 errors:uint64 retries:uint64 resumes:int64 iterations:uint32 "
    "max_iterations:uint32 progress:float64 message:string execution_id:string"
)
_OUTCOMES = "time:time runs:*float64"
_TOTALS = (
    "runs:uint64 success:*float64 median_ms:*float64 p95_ms:*float64 total_cost:*float64 "
    "priced:*float64"
)
_CHOICE = "choice:string"
_BAND = "time:time usual_from:*float64 usual_to:*float64 measured:float64 unusual:*float64"

EXPECTED: dict[str, Shown] = {
    "agents: Agents and their versions": Shown(
        "agent:string agent_version:string taken_part:uint64 success_share:*float64 "
        "failures:uint64 lost_runs:uint64 retries_per_run:*float64 errors_told:uint64 "
        "tools:uint64 median_ms:*float32 p95_ms:*float32 tokens_per_run:*float64 "
        "spent:*float64 per_success:*float64 priced:*float64",
        sums.agents,
    ),
    "agents: Success": Shown(
        "time:time success:*float64",
        sums.agent_success,
    ),
    "agents: Duration, 95th percentile": Shown(
        "time:time p95:*float32",
        sums.agent_durations,
    ),
    "agents: At work at once": Shown(
        "time:time at_work:*float64",
        sums.agent_utilisation,
    ),
    "agents: What agents fail with": Shown(
        "agent:string agent_version:string state:string reason:string error_type:string "
        "times:uint64 latest:time example:string",
        sums.agent_errors,
    ),
    "cost: Spent": Shown(_SPENT, sums.costs),
    "cost: Known share": Shown(_SPENT, sums.costs),
    "cost: Calls and tokens": Shown(_SPENT, sums.costs),
    "cost: Spent by model": Shown(_LINES, sums.cost_over_time("model")),
    "cost: Spent by workflow": Shown(_LINES, sums.cost_over_time("workflow")),
    "cost: By day": Shown(_SUMS, sums.cost_by("day")),
    "cost: By model": Shown(_SUMS, sums.cost_by("model")),
    "cost: By agent": Shown(_SUMS, sums.cost_by("agent")),
    "cost: By workflow": Shown(_SUMS, sums.cost_by("workflow")),
    "cost: By project": Shown(_SUMS, sums.cost_by("project")),
    "cost: Without a price": Shown(
        "provider:string model:string unpriced:int64 all_calls:uint64 tokens:uint64",
        sums.unpriced,
    ),
    "cost: Spent for nothing": Shown(
        "time:time failed_or_abandoned:float64 useful:float64",
        sums.waste,
    ),
    "cost: Spent for nothing, by workflow": Shown(
        "workflow:string all_runs:uint64 successes:uint64 spent:*float64 lost:*float64 "
        "lost_share:*float64 per_success:*float64",
        sums.waste_by_workflow,
    ),
    "execution: State": Shown(_HEADER, run.header),
    "execution: Cost": Shown(_HEADER, run.header),
    "execution: Time": Shown(_HEADER, run.header),
    "execution: Work": Shown(_HEADER, run.header),
    "execution: What is known of it": Shown(_HEADER, run.header),
    "execution: Tree": Shown(
        "id:string title:string subtitle:string mainstat:string secondarystat:*string "
        "arc__completed:float64 arc__failed:float64 arc__abandoned:float64 "
        "arc__cancelled:float64 arc__running:float64 arc__paused:float64 arc__queued:float64 "
        "detail__agent:string detail__tool:string detail__reason:string detail__error:string "
        "detail__attempt:string",
        run.tree,
    ),
    "execution: Tree 1": Shown(
        "id:string source:string target:string mainstat:string",
        run.edges,
    ),
    "execution: Waterfall": Shown(
        "traceID:string spanID:string parentSpanID:string serviceName:string "
        "operationName:string startTime:time duration:float64 statusCode:uint8 tags:json "
        "serviceTags:json",
        run.waterfall,
    ),
    "execution: Agents": Shown(
        "agent:string executions:uint64 effective_state:string reason:string started_at:time "
        "ended_at:*time duration_ms:float64 attempt:uint32 tool_calls:uint64 errors:uint64 "
        "calls:uint64 priced_calls:uint64 input_tokens:uint64 uncached_tokens:uint64 "
        "cache_read_tokens:uint64 cache_write_tokens:uint64 output_tokens:uint64 "
        "reasoning_tokens:uint64 cost:*float64",
        run.run_agents,
    ),
    "execution: States over time": Shown(
        "time:time execution:string state:string",
        run.states,
    ),
    "execution: Plan beside actual": Shown(
        "planned_by:string revision:uint32 step:string component:string state:string "
        "estimated_s:*float64 actual_s:*float64 estimated_cost:*float64 actual_cost:*float64",
        run.plan,
    ),
    "execution: Tool calls": Shown(
        "tool_name:string tool_calls:uint64 failed:uint64 total_ms:float64 median_ms:float64 "
        "max_ms:float64 error:string",
        run.tools,
    ),
    "execution: Errors": Shown(
        "execution_id:string parent_id:string kind:string name:string agent:string "
        "tool:string attempt:uint32 iteration:uint32 reason:string error_type:string "
        "error_message:string failed_at:time origin:uint8",
        run.errors,
    ),
    "execution: Iterations and attempts": Shown(
        "name:string kind:string agent:string iteration:uint32 max_iterations:uint32 "
        "attempt:uint32 state:string reason:string duration_ms:float64 calls:uint64 "
        "tokens:uint64 cost:*float64 error_type:string execution_id:string",
        run.iterations,
    ),
    "execution: Changes of state": Shown(
        "ts:time execution_id:string segment_id:string sequence:uint32 kind:string "
        "name:string agent:string previous_state:string state:string reason:string "
        "valid:uint8 attempt:uint32 iteration:uint32 error_type:string error_message:string "
        "host:string pid:uint32",
        run.transitions,
    ),
    "execution: Artifacts": Shown(
        "ts:time execution_id:string kind:string name:string artifact_name:string "
        "artifact_url:string artifact_action:string artifact_media_type:string "
        "artifact_size:*uint64",
        run.artifacts,
    ),
    "execution: Resources": Shown(
        "ts:time execution_id:string kind:string name:string cpu_seconds:*float64 "
        "memory_peak_bytes:*uint64 disk_read_bytes:*uint64 disk_write_bytes:*uint64 "
        "resource_scope:string resource_share:*float64",
        run.resources,
    ),
    "execution: Compared with a second run": Shown(
        "figure:string this_run:*float64 other_run:*float64 difference:*float64 change:*float64",
        run.compare,
    ),
    "fleet: Open now": Shown(
        "running:uint64 queued:uint64 created:uint64 paused:uint64 blocked:uint64",
        now.open_now,
    ),
    "fleet: Look at these": Shown(
        "abandoned:uint64 stuck:uint64 orphaned:uint64 overdue:uint64 slow:uint64",
        now.attention,
    ),
    "fleet: Ended how": Shown(
        "success:*float64 failed:*float64 abandoned:*float64 cancelled:*float64",
        now.rates,
    ),
    "fleet: Runs to look at": Shown(
        "execution_id:string name:string workflow:string state:string flagged:string "
        "reason:string last_step:string last_event:time host:string pid:uint32 "
        "exit_code:*int32 signal:string cost:*float64",
        now.ill,
    ),
    "fleet: Runs by outcome": Shown(_OUTCOMES, now.outcomes),
    "fleet: Throughput": Shown(
        "time:time started:float64 ended:float64",
        now.throughput,
    ),
    "fleet: Wait in the queue": Shown(
        "time:time median:float64 p95:float64",
        now.queue_wait,
    ),
    "fleet: Spend per hour": Shown(
        "time:time spend:*float64",
        now.spend,
    ),
    "fleet: Waiting": Shown(
        "execution_id:string name:string workflow:string state:string reason:string "
        "state_since:time waited_ms:int64 deadline:*time trigger_source:string "
        "target_id:string",
        now.waiting,
    ),
    "fleet: Processes": Shown(
        "status:string last_heartbeat:time silent_ms:int64 open_executions:uint32 "
        "service:string host:string pid:uint32 exit_code:*int32 signal:string "
        "worker_id:string",
        now.workers,
    ),
    "fleet: Does what is sent arrive?": Shown(
        "canary_age_s:*float64 rejected:*uint64 dropped:*float64",
        now.pipeline,
    ),
    "history: How many": Shown(_TOTALS, now.totals),
    "history: Succeeded": Shown(_TOTALS, now.totals),
    "history: Duration": Shown(_TOTALS, now.totals),
    "history: Cost": Shown(_TOTALS, now.totals),
    "history: Runs by outcome": Shown(_OUTCOMES, now.outcomes),
    "history: Durations": Shown(
        "time:time median:float64 p90:float64 p99:float64",
        now.durations,
    ),
    "history: Runs": Shown(
        "started_at:time name:string workflow:string state:string outcome:string "
        "reason:string duration_ms:float64 wait_ms:float64 queued_ms:float64 "
        "agent_executions:uint64 tool_calls:uint64 retries:uint64 errors:uint64 "
        "error_type:string tokens:uint64 cost:*float64 priced:*float64 trigger_source:string "
        "trigger_intent:string target:string project:string execution_id:string",
        now.history,
    ),
    "history: Why runs did not succeed": Shown(
        "workflow:string outcome:string reason:string error_type:string runs:uint64 "
        "wasted:*float64 latest:time example:string",
        now.reasons,
    ),
    "variable: project": Shown(_CHOICE, sums.choices(lambda run: run.project, all_time=True)),
    "variable: workflow": Shown(_CHOICE, sums.choices(lambda run: run.workflow, all_time=True)),
    "variable: trigger": Shown(_CHOICE, sums.choices(lambda run: run.trigger)),
    "variable: intent": Shown(_CHOICE, sums.choices(lambda run: run.intent)),
    "variable: target": Shown(_CHOICE, sums.choices(lambda run: run.target)),
    "variable: agent": Shown(_CHOICE, sums.agents_seen),
    "variable: model": Shown(_CHOICE, sums.models_seen),
    "agents: Ranking": Shown(
        "place:uint64 agent:string ended_runs:int64 success_share:float64 surely:float64 "
        "p95_ms:*float32 tokens_per_run:float64 per_success:*float64",
        watch.ranking,
    ),
    "anomalies: Not as usual": Shown(
        "time:time unusual:*float64",
        watch.hits_over_time,
    ),
    "anomalies: What was not as usual": Shown(
        "hour:time subject:string measure:string times_off:float64 direction:string "
        "was:string usual:string against:string scope:string workflow:string agent:string "
        "project:string environment:string from_ms:uint64 to_ms:uint64",
        watch.hits,
    ),
    "anomalies: Iterations": Shown("", watch.no_points),
    "anomalies: Too little history": Shown(
        "subject:string scope:string workflow:string project:string environment:string "
        "first_heard:time days_heard:uint64 all_runs:uint64 judged_from:time",
        watch.young,
    ),
    "cost: Spent for nothing, by cause": Shown(
        "cause:string model_calls:uint64 tokens:uint64 wasted:*float64 priced:float64 "
        "all_runs:uint64",
        watch.causes,
    ),
    "cost: Saved by caches": Shown(
        "provider:string model:string cache_read_tokens:uint64 cache_write_tokens:uint64 "
        "cached:*float64 saved:*float64 spent:*float64 price_version:string",
        watch.saved,
    ),
    "execution: How far it is": Shown(
        "agents_all:uint64 agents_ended:uint64 steps_all:uint64 steps_ended:uint64 "
        "running_now:uint64",
        watch.progress,
    ),
    "health: Latest signs": Shown(
        "canary_age_s:*float64 fold_age_s:*float64 baseline_age_s:*int64 verdict_age_s:*int64",
        watch.latest_signs,
    ),
    "health: Lost": Shown(
        "canary_age_s:*float64 rejected:*uint64 dropped:*float64",
        now.pipeline,
    ),
    "health: Ingest delay": Shown(
        "time:time median:float64 p95:float64 longest:float64",
        watch.delay,
    ),
    "health: What arrives": Shown(
        "time:time per_minute:*float64",
        watch.arrivals,
    ),
    "health: Dropped by programs": Shown(
        "service:string site:string dropped:uint64 processes:uint64 latest:time",
        watch.dropped,
    ),
    "health: Could not be used": Shown(
        "reject:string event:string service:string project:string times:uint64 latest:time "
        "latest_host:string latest_attributes:string",
        watch.rejects,
    ),
    "health: Late, or by another clock": Shown(
        "service:string host:string project:string events:uint64 quickest_ms:float64 "
        "median_ms:float64 p95_ms:float64 longest_ms:float64 last_received:time",
        watch.late,
    ),
    "health: Collector's queues": Shown("", watch.no_points),
    "health: Roll-ups behind": Shown("", watch.no_points),
    "health: Collectors": Shown("", watch.no_rows),
    "health: Tables": Shown(
        "table_name:string stored_rows:uint64 stored_bytes:uint64 parts_now:uint64 "
        "bytes_per_row:*float64",
        watch.tables,
    ),
    "health: Slow questions": Shown("", watch.no_rows),
    "variable: shown": Shown(_CHOICE, watch.subjects),
    "anomalies: Runs": Shown(_BAND, watch.band("runs")),
    "anomalies: Duration": Shown(_BAND, watch.band("duration")),
    "anomalies: Cost": Shown(_BAND, watch.band("cost")),
    "anomalies: Cost per run": Shown(_BAND, watch.band("cost per run")),
    "anomalies: Tokens per run": Shown(_BAND, watch.band("tokens per run")),
    "anomalies: CPU": Shown(_BAND, watch.band("CPU")),
    "anomalies: Peak memory": Shown(_BAND, watch.band("peak memory")),
    "anomalies: Error rate": Shown(_BAND, watch.band("error rate")),
    "anomalies: Abandonment rate": Shown(_BAND, watch.band("abandonment rate")),
}
"""By dashboard and title of the panel, with the number of the query where it is not the first."""
