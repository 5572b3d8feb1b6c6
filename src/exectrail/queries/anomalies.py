"""What was not as usual."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from exectrail.queries.catalog import moment
from exectrail.queries.query import Query, question

FACTOR: Final = 6.0
"""How many deviations make a hit; what was measured with which: docs/anomalies.md."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Anomaly:
    """An hour in which something was not as usual.

    `value`, `low` and `high` (the bounds of what is usual) are in the measure's own unit: USD,
    seconds, bytes, a share of 1. `deviations` is negative for too little; `history` is in days.
    """

    hour: datetime
    scope: str
    project: str
    environment: str
    workflow: str
    subject: str
    measure: str
    value: float
    low: float
    high: float
    deviations: float
    history: int
    words: str


def anomaly_hits(
    since: datetime,
    until: datetime,
    *,
    scope: str = "",
    workflow: str = "",
    measure: str = "",
    factor: float = FACTOR,
    limit: int = 100,
) -> Query[Anomaly]:
    """Unusual hours, latest and most unusual first. What is left out does not filter.

    Args:
        since: Of the hours, aware; the hour that it lies in counts where it begins then.
        until: Hours that begin before it.
        scope: workflow or agent.
        workflow: Name of a workflow.
        measure: runs, cost, cost per run, tokens per run, duration, CPU, peak memory, iterations,
            error rate, abandonment rate.
        factor: How many deviations make a hit.
        limit: Most rows.
    """
    return question(
        "anomaly_hits",
        Anomaly,
        since=moment(since)[:19],
        until=moment(until)[:19],
        scope=scope,
        workflow=workflow,
        measure=measure,
        factor=factor,
        limit=limit,
    )
