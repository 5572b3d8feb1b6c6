"""What the dashboards Anomalies and Health have to show, and what the others show besides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from exectrail.conventions import names

from .fleet_expected import Between, Points, Row, Window, about, grouped, spent
from .fleet_runs import Call, Node, Run, known, money

WRONG = "summaries"
"""The workflow whose last two hours are dear and hold much memory; it is what the test has shown on
Anomalies."""
LATE = 900
"""Seconds that a test may take until it asks."""


@dataclass(frozen=True)
class Among:
    """Rows that must be there, beside others of which nothing is known."""

    rows: Sequence[Row]


def progress(w: Window) -> list[Row]:
    parts = [node for node in w.run.root.tree() if node is not w.run.root]
    agents = [node for node in parts if node.kind == "agent"]
    steps = [node for node in parts if node.kind in ("step", "task")]
    return [
        {
            "agents_all": len(agents),
            "agents_ended": sum(node.ended is not None for node in agents),
            "steps_all": len(steps),
            "steps_ended": sum(node.ended is not None for node in steps),
            "running_now": 0,
        }
    ]


def ranking(w: Window) -> list[Row]:
    rows: list[Row] = []
    for agent, part in grouped(w.takes_part(w.runs_by_hour), lambda one: one[1]).items():
        over = [nodes for _, _, nodes in part if all(node.ended is not None for node in nodes)]
        if not over:
            continue
        n, good = len(over), sum(nodes[-1].state == "completed" for nodes in over)
        share, z = good / n, 1.96
        centre, width = share + z * z / (2 * n), (share * (1 - share) + z * z / (4 * n)) / n
        calls = [
            call for run, name, _ in part for node in run.of_agent(name) for call in node.calls
        ]
        cost = money(calls)
        rows.append(
            {
                "agent": agent,
                "ended_runs": n,
                "success_share": share,
                "surely": (centre - z * width**0.5) / (1 + z * z / n),
                "p95_ms": about(0.95, [sum(n.duration_ms for n in nodes) for nodes in over]),
                "tokens_per_run": sum(c.input + c.output for c in calls) / len(part),
                "per_success": None if cost is None or not good else cost / good,
            }
        )
    rows.sort(key=lambda r: (-r["surely"], r["per_success"] is None, r["per_success"], r["agent"]))
    return [{"place": place} | row for place, row in enumerate(rows, start=1)]


def causes(w: Window) -> list[Row]:
    found: dict[str, list[tuple[Run, Call]]] = {}
    for run in w.runs:
        for node in run.root.tree():
            retried = run.workflow == "deep-research" and node.error == "Overloaded"
            cause = "retried" if retried else run.root.state
            if cause in ("retried", "abandoned", "failed", "cancelled"):
                found.setdefault(cause, []).extend((run, call) for call in node.calls)
    rows = [
        {
            "cause": cause,
            "model_calls": len(some),
            "tokens": sum(call.input + call.output for _, call in some),
            "wasted": money([call for _, call in some]),
            "priced": known([call for _, call in some]),
            "all_runs": len({run.id for run, _ in some}),
        }
        for cause, some in found.items()
        if some
    ]
    return sorted(rows, key=lambda row: -(row["wasted"] or 0))


def saved(w: Window) -> list[Row]:
    """No version of the prices is in this store, so what was saved cannot be told."""
    rows: list[Row] = []
    calls = [call for _, _, call in w.calls_by_hour]
    for model, some in grouped(calls, lambda call: call.model).items():
        cached = sum(call.cached for call in some)
        tokens = sum(call.input for call in some)
        told = {"model": model, "cache_read_tokens": cached, "cached": cached / tokens}
        rows.append(told | {"saved": None, "spent": money(some)})
    rows = [row for row in rows if row["cache_read_tokens"]]
    return sorted(rows, key=lambda row: -row["cache_read_tokens"])


# Anomalies


def _of_shown(w: Window) -> dict[datetime, list[Run]]:
    runs = [run for run in w.runs_by_hour if run.workflow == WRONG]
    return grouped(runs, lambda run: w.time(run.made))


def _tokens(runs: list[Run]) -> float:
    return sum(call.input + call.output for run in runs for call in run.calls) / len(runs)


def _taken(runs: list[Run], figure: int) -> float:
    """Of those that told it: what tells nothing did not take nothing."""
    told = [run.root.used[figure] for run in runs if run.root.used]
    return sum(told) / len(told)


MEASURES: dict[str, Callable[[list[Run]], float]] = {
    "runs": len,
    "cost": lambda runs: spent(runs) or 0.0,
    "cost per run": lambda runs: (spent(runs) or 0.0) / len(runs),
    "tokens per run": _tokens,
    "duration": lambda runs: sum(run.root.duration_ms for run in runs) / 1000 / len(runs),
    "CPU": lambda runs: _taken(runs, 0),
    "peak memory": lambda runs: _taken(runs, 1),
    "error rate": lambda runs: 0,
    "abandonment rate": lambda runs: 0,
}


def band(measure: str) -> Callable[[Window], Points]:
    def expected(w: Window) -> Points:
        told = MEASURES[measure]
        hours = _of_shown(w).items()
        if measure in ("CPU", "peak memory"):
            hours = [(time, runs) for time, runs in hours if any(run.root.used for run in runs)]
        return {(time, "measured"): told(runs) for time, runs in hours}

    return expected


def no_points(w: Window) -> Points:
    return {}


def no_rows(w: Window) -> list[Row]:
    return []


def hits(w: Window) -> Among:
    """Its runs cost 30 times as much, in the hours that are dear as a whole, and hold five times
    the memory; its agent does, too.
    """
    dear = {w.time(-8000), w.time(-4000)}
    rows: list[Row] = [
        {"hour": hour, "subject": WRONG, "measure": measure, "direction": "more"}
        | {"scope": "workflow", "project": "shop", "environment": "production"}
        for hour in dear
        for measure in ("cost per run", "peak memory")
    ]
    memory = _taken(_of_shown(w)[w.time(-4000)], 1)
    for row in rows:
        if row["hour"] == w.time(-4000) and row["measure"] == "peak memory":
            row["was"] = f"{round(memory / 2**20, 2):g} MiB"
    agent = {"subject": "summariser", "scope": "agent", "workflow": WRONG, "agent": "summariser"}
    return Among([*rows, agent | {"hour": w.time(-4000), "measure": "peak memory"}])


def hits_over_time(w: Window) -> Points:
    return {(w.time(-4000), name): Between(1, 50) for name in ("cost per run", "peak memory")}


def young(w: Window) -> list[Row]:
    found: dict[tuple[str, ...], list[datetime]] = {}
    for run in w.fleet.runs:
        about_run = [("workflow", run.workflow), *(("agent", agent) for agent in run.agents)]
        for scope, subject in about_run:
            found.setdefault((subject, scope, *run.place), []).append(w.fleet.at(run.made))
    rows: list[Row] = []
    for (subject, scope, project, environment, workflow), made in found.items():
        first = min(made).replace(hour=0, minute=0, second=0)
        if first + timedelta(days=7) > datetime.now(UTC):
            rows.append(
                {
                    "subject": subject,
                    "scope": scope,
                    "project": project,
                    "environment": environment,
                    "workflow": workflow,
                    "first_heard": first,
                    "days_heard": len({one.date() for one in made}),
                    "all_runs": len(made),
                    "judged_from": first + timedelta(days=7),
                }
            )
    return sorted(
        sorted(rows, key=lambda r: r["subject"]),
        key=lambda r: (r["judged_from"], r["scope"]),
        reverse=True,
    )


def subjects(w: Window) -> list[Row]:
    counts: dict[tuple[bool, str], int] = {}
    for run in w.fleet.runs:
        for one in [(True, run.workflow), *((False, agent) for agent in run.agents)]:
            counts[one] = counts.get(one, 0) + 1
    ordered = sorted(counts, key=lambda one: (not one[0], -counts[one], one[1]))
    return [{"choice": name} for _, name in ordered]


# Health


def latest_signs(w: Window) -> list[Row]:
    ages = ("fold_age_s", "baseline_age_s", "verdict_age_s")
    return [{"canary_age_s": Between(-7200, 0)} | {age: Between(0, LATE) for age in ages}]


def _came(w: Window) -> list[tuple[Node, int]]:
    """What was told of states and came in the time shown: 50 ms after it was written."""
    return [
        (node, move.at)
        for run in w.fleet.runs
        for node in run.root.tree()
        for move in node.moves
        if move.at >= w.since and move.at < 0
    ]


def delay(w: Window) -> Points:
    times = {w.time(at) for _, at in _came(w)}
    return {(time, name): 50.0 for time in times for name in ("median", "p95", "longest")}


def arrivals(w: Window) -> Points:
    per_minute = 60 / w.interval_s
    told: Points = {}
    states = grouped(_came(w), lambda one: w.time(one[1]))
    calls = [call.at for _, _, call in w.fleet.calls() if call.at >= w.since]
    for name, found in (
        ("changes of state", states),
        ("model calls", grouped(calls, w.time)),
    ):
        # Some come twice, and count twice here.
        told |= {
            (time, name): Between(len(some) * per_minute - 1e-9, 2 * len(some) * per_minute)
            for time, some in found.items()
        }
    return told


def dropped(w: Window) -> list[Row]:
    grown = 0.0
    for start, points in w.fleet.dropped:
        values = [value for at, value in points if at >= w.since]
        grown += max(values) - (0 if start >= w.since else min(values))
    return [{"dropped": grown, "processes": len(w.fleet.dropped)}]


def rejects(w: Window) -> list[Row]:
    times = sum(at >= w.since for at in w.fleet.rejects)
    told = {"reject": "execution id missing", "project": "research", "service": "svc"}
    return [told | {"times": times}] if times else []


def late(w: Window) -> list[Row]:
    """By host and project; all came after 50 ms."""
    events: dict[tuple[str, str], int] = {}
    for program in w.fleet.programs:
        told = [
            record
            for record in program.records
            if names.EXECUTION_STATE in record["LogAttributes"]
            and w.fleet.at(w.since) <= record["Received"] <= w.fleet.base
        ]
        if told:
            key = program.host, program.project
            events[key] = events.get(key, 0) + len(told)
    return [
        {
            "service": "svc",
            "host": host,
            "project": project,
            "events": Between(count, 2 * count),
            "quickest_ms": 50.0,
            "median_ms": 50.0,
            "longest_ms": 50.0,
        }
        for (host, project), count in sorted(events.items())
    ]


def tables(w: Window) -> Among:
    # Of a run that resumes another one there is a row besides, which says that it is none.
    runs = len(w.fleet.runs)
    return Among([{"table_name": "runs", "stored_rows": Between(runs, 2 * runs)}])
