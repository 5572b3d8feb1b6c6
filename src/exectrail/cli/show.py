"""`exectrail show`: everything known of one run, or of a part of one."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.text import Text

from exectrail import queries
from exectrail.cli import arguments, header, sections
from exectrail.cli.documents import document
from exectrail.cli.plans import plan_document, plan_lines
from exectrail.cli.resolve import resolve
from exectrail.cli.screen import View, view, write, write_json
from exectrail.cli.session import CommandError, connected
from exectrail.queries import (
    Artifact,
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
  exectrail show 019a9c3e-4f2b --json | jq '.run.state, .run.error_type'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """What is known of a run. Where a part of a run was asked for, only of that part.

    Attributes:
        subject: The run; for a part, its node.
        nodes: All executions of the run: what was planned is held against them.
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
    parser.set_defaults(run=_run)


@connected
def _run(client: Client, args: argparse.Namespace) -> int:
    match = resolve(client, args.id, view())
    answer = _ask_run(client, match) if match.is_root else _ask_part(client, match)
    if args.json:
        write_json(show_document(answer))
    else:
        write(render(answer, view()))
    return 0


def _ask_run(client: Client, match: Match) -> RunReport:
    root = match.execution_id
    runs = client.fetch(queries.run(root))
    if not runs:
        raise CommandError(f"the first event of {root} has not arrived (yet).")
    plans = client.fetch(queries.run_plans(root))
    return RunReport(
        subject=runs[0],
        transitions=[
            t for t in client.fetch(queries.run_transitions(root)) if t.execution_id == root
        ],
        agents=client.fetch(queries.run_agents(root)),
        errors=[error for error in client.fetch(queries.run_errors(root)) if error.origin],
        plans=plans,
        results=client.fetch(queries.run_results(root)),
        artifacts=client.fetch(queries.run_artifacts(root)),
        resources=client.fetch(queries.run_resources(root)),
        nodes=client.fetch(queries.tree(root)) if plans else (),
    )


def _ask_part(client: Client, match: Match) -> RunReport:
    own, root = match.execution_id, match.root_id
    nodes = client.fetch(queries.tree(root))
    subject = next((node for node in nodes if node.execution_id == own), None)
    if subject is None:
        raise CommandError(f"the first event of {own} has not arrived (yet).")
    return RunReport(
        subject=subject,
        transitions=[
            t for t in client.fetch(queries.run_transitions(root)) if t.execution_id == own
        ],
        errors=[e for e in client.fetch(queries.run_errors(root)) if e.execution_id == own],
        plans=[plan for plan in client.fetch(queries.run_plans(root)) if plan.execution_id == own],
        results=[r for r in client.fetch(queries.run_results(root)) if r.execution_id == own],
        artifacts=[a for a in client.fetch(queries.run_artifacts(root)) if a.execution_id == own],
        resources=[u for u in client.fetch(queries.run_resources(root)) if u.execution_id == own],
        nodes=nodes,
    )


def show_document(answer: RunReport) -> dict[str, object]:
    """The JSON document. A part of a run stands under `run` too: its `root_id` is another one."""
    return {
        "run": document(answer.subject),
        "transitions": [document(row) for row in answer.transitions],
        "agents": [document(row) for row in answer.agents],
        "errors": [document(row) for row in answer.errors],
        "plans": [plan_document(plan) for plan in answer.plans],
        "results": [document(row) for row in answer.results],
        "artifacts": [document(row) for row in answer.artifacts],
        "resources": [document(row) for row in answer.resources],
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
    }
    lines = header.header(answer.subject, view)
    for title, body in parts.items():
        if body:
            lines += [Text(), Text(title, "bold"), *(Text("  ") + line for line in body)]
    return lines
