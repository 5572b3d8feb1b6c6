"""What each alert rule has to fire for, put together from a fleet's notes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from exectrail.check.rules import Rule

from .fleet_expected import Between, grouped
from .fleet_runs import Fleet, Run, money

Fires = dict[tuple[str, str, str, str], Any]
"""By project, environment, subject and detail: the value."""
LATE = 900
"""Seconds that a test may take until it asks."""


def _rate(rule: Rule, fleet: Fleet, value: Callable[[list[Run]], float | None]) -> Fires:
    """Of what ended in the window, by workflow; a window ends when it is asked, not before."""
    over = [
        run
        for run in fleet.runs
        if run.outcome and run.mode != "simulation" and (run.root.ended or 0) >= -rule.window_s
    ]
    told = {(*place, ""): value(runs) for place, runs in grouped(over, lambda r: r.place).items()}
    return {key: one for key, one in told.items() if one is not None}


def abandonment_rate(rule: Rule, fleet: Fleet) -> Fires:
    def value(runs: list[Run]) -> float | None:
        share = sum(run.outcome == "abandoned" for run in runs) / len(runs)
        return share if len(runs) >= rule.least and share > rule.threshold else None

    return _rate(rule, fleet, value)


def success_rate(rule: Rule, fleet: Fleet) -> Fires:
    def value(runs: list[Run]) -> float | None:
        kept = [run for run in runs if run.outcome != "cancelled"]
        if len(kept) < rule.least:
            return None
        share = sum(run.outcome == "success" for run in kept) / len(kept)
        return share if share < rule.threshold else None

    return _rate(rule, fleet, value)


def failure_burst(rule: Rule, fleet: Fleet) -> Fires:
    def value(runs: list[Run]) -> float | None:
        bad = sum(run.outcome in ("failed", "partial", "abandoned") for run in runs)
        return bad if bad >= rule.threshold else None

    return _rate(rule, fleet, value)


def stuck(rule: Rule, fleet: Fleet) -> Fires:
    found = [run for run in fleet.runs if "stuck" in run.flags]
    return {
        (*run.place, run.id): Between(-max(run.root.heard), LATE - max(run.root.heard))
        for run in found
    }


def worker_silent(rule: Rule, fleet: Fleet) -> Fires:
    silent = [
        (program, fleet.ends[program.worker_id][1])
        for program in fleet.programs
        if fleet.status(program) == "silent"
        and fleet.ends[program.worker_id][1] > -rule.window_s + LATE
    ]
    return {
        (p.project, p.environment, "svc", f"{p.host} pid {p.pid}"): Between(-at - 1, LATE - at)
        for p, at in silent
    }


def paused_too_long(rule: Rule, fleet: Fleet) -> Fires:
    paused = [(run, run.root.moves[-1].at) for run in fleet.runs if run.root.state == "paused"]
    return {
        (*run.place, run.id): Between(-at, LATE - at) for run, at in paused if -at > rule.threshold
    }


def cost_of_day(rule: Rule, fleet: Fleet) -> Fires:
    today = datetime.now(UTC).date()
    spent: dict[tuple[str, str, str, str], list[Any]] = defaultdict(list)
    for run, _, call in fleet.calls():
        if fleet.at(call.at).date() == today:
            project, environment, workflow = run.place
            for subject, detail in (("", "all of it"), (workflow, f"workflow {workflow}")):
                spent[project, environment, subject, detail].append(call)
    budgets = {key: rule.workflows.get(key[2], 0) if key[2] else rule.threshold for key in spent}
    told = {key: money(calls) or 0.0 for key, calls in spent.items()}
    return {key: cost for key, cost in told.items() if 0 < budgets[key] < cost}


def cost_of_run(rule: Rule, fleet: Fleet) -> Fires:
    told = {
        (*run.place, run.id): money(run.calls) or 0.0
        for run in fleet.runs
        if run.made > -rule.window_s + LATE
    }
    return {key: cost for key, cost in told.items() if 0 < rule.threshold < cost}


def unpriced_calls(rule: Rule, fleet: Fleet) -> Fires:
    first = datetime.now(UTC) - timedelta(seconds=rule.window_s)
    first = first.replace(minute=0, second=0, microsecond=0)
    counts: dict[tuple[str, str, str, str], int] = defaultdict(int)
    for run, _, call in fleet.calls():
        if call.cost is None and fleet.at(call.at) >= first:
            counts[run.project, run.program.environment, call.model, call.provider] += 1
    return dict(counts)


def telemetry_lost(rule: Rule, fleet: Fleet) -> Fires:
    lost = sum(at >= -rule.window_s for at in fleet.rejects)
    told: Fires = {("research", "", "svc", "execution id missing"): lost} if lost else {}
    dropped = 0.0
    for _, points in fleet.dropped:
        before = [value for at, value in points if at < -rule.window_s]
        within = [value for at, value in points if at >= -rule.window_s]
        dropped += max(0.0, max(within, default=0.0) - max(before, default=0.0))
    return told | ({("", "", "", "dropped by the program: "): dropped} if dropped else {})


def nothing(rule: Rule, fleet: Fleet) -> Fires:
    """It fires for nothing in any of these fleets."""
    return {}


ALERTS: dict[str, Callable[[Rule, Fleet], Fires]] = {
    "no_data": nothing,
    "abandonment_rate": abandonment_rate,
    "success_rate": success_rate,
    "failure_burst": failure_burst,
    "stuck": stuck,
    "worker_silent": worker_silent,
    "paused_too_long": paused_too_long,
    "cost_of_day": cost_of_day,
    "cost_of_run": cost_of_run,
    "unpriced_calls": unpriced_calls,
    "telemetry_lost": telemetry_lost,
}
"""All but `anomaly` and `cost_predicted`, of which the test speaks; a new rule gets an entry."""
