"""`exectrail show`: everything known of one run, or of a part of one."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from rich.text import Text

from exectrail import queries
from exectrail.cli import arguments, header, sections
from exectrail.cli.documents import document
from exectrail.cli.logs import log_lines
from exectrail.cli.plans import plan_document, plan_lines
from exectrail.cli.resolve import resolve
from exectrail.cli.screen import View, view, write, write_json
from exectrail.cli.session import CommandError, Together, connected
from exectrail.queries import (
    Artifact,
    LogLine,
    Match,
    Node,
    Plan,
    ResourceUse,
    Result,
    Run,
    RunAgent,
    RunError,
    Transition,
)

if TYPE_CHECKING:
    from exectrail.storage.client import Client

_EXAMPLES: Final = """\
  exectrail show 019a9c3e-4f2b                   a run, by the beginning of its id
  exectrail show 019a9c3e-4f2b --logs            and what was logged within it
  exectrail show 019a9c3e-4f2b --json | jq '.run.state, .run.error_type'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """What is known of a run. Where a part of a run was asked for, only of that part.

    Attributes:
        subject: The run; for a part, its node.
        nodes: All executions of the run: what was planned is held against them.
        logs: What was logged; None where nobody asked.
    """

    subject: Run | Node
    transitions: Sequence[Transition] = ()
    agents: Sequence[RunAgent] = ()
    errors: Sequence[RunError] = ()
    plans: Sequence[Plan] = ()
    results: Sequence[Result] = ()
    artifacts: Sequence[Artifact] = ()
    resources: Sequence[ResourceUse] = ()
    nodes: Sequence[Node] = ()
    logs: Sequence[LogLine] | None = None


def register(subparsers: arguments.SubParsers) -> None:
    """Add `show`."""
    parser = arguments.command(
        subparsers,
        "show",
        "everything known of one run",
        "One run: state, evidence, times, cost, timeline, agents, errors, plan, results, artifacts."
        " The id of a part of a run shows that part.",
        _EXAMPLES,
    )
    arguments.add_id(parser)
    parser.add_argument("--logs", action="store_true", help="what was logged within it, too")
    parser.set_defaults(run=_run)


@connected
def _run(client: Client, args: argparse.Namespace) -> int:
    match = resolve(client, args.id, view())
    answer = _ask(client, match, args.logs)
    if args.json:
        write_json(show_document(answer))
    else:
        write(render(answer, view()))
    return 0


def _ask(client: Client, match: Match, with_logs: bool) -> RunReport:
    own, root, whole = match.execution_id, match.root_id, bool(match.is_root)
    with Together(client) as asked:
        runs = asked.ask(queries.run(root))
        nodes = asked.ask(queries.tree(root))
        transitions = asked.ask(queries.run_transitions(root))
        agents = asked.ask(queries.run_agents(root))
        errors = asked.ask(queries.run_errors(root))
        plans = asked.ask(queries.run_plans(root))
        results = asked.ask(queries.run_results(root))
        artifacts = asked.ask(queries.run_artifacts(root))
        resources = asked.ask(queries.run_resources(root))
        logged = asked.ask(queries.run_logs(root)) if with_logs else None
        logs = None if logged is None else logged.result()
        subjects = runs.result() if whole else _of(own, nodes.result())
        if not subjects:
            raise CommandError(f"the first event of {own} has not arrived (yet).")
        return RunReport(
            subject=subjects[0],
            transitions=_of(own, transitions.result()),
            agents=agents.result() if whole else (),
            errors=[e for e in errors.result() if (e.origin if whole else e.execution_id == own)],
            plans=plans.result() if whole else _of(own, plans.result()),
            results=results.result() if whole else _of(own, results.result()),
            artifacts=artifacts.result() if whole else _of(own, artifacts.result()),
            resources=resources.result() if whole else _of(own, resources.result()),
            nodes=nodes.result(),
            logs=logs if logs is None or whole else _of(own, logs),
        )


class _Owned(Protocol):
    @property
    def execution_id(self) -> str: ...


_R = TypeVar("_R", bound=_Owned)


def _of(execution_id: str, rows: Sequence[_R]) -> list[_R]:
    return [row for row in rows if row.execution_id == execution_id]


def show_document(answer: RunReport) -> dict[str, object]:
    """The JSON document. A part of a run stands under `run` too: its `root_id` is another one."""
    logs = {} if answer.logs is None else {"logs": [document(row) for row in answer.logs]}
    return {
        "run": document(answer.subject),
        "transitions": [document(row) for row in answer.transitions],
        "agents": [document(row) for row in answer.agents],
        "errors": [document(row) for row in answer.errors],
        "plans": [plan_document(plan) for plan in answer.plans],
        "results": [document(row) for row in answer.results],
        "artifacts": [document(row) for row in answer.artifacts],
        "resources": [document(row) for row in answer.resources],
        **logs,
    }


def render(answer: RunReport, view: View) -> list[Text]:
    """The header, and a section for all that there is."""
    parts = {
        "TIMELINE": sections.timeline(answer.transitions, answer.subject, view),
        "AGENTS": sections.agents(answer.agents, view),
        "ERRORS": sections.errors(answer.errors, view),
        "PLAN": plan_lines(answer.plans, answer.nodes, view),
        "RESULTS": sections.results(answer.results, view),
        "ARTIFACTS": sections.artifacts(answer.artifacts, view),
        "RESOURCES": sections.resources(answer.resources, view),
        "LOGS": log_lines(answer.logs, view),
    }
    lines = header.header(answer.subject, view)
    for title, body in parts.items():
        if body:
            lines += [Text(), Text(title, "bold"), *(Text("  ") + line for line in body)]
    return lines
