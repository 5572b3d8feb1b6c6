"""One function per question: names its parameters and gives a `Query`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from exectrail.queries.query import Query, question
from exectrail.queries.rows import (
    AgentCost,
    Cost,
    Match,
    Node,
    Pipeline,
    Reject,
    Run,
    RunAgent,
    RunError,
    StateOf,
    Transition,
)
from exectrail.queries.times import made_between


class CostBy(StrEnum):
    """What a cost table is grouped by."""

    DAY = "day"
    MODEL = "model"
    AGENT = "agent"
    WORKFLOW = "workflow"
    STATE = "state"
    """How the run stands: what is still running cost so far, what died cost for nothing."""
    CAUSE = "cause"
    """What the money was wasted by; '' is what was not wasted."""


ENDS: Final = frozenset({CostBy.STATE, CostBy.CAUSE})
"""What is grouped by how runs ended, which `cost_ends.sql` knows."""


def runs(
    *,
    state: str = "",
    outcome: str = "",
    workflow: str = "",
    agent: str = "",
    project: str = "",
    trigger: str = "",
    since: datetime | None = None,
    limit: int = 100,
) -> Query[Run]:
    """Runs, latest start first. What is left out does not filter.

    Args:
        state: Effective state: one of `conventions.names.State`, `abandoned` among them; or a flag
            that the run or a part of it has: stuck, orphaned, overdue, slow.
        outcome: success, partial, failed, cancelled, abandoned.
        workflow: Name of the workflow.
        agent: Name of an agent that took part.
        project: `service.namespace`.
        trigger: Source, key or intent of the trigger.
        since: Started at or after; aware.
        limit: Most rows.
    """
    return question(
        "runs",
        Run,
        state=state,
        outcome=outcome,
        workflow=workflow,
        agent=agent,
        project=project,
        trigger=trigger,
        since=moment(since),
        limit=limit,
    )


def run(execution_id: str) -> Query[Run]:
    """One run by the id under which it is shown; no row if that is not a root."""
    return question("run", Run, execution_id=execution_id)


def execution(execution_id: str, *, root_id: str = "") -> Query[Node]:
    """One execution at any level.

    Args:
        execution_id: The id under which it is shown.
        root_id: The run it belongs to, where that is known; then only that run is read.
    """
    return question("execution", Node, execution_id=execution_id, root_id=root_id)


def resolve_id(prefix: str, *, limit: int = 20) -> Query[Match]:
    """Executions by the beginning of an id, or by the whole id that their framework uses.

    The ids of resuming segments lead to the execution they belong to.
    """
    since, until = made_between(prefix.lower())
    return question(
        "resolve_id",
        Match,
        prefix=prefix.lower(),
        external_id=prefix,
        made_since=moment(since),
        made_until=moment(until),
        limit=limit,
    )


def states_of(matches: Sequence[Match]) -> Query[StateOf]:
    """The states of executions that an id may mean."""
    return question(
        "states_of",
        StateOf,
        execution_ids=[match.execution_id for match in matches],
        root_ids=sorted({match.root_id for match in matches}),
    )


def tree(root_id: str) -> Query[Node]:
    """All executions of a run, those of its resumed segments too, in order of start."""
    return question("tree", Node, root_id=root_id)


def run_transitions(root_id: str) -> Query[Transition]:
    """All changes of state in a run, in order of time."""
    return question("run_transitions", Transition, root_id=root_id)


def run_agents(root_id: str) -> Query[RunAgent]:
    """What each agent did in a run."""
    return question("run_agents", RunAgent, root_id=root_id)


def run_errors(root_id: str) -> Query[RunError]:
    """Failed executions of a run, in order of time."""
    return question("run_errors", RunError, root_id=root_id)


def cost_by(
    by: CostBy,
    *,
    project: str = "",
    workflow: str = "",
    since: datetime | None = None,
    currency: str = "",
) -> Query[Cost]:
    """Tokens and cost by day (in order of time) or something else (dearest first).

    Args:
        by: What to group by.
        project: `service.namespace`, or all.
        workflow: Name of a workflow, or all.
        since: From this day (UTC) on; aware. By state and by cause: of the runs made since then.
        currency: What amounts are turned into where a rate is known; empty leaves them.
    """
    more = {"root_id": ""} if by in ENDS else {}
    return question(
        "cost_ends" if by in ENDS else "cost_by",
        Cost,
        by=str(by),
        project=project,
        workflow=workflow,
        since=moment(since),
        currency=currency,
        **more,
    )


def cost_by_agent_of_runs(root_ids: Sequence[str]) -> Query[AgentCost]:
    """What each agent cost over some runs, dearest first; `rows.total` sums the lines."""
    return question("cost_by_agent_of_runs", AgentCost, root_ids=list(root_ids))


def rejects(*, since: datetime | None = None, limit: int = 100) -> Query[Reject]:
    """What could not be used, latest first."""
    return question("rejects", Reject, since=moment(since), limit=limit)


def pipeline_status() -> Query[Pipeline]:
    """Whether what is sent reaches the store; always one row."""
    return question("pipeline_status", Pipeline)


def moment(value: datetime | None) -> str:
    """Text that ClickHouse reads as DateTime64(6, 'UTC'); for None the first it can hold."""
    if value is None:
        return "1900-01-01 00:00:00"
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
