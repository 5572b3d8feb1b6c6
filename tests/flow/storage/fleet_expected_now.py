"""What the dashboards Fleet and History have to show."""

from __future__ import annotations

from collections import Counter

from .fleet import DAY
from .fleet_expected import (
    Between,
    Points,
    Row,
    Window,
    ended,
    grouped,
    of,
    quantile,
    spent,
)
from .fleet_runs import known, money


def open_now(w: Window) -> list[Row]:
    states = Counter(run.root.state for run in w.open)
    return [{s: states[s] for s in ("running", "queued", "created", "paused", "blocked")}]


def attention(w: Window) -> list[Row]:
    flags = Counter(flag for run in w.open for flag in run.flags)
    died = sum(run.outcome == "abandoned" for run in w.ill)
    return [{"abandoned": died} | {f: flags[f] for f in ("stuck", "orphaned", "overdue", "slow")}]


def rates(w: Window) -> list[Row]:
    over = ended(w.runs)
    share = {
        name: of([run for run in over if run.outcome in outcomes], over)
        for name, outcomes in {
            "success": ("success",),
            "failed": ("failed", "partial"),
            "abandoned": ("abandoned",),
            "cancelled": ("cancelled",),
        }.items()
    }
    return [share]


def ill(w: Window) -> list[Row]:
    last = {run.id: max(at for node in run.root.tree() for at in node.heard) for run in w.ill}
    ordered = sorted(sorted(w.ill, key=lambda run: run.id), key=lambda run: -last[run.id])
    return [
        {
            "execution_id": run.id,
            "workflow": run.workflow,
            "state": run.root.state,
            "flagged": ", ".join(run.flags),
            "reason": run.reason,
            "last_event": w.fleet.at(last[run.id]),
            "pid": run.program.pid,
            "signal": "SIGKILL" if run.reason == "process_exited" else "",
            "cost": spent([run]),
        }
        for run in ordered[:100]
    ]


def outcomes(w: Window) -> Points:
    found = grouped(w.runs, lambda run: (w.time(run.made), run.outcome or "open"))
    return {key: len(runs) for key, runs in found.items()}


def throughput(w: Window) -> Points:
    began = Counter(w.time(run.made) for run in w.runs)
    over = Counter(
        w.time(run.root.ended)
        for run in w.fleet.runs
        if run.root.ended is not None and run.root.ended >= w.since
    )
    per_minute = 60 / w.interval_s
    return {
        (time, name): counts[time] * per_minute
        for time in began.keys() | over.keys()
        for name, counts in (("started", began), ("ended", over))
    }


def queue_wait(w: Window) -> Points:
    told: Points = {}
    for time, runs in grouped(w.runs, lambda run: w.time(run.made)).items():
        if any(run.root.ended is None for run in runs):
            continue  # what waits, waits longer while one looks
        waits = [run.root.spent("created", "queued") for run in runs]
        told |= {(time, "median"): quantile(0.5, waits), (time, "p95"): quantile(0.95, waits)}
    return told


def spend(w: Window) -> Points:
    calls = [call for _, _, call in w.fleet.calls() if call.at >= w.since]
    by_time = {time: money(some) for time, some in grouped(calls, lambda c: w.time(c.at)).items()}
    per_hour = 3600 / w.interval_s
    return {(t, "spend"): cost * per_hour for t, cost in by_time.items() if cost is not None}


def waiting(w: Window) -> list[Row]:
    runs = [run for run in w.open if run.root.state in ("paused", "blocked")]
    return [
        {
            "execution_id": run.id,
            "state": run.root.state,
            "reason": run.root.reason,
            "state_since": w.fleet.at(run.root.moves[-1].at),
            "waited_ms": Between(
                -run.root.moves[-1].at * 1000, (900 - run.root.moves[-1].at) * 1000
            ),
        }
        for run in sorted(runs, key=lambda run: run.root.moves[-1].at)
    ]


def workers(w: Window) -> list[Row]:
    order = {"silent": 0, "alive": 1, "exited": 2}
    heard = [
        (w.fleet.status(program), program)
        for program in w.fleet.programs
        if w.fleet.ends.get(program.worker_id, ("", 0))[1] > -DAY
    ]
    return [
        {"status": status}
        | ({"pid": program.pid, "host": program.host} if status == "alive" else {})
        for status, program in sorted(heard, key=lambda one: (order[one[0]], one[1].worker_id))
    ]


def pipeline(w: Window) -> list[Row]:
    grown = []
    for start, points in w.fleet.dropped:
        values = [value for at, value in points if at >= w.since]
        grown.append(max(values) - (0 if start >= w.since else min(values)))
    rejected = sum(at >= w.since for at in w.fleet.rejects)
    # The test has it told ahead of time, so that nobody is judged by how long the test takes.
    return [{"canary_age_s": Between(-7200, 0), "rejected": rejected, "dropped": sum(grown)}]


def totals(w: Window) -> list[Row]:
    over = ended(w.runs)
    lasted = [run.root.duration_ms for run in over]
    calls = [call for run in w.runs for call in run.calls]
    return [
        {
            "runs": len(w.runs),
            "success": of([run for run in over if run.outcome == "success"], over),
            "median_ms": quantile(0.5, lasted),
            "p95_ms": quantile(0.95, lasted),
            "total_cost": money(calls),
            "priced": known(calls),
        }
    ]


def durations(w: Window) -> Points:
    told: Points = {}
    for time, runs in grouped(ended(w.runs), lambda run: w.time(run.made)).items():
        lasted = [run.root.duration_ms for run in runs]
        levels = {"median": 0.5, "p90": 0.9, "p99": 0.99}
        told |= {(time, name): quantile(level, lasted) for name, level in levels.items()}
    return told


def history(w: Window) -> list[Row]:
    rows: list[Row] = []
    for run in w.runs[:500]:
        nodes = list(run.root.tree())
        row = {
            "execution_id": run.id,
            "started_at": w.fleet.at(run.made),
            "workflow": run.workflow,
            "project": run.project,
            "state": run.root.state,
            "outcome": run.outcome,
            "reason": run.reason,
            "agent_executions": sum(node.kind == "agent" for node in nodes),
            "tool_calls": sum(node.kind == "tool" for node in nodes),
            "retries": sum(node.attempt > 1 for node in nodes),
            "errors": run.root.errors,
            "error_type": run.root.error,
            "tokens": sum(call.input + call.output for call in run.calls),
            "cost": spent([run]),
            "priced": known(run.calls),
            "trigger_source": run.trigger,
            "trigger_intent": run.intent,
            "target": run.target,
        }
        if run.outcome:
            row |= {
                "duration_ms": run.root.duration_ms,
                "wait_ms": run.root.spent("paused"),
                "queued_ms": run.root.spent("created", "queued"),
            }
        rows.append(row)
    return rows


def reasons(w: Window) -> list[Row]:
    bad = [run for run in ended(w.runs) if run.outcome != "success"]
    found = grouped(bad, lambda run: (run.workflow, run.outcome, run.reason, run.root.error))
    ordered = sorted(found.items(), key=lambda one: (-len(one[1]), one[0]))
    return [
        dict(zip(("workflow", "outcome", "reason", "error_type"), key, strict=True))
        | {"runs": len(runs), "wasted": spent(runs), "example": max(run.id for run in runs)}
        for key, runs in ordered
    ]
