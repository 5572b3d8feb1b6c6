"""`exectrail tree`: what a run consists of."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

from rich.text import Text

from exectrail import queries
from exectrail.cli import arguments
from exectrail.cli.evidence import died, evidence, warnings
from exectrail.cli.layout import Column, cut, table, title, wrap
from exectrail.cli.nodes import Branch, branch_document, grow, walk
from exectrail.cli.resolve import resolve
from exectrail.cli.screen import View, view, write, write_json
from exectrail.cli.session import CommandError, Together, connected
from exectrail.cli.words import (
    clean,
    cost_text,
    digits,
    duration,
    places,
    state_of,
    tokens,
)
from exectrail.conventions.names import Kind, Reason, State
from exectrail.queries import Node

if TYPE_CHECKING:
    from exectrail.storage.client import Client

_EXAMPLES: Final = """\
  exectrail tree 019a9c3e-4f2b                   a run, by the beginning of its id
  exectrail tree 019a9c3e-4f2b --json | jq '.tree.total.cost'
"""

_COLUMNS: Final = (
    Column("EXECUTION", minimum=24),
    Column("STATE"),
    Column("TIME", right=True, drop=1),
    Column("CALLS", right=True, drop=4),
    Column("TOKENS", right=True, drop=3),
    Column("COST", right=True, drop=2),
    Column("TOTAL", right=True),
)
_UNREMARKABLE: Final = frozenset({State.COMPLETED, State.RUNNING, State.CREATED, State.QUEUED})
_NAMELESS: Final = frozenset({Kind.STEP, Kind.WORKFLOW, Kind.ITERATION})
"""Kinds that the tree does not spell out."""


def register(subparsers: arguments.SubParsers) -> None:
    """Add `tree`."""
    parser = arguments.command(
        subparsers,
        "tree",
        "what a run consists of",
        "The executions of a run beneath each other: state, time, tokens and cost of each. CALLS,"
        " TOKENS and COST are its own model calls; TOTAL is the cost of everything beneath it too."
        " The id of a part shows what is beneath that part.",
        _EXAMPLES,
    )
    arguments.add_id(parser)
    parser.set_defaults(run=_run)


@connected
def _run(client: Client, args: argparse.Namespace) -> int:
    match = resolve(client, args.id, view())
    root = match.root_id
    with Together(client) as asked:
        rows, models = asked.ask(queries.tree(root)), asked.ask(queries.run_models(root))
        top = grow(rows.result(), match.execution_id, models.result())
    if top is None:
        raise CommandError(
            f"the first event of {match.execution_id} has not arrived (yet);"
            " without it there is no tree to draw."
        )
    if args.json:
        write_json({"tree": branch_document(top)})
    else:
        write(render(top, view()))
    return 0


def render(top: Branch, view: View) -> list[Text]:
    """A line for each execution, under it what is remarkable, and a legend for the marks."""
    branches = list(walk(top))
    points = places(branch.sum.cost for branch, _ in branches)
    crowded = _crowded(branches)
    laid = table(
        _COLUMNS,
        [_row(branch, place, crowded, points) for branch, place in branches],
        view.width,
    )
    lines = [*_title(top, view), Text(), laid.heading]
    above = {id(child): branch.node for branch, _ in branches for child in branch.children}
    for line, (branch, place) in zip(laid.rows, branches, strict=True):
        lines.append(line)
        indent = Text(_bars(place) + ("│  " if branch.children else "   "), "dim")
        lines += [
            cut(indent + note, view.width) for note in _notes(branch, above.get(id(branch)), view)
        ]
    if top.sum.priced_calls < top.sum.calls:
        legend = Text("? no price known: `exectrail cost --by model` names the models", "dim")
        lines += [Text(), *wrap(legend, view.width)]
    return lines


def _title(top: Branch, view: View) -> list[Text]:
    node = top.node
    name = title(clean(node.name), clean(node.execution_id), view.width)
    parts = [f"{duration(node.work_ms)} work"]
    if node.wait_ms >= 0.5:
        parts.append(f"{duration(node.wait_ms)} wait")
    if top.sum.calls:
        parts.append(f"{top.sum.calls} model {'call' if top.sum.calls == 1 else 'calls'}")
        parts.append(f"{tokens(top.sum)} tokens")
    summary = state_of(node)
    summary.append("".join(f" · {part}" for part in parts))
    if top.sum.calls:
        summary.append(" · ").append_text(cost_text(top.sum, digits(top.sum.cost)))
    lines = [name, *wrap(summary, view.width)]
    if node.execution_id != node.root_id:
        lines.append(Text(f"part of run {clean(node.root_id)}", "dim"))
    return lines


def _row(
    branch: Branch, place: tuple[bool, ...], crowded: set[tuple[str, str]], points: int
) -> list[Text | str]:
    node = branch.node
    numbered = (node.parent_id, node.name) in crowded
    return [
        Text(_guide(place), "dim") + _label(branch, numbered=numbered),
        state_of(node),
        duration(node.work_ms if node.wait_ms else node.duration_ms),
        str(node.calls) if node.calls else "",
        tokens(node),
        cost_text(node, points) if node.calls else "",
        cost_text(branch.sum, points) if branch.children and branch.sum.calls else "",
    ]


def _label(branch: Branch, *, numbered: bool) -> Text:
    node = branch.node
    label = Text(clean(node.name))
    if node.iteration > 1 or (numbered and node.iteration):
        label.append(f" #{node.iteration}")
    if node.attempt > 1:
        label.append(f" try {node.attempt}", "yellow")
    details = [] if node.kind in _NAMELESS else [clean(node.kind)]
    details += [clean(model) for model in dict.fromkeys(use.model for use in branch.models)]
    if details:
        label.append(f" · {', '.join(details)}", "dim")
    return label


def _notes(branch: Branch, above: Node | None, view: View) -> list[Text]:
    """What else is to be said of an execution, most of all why it is not completed."""
    node = branch.node
    notes: list[Text] = []
    if branch.astray and node.parent_id:
        notes.append(Text(f"beneath {clean(node.parent_id)}, which has not arrived", "yellow"))
    error = _error(node)
    # What died with the process of its parent has been told there.
    told = above is not None and _death(node) == _death(above) is not None
    if node.reason and not told and node.effective_state not in _UNREMARKABLE:
        if not (error and node.reason == Reason.ERROR):
            notes.append(Text(f"reason {clean(node.reason)}", "dim"))
        # An error goes up through every level; it is told where it began.
        if error and all(_error(child.node) != error for child in branch.children):
            notes.append(Text(error, "red"))
    if died(node) and not told:
        notes.append(evidence(node, view))
    if node.wait_ms >= 0.5 and above is not None:
        notes.append(Text(f"waited {duration(node.wait_ms)} besides", "dim"))
    notes += [Text(warning, "yellow") for warning in warnings(node)]
    return notes


def _death(node: Node) -> tuple[object, ...] | None:
    if not died(node):
        return None
    return node.reason, node.worker_id, node.host, node.pid, node.last_heartbeat


def _error(node: Node) -> str:
    if node.effective_state != State.FAILED:
        return ""
    return f"{clean(node.error_type)}: {clean(node.error_message)}".strip(": ")


def _crowded(branches: list[tuple[Branch, tuple[bool, ...]]]) -> set[tuple[str, str]]:
    """Parents and names that occur more than once: only there does the turn tell anything."""
    seen: set[tuple[str, str]] = set()
    twice: set[tuple[str, str]] = set()
    for branch, _ in branches:
        key = (branch.node.parent_id, branch.node.name)
        (twice if key in seen else seen).add(key)
    return twice


def _guide(place: tuple[bool, ...]) -> str:
    return _bars(place[:-1]) + ("└─ " if place[-1] else "├─ ") if place else ""


def _bars(place: tuple[bool, ...]) -> str:
    return "".join("   " if last else "│  " for last in place)
