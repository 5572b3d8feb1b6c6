"""The head of `exectrail show`: one fact a line."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from rich.text import Text

from exectrail.cli.evidence import died, evidence, warnings
from exectrail.cli.layout import fields, title
from exectrail.cli.screen import View
from exectrail.cli.words import (
    ago,
    clean,
    cost_text,
    digits,
    duration,
    moment,
    share,
    state_of,
)
from exectrail.conventions.names import State
from exectrail.queries import Node, Run, Usage


def header(row: Run | Node, view: View) -> list[Text]:
    """Name and id, and what is known of the whole of it."""
    identity = f"{clean(row.kind)}  {clean(row.execution_id)}"
    about = _run_fields(row) if isinstance(row, Run) else _node_fields(row)
    return [
        title(clean(row.name), identity, view.width),
        Text(),
        *fields(
            [
                ("State", _state(row)),
                ("Health", _health(row)),
                ("Evidence", evidence(row, view) if died(row) else ""),
                ("Error", _error(row)),
                *about,
                ("Process", _process(row)),
                ("Started", _time(row.started_at, view)),
                ("Deadline", _time(row.deadline, view) if row.deadline else ""),
                ("Ended", _time(row.ended_at, view) if row.ended_at else ""),
                ("Time", _times(row)),
                ("Progress", _progress(row)),
                *_usage(row),
                ("Resumed", _resumed(row)),
                ("Trace", clean(row.trace_id)),
            ],
            view.width,
        ),
    ]


def _run_fields(run: Run) -> list[tuple[str, Text | str]]:
    service = " ".join(filter(None, (clean(run.service), clean(run.service_version))))
    return [
        ("Triggered by", _words([run.trigger_source, run.trigger_key], intent=run.trigger_intent)),
        ("Target", _words([run.target_type, run.target_id])),
        ("Project", clean(run.project)),
        ("Service", _join(service, clean(run.environment))),
        ("Mode", clean(run.mode) if run.mode != "execution" else ""),
        ("Thread", clean(run.conversation_id)),
        ("Tags", ", ".join(f"{clean(k)}={clean(v)}" for k, v in sorted(run.tags.items()))),
        ("Iterations", _iterations(run)),
    ]


def _node_fields(node: Node) -> list[tuple[str, Text | str]]:
    turn = str(node.iteration) if node.iteration else ""
    return [
        ("Part of", clean(node.root_id)),
        ("Workflow", clean(node.workflow)),
        ("Agent", clean(node.agent)),
        ("Iteration", f"{turn} of at most {node.max_iterations}" if node.max_iterations else turn),
        ("Attempt", str(node.attempt) if node.attempt > 1 else ""),
    ]


def _state(row: Run | Node) -> Text:
    text = state_of(row)
    if row.reason:
        text.append(f", reason {clean(row.reason)}")
    if row.effective_state == State.PAUSED and row.state_ms:
        text.append(f", for {duration(row.state_ms)} by now")
    if row.effective_state != row.state:
        text.append(f"  (it last said {clean(row.state)})", "dim")
    return text


def _health(row: Run | Node) -> str:
    unknown = [clean(row.health)] if row.health.startswith("unknown") else []
    return "; ".join([*unknown, *warnings(row)])


def _error(row: Run | Node) -> Text:
    return Text(f"{clean(row.error_type)}: {clean(row.error_message)}".strip(": "), "red")


def _process(row: Run | Node) -> str:
    return _join(clean(row.host), f"pid {row.pid}" if row.pid else "")


def _time(time: datetime, view: View) -> str:
    return f"{moment(time, view.zone)}  ({ago(time, view.now)})"


def _times(row: Run | Node) -> str:
    spent = [
        (row.work_ms, "work"),
        (row.wait_ms, "wait"),
        (row.blocked_ms, "blocked"),
        (row.queued_ms, "queued"),
    ]
    return _join(*(f"{duration(ms)} {what}" for ms, what in spent if ms >= 0.5 or what == "work"))


def _progress(row: Run | Node) -> str:
    steps = f"{row.steps_completed} of {row.steps_planned} steps" if row.steps_planned else ""
    part = f"{row.progress:.0%}" if row.progress else ""
    return _join(steps, part, clean(row.message))


def _iterations(run: Run) -> str:
    limit = f" of at most {run.max_iterations}" if run.max_iterations else ""
    retries = f"{run.retries} {'retry' if run.retries == 1 else 'retries'}" if run.retries else ""
    return _join(f"{run.iterations}{limit}" if run.iterations else "", retries)


def _usage(usage: Usage) -> list[tuple[str, Text | str]]:
    if not usage.calls:
        return []
    cost = cost_text(usage, digits(usage.cost))
    cost.append(
        f"  ({usage.priced_calls} of {usage.calls} model calls priced, {share(usage)})", "dim"
    )
    buckets = [
        (usage.uncached_tokens, "input"),
        (usage.cache_read_tokens, "cache read"),
        (usage.cache_write_tokens, "cache write"),
        (usage.output_tokens, "output"),
    ]
    tokens = _join(*(f"{number:,} {name}" for number, name in buckets if number))
    if usage.reasoning_tokens:
        tokens += f" (of it {usage.reasoning_tokens:,} reasoning)"
    return [("Cost", cost), ("Tokens", tokens)]


def _resumed(row: Run | Node) -> str:
    parts: list[str] = []
    if row.resumes:
        parts.append("once" if row.resumes == 1 else f"{row.resumes} times")
    if row.forked_from:
        parts.append(f"forked from {clean(row.forked_from)}")
    return _join(*parts)


def _words(words: Iterable[str], intent: str = "") -> str:
    text = " ".join(clean(word) for word in words if word)
    return _join(text, f"intent {clean(intent)}" if intent else "")


def _join(*parts: str) -> str:
    return " · ".join(part for part in parts if part)
