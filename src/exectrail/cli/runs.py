"""`exectrail runs`: the runs, latest first."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from rich.text import Text

from exectrail import queries
from exectrail.cli import arguments
from exectrail.cli.documents import document
from exectrail.cli.layout import Column, fields, table
from exectrail.cli.resolve import short_ids
from exectrail.cli.screen import View, tell, view, write, write_json
from exectrail.cli.session import connected
from exectrail.cli.words import age, clean, cost_text, digits, duration, state_of, tokens
from exectrail.conventions.names import State
from exectrail.queries import Run

if TYPE_CHECKING:
    from exectrail.storage.client import Client

OUTCOMES: Final = ("success", "partial", "failed", "cancelled", "abandoned")
FLAGS: Final = ("stuck", "orphaned", "overdue", "slow")
"""What `--state` takes besides states: a run that has this flag, or a part that has it."""
FILTERS: Final = ("state", "outcome", "workflow", "agent", "project", "trigger", "since")

_EXAMPLES: Final = """\
  exectrail runs                                 the latest 20
  exectrail runs --state running                 what works now
  exectrail runs --state stuck                   what lives, and is not heard of
  exectrail runs --outcome partial --since 7d    what failed half-way in the last week
  exectrail runs --workflow refund --json | jq -r '.runs[].execution_id'
"""

_COLUMNS: Final = (
    Column("ID", minimum=36),
    Column("WORKFLOW", minimum=10),
    Column("STATE"),
    Column("AGE", right=True, drop=2),
    Column("WORK", right=True),
    Column("WAIT", right=True, drop=3, optional=True),
    Column("STEPS", right=True, drop=5, optional=True),
    Column("TOKENS", right=True, drop=4),
    Column("COST", right=True, drop=1),
)


def register(subparsers: arguments.SubParsers) -> None:
    """Add `runs`."""
    parser = arguments.command(
        subparsers,
        "runs",
        "list runs with state, outcome, duration and cost",
        "List runs, the latest first. The beginning of an id is enough for tree and show.",
        _EXAMPLES,
    )
    states = [*(str(state) for state in State), *FLAGS]
    parser.add_argument("--state", choices=states, metavar="STATE", help=", ".join(states))
    parser.add_argument("--outcome", choices=OUTCOMES, metavar="OUTCOME", help=", ".join(OUTCOMES))
    parser.add_argument("--workflow", metavar="NAME", help="of this workflow")
    parser.add_argument("--agent", metavar="NAME", help="in which this agent took part")
    parser.add_argument("--project", metavar="NAME", help="of this project (service.namespace)")
    parser.add_argument("--trigger", metavar="WORD", help="source, key or intent of the trigger")
    arguments.add_since(parser, "started since then")
    parser.add_argument(
        "--limit", metavar="N", type=arguments.limit, default=20, help="most rows (default: 20)"
    )
    parser.set_defaults(run=_run)


@connected
def _run(client: Client, args: argparse.Namespace) -> int:
    filters = {name: value for name in FILTERS if (value := getattr(args, name))}
    found = client.fetch(queries.runs(**filters, limit=args.limit))
    if args.json:
        write_json(runs_document(found))
    elif found:
        write(render(found, view()))
    else:
        tell("no run matches. Fewer filters show more." if filters else NOTHING)
    return 0


NOTHING: Final = """\
no run yet. To see one:
  exectrail up --detach             the embedded stack, where nothing else takes the telemetry
  exectrail run python app.py       a program, observed"""


def runs_document(runs: Sequence[Run]) -> dict[str, object]:
    """The JSON document."""
    return {"runs": [document(run) for run in runs]}


def render(runs: Sequence[Run], view: View) -> list[Text]:
    """The table, and beneath it what its marks mean."""
    ids = short_ids(run.execution_id for run in runs)
    rows = [
        [
            clean(ids[run.execution_id]),
            clean(run.workflow or run.name),
            state_of(run),
            age(run.started_at, view.now),
            duration(run.work_ms) if run.work_ms >= 0.5 else "",
            duration(run.wait_ms) if run.wait_ms >= 0.5 else "",
            f"{run.steps_completed}/{run.steps_planned}" if run.steps_planned else "",
            tokens(run),
            cost_text(run, digits(run.cost)),
        ]
        for run in runs
    ]
    return [*table(_COLUMNS, rows, view.width).lines, *_legend(runs, view)]


_WHICH: Final = "`exectrail cost --by model` names the models"


def _legend(runs: Sequence[Run], view: View) -> list[Text]:
    marks: list[tuple[str, Text | str]] = []
    if any(run.calls and run.cost is None for run in runs):
        marks.append(("?", f"none of its calls had a price: {_WHICH}"))
    if any(run.cost is not None and run.priced_calls < run.calls for run in runs):
        marks.append(("+?", f"and calls without a price: {_WHICH}"))
    unknown = {run.health for run in runs if run.health.startswith("unknown")}
    marks += [("(?)", f"whether it still works is {clean(health)}") for health in sorted(unknown)]
    return [Text(), *(line for line in fields(marks, view.width))] if marks else []
