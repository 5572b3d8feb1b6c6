"""What the dashboards Cost and Agents have to show, and what can be chosen from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .fleet_expected import (
    Between,
    Points,
    Row,
    Window,
    about,
    grouped,
    of,
    spent,
    wasted,
)
from .fleet_runs import Call, Node, Run, known, money


def costs(w: Window) -> list[Row]:
    return [_sums([call for _, _, call in w.calls_by_hour])]


def _sums(calls: Sequence[Call]) -> Row:
    tokens = sum(call.input for call in calls)
    return {
        "spent": money(calls),
        "priced": known(calls),
        "model_calls": len(calls),
        "input": tokens,
        "output": sum(call.output for call in calls),
        "cached": sum(call.cached for call in calls) / tokens if tokens else None,
    }


_BY: dict[str, Callable[[Window, tuple[Run, Node, Call]], str]] = {
    "day": lambda w, one: w.fleet.at(one[2].at).date().isoformat(),
    "model": lambda w, one: one[2].model,
    "agent": lambda w, one: one[1].agent,
    "workflow": lambda w, one: one[0].workflow,
    "project": lambda w, one: one[0].project,
}


def cost_by(what: str) -> Callable[[Window], list[Row]]:
    def expected(w: Window) -> list[Row]:
        found = grouped(w.calls_by_hour, lambda one: _BY[what](w, one))
        rows = [{"key": key} | _sums([one[2] for one in some]) for key, some in found.items()]
        return sorted(rows, key=lambda row: (row["spent"] is None, -(row["spent"] or 0)))

    return expected


def cost_over_time(what: str) -> Callable[[Window], Points]:
    def expected(w: Window) -> Points:
        found = grouped(w.calls_by_hour, lambda one: (w.time(one[2].at), _BY[what](w, one)))
        told = {key: money([one[2] for one in some]) for key, some in found.items()}
        return {key: cost for key, cost in told.items() if cost is not None}

    return expected


def unpriced(w: Window) -> list[Row]:
    calls = [call for _, _, call in w.calls_by_hour if call.cost is None]
    return [
        {
            "provider": "local",
            "model": "m-house",
            "unpriced": len(calls),
            "all_calls": len(calls),
            "tokens": sum(call.input + call.output for call in calls),
        }
    ]


def waste(w: Window) -> Points:
    told: Points = {}
    for time, runs in grouped(w.runs_by_hour, lambda run: w.time(run.made)).items():
        lost = spent(wasted(runs)) or 0.0
        useful = (spent(runs) or 0.0) - lost
        told |= {(time, "failed_or_abandoned"): lost, (time, "useful"): useful}
    return told


def waste_by_workflow(w: Window) -> list[Row]:
    rows: list[Row] = []
    for workflow, runs in grouped(w.runs_by_hour, lambda run: run.workflow).items():
        cost, lost = spent(runs), spent(wasted(runs))
        good = sum(run.outcome == "success" for run in runs)
        rows.append(
            {
                "workflow": workflow,
                "all_runs": len(runs),
                "successes": good,
                "spent": cost,
                "lost": lost,
                "lost_share": None if lost is None or not cost else lost / cost,
                "per_success": None if cost is None or not good else cost / good,
            }
        )
    ranks = ((row["lost"], row["spent"], row) for row in rows)
    ordered = sorted(
        ranks,
        key=lambda r: (r[0] is None, -(r[0] or 0), r[1] is None, -(r[1] or 0), r[2]["workflow"]),
    )
    return [row for _, _, row in ordered]


def agents(w: Window) -> list[Row]:
    rows: list[Row] = []
    part = w.takes_part(w.runs_by_hour)
    for (agent, version), some in grouped(part, lambda one: (one[1], one[2][-1].version)).items():
        ends = [nodes[-1].state for _, _, nodes in some if all(n.ended is not None for n in nodes)]
        over = [nodes for _, _, nodes in some if all(n.ended is not None for n in nodes)]
        lasted = [sum(node.duration_ms for node in nodes) for nodes in over]
        done = [node for run, name, _ in some for node in run.of_agent(name)]
        calls = [call for node in done for call in node.calls]
        cost, good = money(calls), ends.count("completed")
        rows.append(
            {
                "agent": agent,
                "agent_version": version,
                "taken_part": len(some),
                "success_share": good / len(ends) if ends else None,
                "failures": ends.count("failed"),
                "lost_runs": ends.count("abandoned"),
                "retries_per_run": sum(max(n.attempt for n in ns) - 1 for _, _, ns in some)
                / len(some),
                "errors_told": sum(node.written == "failed" for node in done),
                "tools": sum(node.kind == "tool" for node in done),
                "median_ms": about(0.5, lasted) if lasted else None,
                "p95_ms": about(0.95, lasted) if lasted else None,
                "tokens_per_run": sum(c.input + c.output for c in calls) / len(some),
                "spent": cost,
                "per_success": cost / good if cost is not None and good else None,
                "priced": known(calls),
            }
        )
    return sorted(rows, key=lambda row: (-row["taken_part"], row["agent"], row["agent_version"]))


def _agents_over_time(w: Window, figure: Callable[[list[list[Node]]], Any]) -> Points:
    found = grouped(w.takes_part(w.runs_by_hour), lambda one: (w.time(one[0].made), one[1]))
    told = {key: figure([nodes for _, _, nodes in some]) for key, some in found.items()}
    return {key: value for key, value in told.items() if value is not None}


def _over(some: list[list[Node]]) -> list[list[Node]]:
    return [nodes for nodes in some if all(node.ended is not None for node in nodes)]


def agent_success(w: Window) -> Points:
    return _agents_over_time(
        w, lambda s: of([ns for ns in _over(s) if ns[-1].state == "completed"], _over(s))
    )


def agent_durations(w: Window) -> Points:
    def p95(some: list[list[Node]]) -> Between | None:
        lasted = [sum(node.duration_ms for node in nodes) for nodes in _over(some)]
        return about(0.95, lasted) if lasted else None

    return _agents_over_time(w, p95)


def agent_utilisation(w: Window) -> Points:
    return _agents_over_time(
        w,
        lambda some: sum(n.duration_ms for ns in _over(some) for n in ns) / 1000 / w.interval_s,
    )


def agent_errors(w: Window) -> list[Row]:
    bad = [one for one in w.takes_part(w.runs) if one[2][-1].state in ("failed", "abandoned")]
    found = grouped(
        bad,
        lambda one: (
            one[1],
            one[2][-1].version,
            one[2][-1].state,
            one[2][-1].died_of or one[2][-1].reason,
            one[2][-1].error,
        ),
    )
    keys = ("agent", "agent_version", "state", "reason", "error_type")
    ordered = sorted(found.items(), key=lambda one: (-len(one[1]), one[0]))
    return [
        dict(zip(keys, key, strict=True))
        | {"times": len(some), "example": max(run.id for run, _, _ in some)}
        for key, some in ordered
    ]


def choices(
    of_run: Callable[[Run], str], *, all_time: bool = False
) -> Callable[[Window], list[Row]]:
    def expected(w: Window) -> list[Row]:
        found = {of_run(run) for run in (w.fleet.runs if all_time else w.runs)}
        return [{"choice": choice} for choice in sorted(found - {""})]

    return expected


def agents_seen(w: Window) -> list[Row]:
    found = {name for run in w.fleet.runs for name in run.agents}
    return [{"choice": choice} for choice in sorted(found)]


def models_seen(w: Window) -> list[Row]:
    return [{"choice": choice} for choice in sorted({call.model for _, _, call in w.fleet.calls()})]
