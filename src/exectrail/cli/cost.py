"""`exectrail cost`: tokens and money by day, model, agent, workflow, state, or what wasted it."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.text import Text

from exectrail import queries
from exectrail.cli import arguments
from exectrail.cli.documents import document
from exectrail.cli.layout import Column, table, wrap
from exectrail.cli.resolve import resolve
from exectrail.cli.screen import View, tell, view, write, write_json
from exectrail.cli.session import CommandError, connected
from exectrail.cli.words import clean, cost_text, duration, money, places, share, state_text
from exectrail.queries import AgentCost, Cost, CostBy, Usage, total

if TYPE_CHECKING:
    from exectrail.storage.client import Client

_EXAMPLES: Final = """\
  exectrail cost                                 per day, all there is
  exectrail cost --by model --since 7d           per model, and which have no price
  exectrail cost --by agent --run 019a9c3e-4f2b  one run, per agent
  exectrail cost --by workflow --json | jq '.total[].cost'
  exectrail cost --by state                      what still runs, what died
  exectrail cost --wasted --since 7d             what was spent for nothing, by cause
  exectrail cost --currency EUR                  at the rates of `exectrail prices rate`
"""
_NOBODY: Final = {
    CostBy.AGENT: "(no agent)",
    CostBy.WORKFLOW: "(no workflow)",
    CostBy.CAUSE: "(not wasted)",
}
_NUMBERS: Final = (
    Column("CALLS", right=True),
    Column("PRICED", right=True),
    Column("INPUT", right=True, drop=3),
    Column("CACHE READ", right=True, drop=5),
    Column("CACHE WRITE", right=True, drop=6),
    Column("OUTPUT", right=True, drop=4),
    Column("COST", right=True),
)


@dataclass(frozen=True, slots=True)
class CostTable:
    """The answer of `cost`.

    Attributes:
        by: What the rows are.
        rows: The lines.
        models: The same calls by model, of which those without a price are named.
    """

    by: CostBy
    rows: Sequence[Cost] | Sequence[AgentCost]
    models: Sequence[Cost]

    @property
    def totals(self) -> Mapping[str, Usage]:
        """The sum for each currency; one in USD if there is nothing to sum."""
        currencies = dict.fromkeys(map(_currency, self.rows)) or {"USD": None}
        return {
            currency: total(row for row in self.rows if _currency(row) == currency)
            for currency in currencies
        }

    @property
    def unpriced(self) -> list[tuple[str, int]]:
        """Models without a price, with their calls, the most first."""
        calls: dict[str, int] = {}
        for row in self.models:
            if missing := row.calls - row.priced_calls:
                calls[row.key] = calls.get(row.key, 0) + missing
        return sorted(calls.items(), key=lambda item: (-item[1], item[0]))


def register(subparsers: arguments.SubParsers) -> None:
    """Add `cost`."""
    parser = arguments.command(
        subparsers,
        "cost",
        "tokens and cost by day, model, agent, workflow or state",
        "Tokens and cost, with the share of calls that had a price. What has no price is shown"
        " as `?`, and never counted as 0.",
        _EXAMPLES,
    )
    grouped = parser.add_mutually_exclusive_group()
    grouped.add_argument(
        "--by",
        choices=[str(by) for by in CostBy if by is not CostBy.CAUSE],
        default="day",
        help="default: %(default)s; state is that of the run",
    )
    grouped.add_argument(
        "--wasted",
        dest="by",
        action="store_const",
        const=str(CostBy.CAUSE),
        help="by what money was wasted by: retried, abandoned, failed, cancelled",
    )
    parser.add_argument(
        "--currency",
        metavar="CUR",
        type=arguments.currency,
        help="turn amounts into it where a rate was set; the others stay apart",
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument(  # args.run is what is called
        "--run", dest="of", metavar="ID", help="one run alone; the beginning of its id is enough"
    )
    arguments.add_since(
        which, "calls since that day (UTC), or of the runs made since then", utc=True
    )
    parser.set_defaults(run=_run)


@connected
def _run(client: Client, args: argparse.Namespace) -> int:
    answer = _ask(client, CostBy(args.by), args)
    if args.json:
        write_json(cost_document(answer))
    elif answer.rows:
        write(render(answer, view()))
    else:
        tell("no model call there. `exectrail runs` lists the runs.")
    return 0


def _ask(client: Client, by: CostBy, args: argparse.Namespace) -> CostTable:
    def rows_by(wanted: CostBy) -> list[Cost]:
        if run:
            return client.fetch(queries.cost_of_run(wanted, run, currency=args.currency or ""))
        return client.fetch(queries.cost_by(wanted, since=args.since, currency=args.currency or ""))

    if args.of and args.currency and by is CostBy.AGENT:
        raise CommandError("the agents of one run are counted in USD: leave --currency out")
    run = resolve(client, args.of, view()).root_id if args.of else ""
    if run and by is CostBy.AGENT:
        return CostTable(
            by, client.fetch(queries.cost_by_agent_of_runs([run])), rows_by(CostBy.MODEL)
        )
    rows = rows_by(by)
    return CostTable(by, rows, rows if by is CostBy.MODEL else rows_by(CostBy.MODEL))


def cost_document(answer: CostTable) -> dict[str, object]:
    """The JSON document."""
    return {
        "by": str(answer.by),
        "rows": [document(row) for row in answer.rows],
        "total": [
            {**document(sum_), "currency": currency} for currency, sum_ in answer.totals.items()
        ],
        "unpriced": [{"model": model, "calls": calls} for model, calls in answer.unpriced],
    }


def render(answer: CostTable, view: View) -> list[Text]:
    """The table with a line for the total, and beneath it the models without a price."""
    of_run = any(isinstance(row, AgentCost) for row in answer.rows)
    columns = [
        Column(str(answer.by).upper(), minimum=12),
        *([Column("STATE"), Column("TIME", right=True, drop=7)] if of_run else []),
        *_NUMBERS,
    ]
    digits = places(row.cost for row in answer.rows)
    lines = [
        [_key(answer.by, row), *(_state_and_time(row) if of_run else []), *_numbers(row, digits)]
        for row in answer.rows
    ]
    for currency, sum_ in answer.totals.items():
        name = "TOTAL" if len(answer.totals) == 1 else f"TOTAL {clean(currency)}"
        blank = ["", ""] if of_run else []
        lines.append([Text(name, "bold"), *blank, *_numbers(sum_, digits, currency)])
    laid = table(columns, lines, view.width)
    above = len(laid.rows) - len(answer.totals)
    rule = Text("─" * max(line.cell_len for line in laid.lines), "dim")
    return [
        *laid.lines[: above + 1],
        rule,
        *laid.rows[above:],
        *_wasted(answer),
        *_no_price(answer.unpriced, view),
    ]


def _wasted(answer: CostTable) -> list[Text]:
    """How much of all that is, for each currency."""
    if answer.by is not CostBy.CAUSE:
        return []
    lines: list[Text] = []
    for currency, sum_ in answer.totals.items():
        rows = [row for row in answer.rows if _currency(row) == currency]
        gone = total(row for row in rows if isinstance(row, Cost) and row.key)
        if gone.cost is not None and sum_.cost:
            part = f"{100 * gone.cost / sum_.cost:.1f}%"
            amount = money(gone.cost, currency, places([gone.cost]))
            lines.append(Text(f"wasted: {amount}, {part} of it"))
    return [Text(), *lines] if lines else []


def _no_price(unpriced: Sequence[tuple[str, int]], view: View) -> list[Text]:
    if not unpriced:
        return []
    named = ", ".join(
        f"{clean(model) or '(model unknown)'} ({calls} {'call' if calls == 1 else 'calls'})"
        for model, calls in unpriced
    )
    text = f"no price for: {named}: add it to your price file, see docs/pricing.md"
    return [Text(), *wrap(Text(text, "yellow"), view.width)]


def _key(by: CostBy, row: Cost | AgentCost) -> str:
    key = row.agent if isinstance(row, AgentCost) else row.key
    return clean(key) or _NOBODY.get(by, "(unknown)")


def _state_and_time(row: Cost | AgentCost) -> list[Text | str]:
    if not isinstance(row, AgentCost) or not row.status:
        return ["", ""]
    return [state_text(row.status), duration(row.duration_ms)]


def _numbers(row: Usage, digits: int, currency: str = "") -> list[Text | str]:
    return [
        f"{row.calls:,}",
        share(row),
        f"{row.uncached_tokens:,}",
        f"{row.cache_read_tokens:,}",
        f"{row.cache_write_tokens:,}",
        f"{row.output_tokens:,}",
        cost_text(row, digits, currency or _currency(row)),
    ]


def _currency(row: Usage) -> str:
    return (row.currency if isinstance(row, Cost) else "") or "USD"
