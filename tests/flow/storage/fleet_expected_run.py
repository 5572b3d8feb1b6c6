"""What the panels of one run have to show; beside `fleet_expected`, and like it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .fleet_expected import Row, Window, grouped, quantile, spent
from .fleet_runs import FINAL, Node, known, money


@dataclass(frozen=True)
class Tagged:
    """A list of keys with values, as a trace has them, that holds these among others."""

    pairs: Mapping[str, str]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, list):
            return False
        return self.pairs.items() <= {tag["key"]: tag["value"] for tag in other}.items()


def _nodes(w: Window) -> list[tuple[Node | None, Node]]:
    """Each with its parent, in order of their start."""
    above = {child.id: node for node in w.run.root.tree() for child in node.children}
    ordered = sorted(w.run.root.tree(), key=lambda node: (node.began, node.id))
    return [(above.get(node.id), node) for node in ordered]


def header(w: Window) -> list[Row]:
    run, root = w.run, w.run.root
    nodes = list(root.tree())
    calls = run.calls
    writer = root.segment.program
    parts = [node for node in nodes if node is not root]
    last = max(parts, key=lambda n: (n.written not in FINAL, n.kind == "step", n.began, n.id))
    turns = [child.iteration for child in root.children]
    return [
        {
            "execution_id": run.id,
            "name": root.name,
            "state": root.state,
            "outcome": run.outcome,
            "reason": run.reason,
            "flagged": ", ".join(run.flags),
            "trigger_source": run.trigger,
            "trigger_intent": run.intent,
            "target": run.target,
            "project": run.project,
            "environment": run.program.environment,
            "started_at": w.fleet.at(root.began),
            "ended_at": w.fleet.at(root.ended) if root.ended is not None else None,
            "last_step": last.name,
            "host": writer.host,
            "pid": writer.pid,
            "exit_code": None,
            "signal": "SIGKILL" if root.died_of == "process_exited" else "",
            "error_type": root.error,
            "duration_ms": root.duration_ms,
            "work_ms": root.spent("running"),
            "wait_ms": root.spent("paused"),
            "queued_ms": root.spent("created", "queued"),
            "blocked_ms": root.spent("blocked"),
            "cost": money(calls),
            "priced": known(calls),
            "calls": len(calls),
            "input_tokens": sum(call.input for call in calls),
            "output_tokens": sum(call.output for call in calls),
            "cache_read_tokens": sum(call.cached for call in calls),
            "tool_calls": sum(node.kind == "tool" for node in nodes),
            "errors": root.errors,
            "retries": sum(node.attempt > 1 for node in nodes),
            "resumes": len({move.segment for move in root.moves}) - 1,
            "iterations": max(turns, default=0),
        }
    ]


def tree(w: Window) -> list[Row]:
    return [
        {
            "id": node.id,
            "title": node.name,
            "subtitle": node.kind,
            "mainstat": node.state,
            "arc__completed": float(node.state == "completed"),
            "arc__failed": float(node.state == "failed"),
            "arc__abandoned": float(node.state == "abandoned"),
            "arc__cancelled": 0.0,
            "arc__running": 0.0,
            "arc__paused": 0.0,
            "arc__queued": 0.0,
            "detail__agent": node.agent,
            "detail__error": node.error,
            "detail__attempt": str(node.attempt),
        }
        for _, node in _nodes(w)
    ]


def edges(w: Window) -> list[Row]:
    return [
        {
            "source": parent.id,
            "target": node.id,
            "mainstat": f"attempt {node.attempt}" if node.attempt > 1 else "",
        }
        for parent, node in _nodes(w)
        if parent
    ]


def waterfall(w: Window) -> list[Row]:
    codes = {"completed": 1, "failed": 2, "abandoned": 2}
    return [
        {
            "traceID": w.run.id,
            "spanID": node.id,
            "parentSpanID": parent.id if parent else "",
            "serviceName": node.agent or "svc",
            "operationName": f"{node.kind} {node.name}",
            "startTime": w.fleet.at(node.began),
            "duration": node.duration_ms,
            "statusCode": codes.get(node.state, 0),
            "tags": Tagged({"state": node.state} | ({"error": node.error} if node.error else {})),
            "serviceTags": Tagged({"pid": str(node.segment.program.pid)}),
        }
        for parent, node in _nodes(w)
    ]


def run_agents(w: Window) -> list[Row]:
    rows: list[Row] = []
    for agent, executions in w.run.agents.items():
        done = w.run.of_agent(agent)
        calls = [call for node in done for call in node.calls]
        ends = [node.ended for node in done if node.ended is not None]
        rows.append(
            {
                "agent": agent,
                "executions": len(executions),
                "effective_state": executions[-1].state,
                "reason": executions[-1].died_of or executions[-1].reason,
                "started_at": w.fleet.at(min(node.began for node in done)),
                "ended_at": w.fleet.at(max(ends)),
                "duration_ms": sum(node.duration_ms for node in executions),
                "attempt": max(node.attempt for node in executions),
                "tool_calls": sum(node.kind == "tool" for node in done),
                "errors": sum(node.written == "failed" for node in done),
                "calls": len(calls),
                "priced_calls": sum(call.cost is not None for call in calls),
                "input_tokens": sum(call.input for call in calls),
                "cache_read_tokens": sum(call.cached for call in calls),
                "output_tokens": sum(call.output for call in calls),
                "cost": money(calls),
            }
        )
    return sorted(rows, key=lambda row: (row["started_at"], row["agent"]))


def _moves(w: Window) -> list[tuple[Node, Any]]:
    told = [(node, move) for node in w.run.root.tree() for move in node.moves]
    return sorted(told, key=lambda one: (one[1].at, one[1].segment))


def states(w: Window) -> list[Row]:
    rows = [
        {
            "time": w.fleet.at(move.at),
            "execution": f"{node.kind} {node.name} {move.segment[-4:]}",
            "state": move.state,
        }
        for node, move in _moves(w)
        if node.kind != "tool"
    ]
    return sorted(rows, key=lambda row: (row["time"], row["execution"]))


def transitions(w: Window) -> list[Row]:
    return [
        {
            "ts": w.fleet.at(move.at),
            "execution_id": node.id,
            "segment_id": move.segment,
            "name": node.name,
            "state": move.state,
            "reason": move.reason,
            "valid": 1,
            "attempt": node.attempt,
        }
        for node, move in _moves(w)
    ]


def _of_research(w: Window, *rows: Row) -> list[Row]:
    return list(rows) if w.run.workflow == "deep-research" else []


def plan(w: Window) -> list[Row]:
    planners = [node for node in w.run.root.tree() if node.name == "planner"]
    return _of_research(
        w,
        {
            "planned_by": "deep-research",
            "revision": 1,
            "step": "planner",
            "state": "completed",
            "estimated_s": 20.0,
            "actual_s": sum(node.duration_ms for node in planners) / 1000,
            "actual_cost": None,
        },
        {"step": "print", "state": "", "estimated_s": None, "actual_s": None, "actual_cost": None},
    )


def tools(w: Window) -> list[Row]:
    called = [node for node in w.run.root.tree() if node.kind == "tool"]
    rows: list[Row] = []
    for name, nodes in grouped(called, lambda node: node.name).items():
        lasted = [node.duration_ms for node in nodes]
        rows.append(
            {
                "tool_name": name,
                "tool_calls": len(nodes),
                "failed": 0,
                "total_ms": sum(lasted),
                "median_ms": quantile(0.5, lasted),
                "max_ms": max(lasted),
                "error": "",
            }
        )
    return rows


def errors(w: Window) -> list[Row]:
    failed = [(parent, node) for parent, node in _nodes(w) if node.written == "failed"]
    return [
        {
            "execution_id": node.id,
            "parent_id": parent.id if parent else "",
            "kind": node.kind,
            "name": node.name,
            "reason": "error",
            "error_type": node.error,
            "failed_at": w.fleet.at(node.moves[-1].at),
            "origin": int(all(child.written != "failed" for child in node.children)),
        }
        for parent, node in sorted(failed, key=lambda one: (one[1].moves[-1].at, one[1].id))
    ]


def iterations(w: Window) -> list[Row]:
    return [
        {
            "execution_id": node.id,
            "name": node.name,
            "iteration": node.iteration,
            "attempt": node.attempt,
            "state": node.state,
            "duration_ms": node.duration_ms,
            "calls": len(node.calls),
            "tokens": sum(call.input + call.output for call in node.calls),
            "cost": money(node.calls),
        }
        for _, node in _nodes(w)
        if node.iteration or node.attempt > 1
    ]


def artifacts(w: Window) -> list[Row]:
    return _of_research(
        w, {"name": "deep-research", "artifact_name": "report.pdf", "artifact_size": 4096}
    )


def resources(w: Window) -> list[Row]:
    told = {"name": "deep-research", "cpu_seconds": 12.5, "resource_scope": "exclusive"}
    return _of_research(w, told)


def compare(w: Window) -> list[Row]:
    figures: dict[str, tuple[Any, Any]] = {}
    for place, run in enumerate((w.run, w.other)):
        nodes = list(run.root.tree())
        told = {
            "duration in s": run.root.duration_ms / 1000,
            "working in s": run.root.spent("running") / 1000,
            "waiting in s": run.root.spent("paused") / 1000,
            "executions": len(nodes),
            "tool calls": sum(node.kind == "tool" for node in nodes),
            "errors": run.root.errors,
            "retries": sum(node.attempt > 1 for node in nodes),
            "model calls": len(run.calls),
            "input tokens": sum(call.input for call in run.calls),
            "output tokens": sum(call.output for call in run.calls),
            "cost in USD": spent([run]),
        }
        for name, value in told.items():
            figures[name] = (value, None) if not place else (figures[name][0], value)
    return [
        {"figure": name, "this_run": this, "other_run": other, "difference": this - other}
        for name, (this, other) in figures.items()
    ]
