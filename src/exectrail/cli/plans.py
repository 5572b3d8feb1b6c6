"""Plans: what was meant beside what happened."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import Any

from rich.text import Text

from exectrail.cli.documents import document
from exectrail.cli.layout import Column, table
from exectrail.cli.screen import View
from exectrail.cli.words import clean, cost_text, duration, money, places, state_text
from exectrail.queries import Node, Plan, total


def plan_document(plan: Plan) -> dict[str, object]:
    """The plan as JSON; `steps` as the program told them."""
    return {**document(plan, without=["plan_steps"]), "steps": steps(plan)}


def steps(plan: Plan) -> list[dict[str, Any]]:
    """The steps of a plan; none where its text is not a list of objects."""
    try:
        told: object = json.loads(plan.plan_steps, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return []
    if not isinstance(told, list):
        return []
    return [step for step in told if isinstance(step, dict)]


def plan_lines(plans: Sequence[Plan], nodes: Sequence[Node], view: View) -> list[Text]:
    """A table for each plan. Where a step did not tell what it took, its executions do."""
    lines: list[Text] = []
    for plan in plans:
        planned = steps(plan)
        if not planned:
            continue
        if len(plans) > 1:
            lines.append(Text(clean(plan.name)))
        lines += _table(planned, [n for n in nodes if n.parent_id == plan.execution_id], view)
    return lines


def _table(planned: Sequence[Mapping[str, Any]], nodes: Sequence[Node], view: View) -> list[Text]:
    amounts = [
        _amount(step.get(key)) for step in planned for key in ("estimated_cost", "actual_cost")
    ]
    digits = places([*amounts, *(node.cost for node in nodes)])
    cells: list[list[Text | str]] = []
    for step in planned:
        name = str(step.get("name", ""))
        done = [node for node in nodes if node.name == name]
        cells.append(
            [
                clean(name),
                clean(step.get("component", "")),
                _state(step, done),
                _seconds(step.get("estimated_seconds")),
                _seconds(step.get("actual_seconds"))
                or (duration(sum(node.duration_ms for node in done)) if done else ""),
                _cost(step.get("estimated_cost"), digits),
                _cost(step.get("actual_cost"), digits) or _own_cost(done, digits),
            ]
        )
    columns = [
        Column("STEP", minimum=12),
        Column("COMPONENT", minimum=10, optional=True, drop=1),
        Column("STATE"),
        Column("PLANNED", right=True),
        Column("TOOK", right=True),
        Column("PLANNED COST", right=True, optional=True, drop=2),
        Column("COST", right=True, optional=True),
    ]
    return table(columns, cells, view.width - 2).lines


def _state(step: Mapping[str, Any], done: Sequence[Node]) -> Text:
    told = str(step.get("state", ""))
    latest = done[-1] if done else None
    if latest is not None and told in ("", "created"):
        return state_text(latest.effective_state, latest.outcome)
    return state_text(told)


def _own_cost(done: Sequence[Node], digits: int) -> Text:
    sum_ = total(done)
    return cost_text(sum_, digits) if sum_.calls else Text()


def _seconds(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return ""
    return duration(value * 1000)


def _cost(value: object, digits: int) -> str:
    amount = _amount(value)
    return "" if amount is None else money(amount, places=digits)


def _amount(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and abs(amount) < Decimal("1e20") else None
