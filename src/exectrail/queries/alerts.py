"""What alert rules ask; which there are and with which numbers, is the business of who asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from exectrail.queries.query import Query, question


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Something that a rule fires for: four texts that stay as they are while it lasts, one number.

    That is the shape that Grafana's alerting takes. `subject` is what it is about, a workflow
    mostly, `detail` what distinguishes it further: a run, a measure.
    """

    project: str
    environment: str
    subject: str
    detail: str
    value: float


def alert(
    rule: str,
    *,
    threshold: float,
    own: Mapping[str, float],
    window_s: float,
    least: float,
) -> Query[Alert]:
    """What a rule fires for now; no row is quiet.

    Args:
        rule: Name of the rule: the question stands in `alert_<rule>.sql`.
        threshold: Above which, or below which, it fires.
        own: Thresholds of single workflows.
        window_s: Seconds that it looks back.
        least: Runs that there must be before a rate can fire.
    """
    return question(
        f"alert_{rule}",
        Alert,
        threshold=threshold,
        own_names=list(own),
        own_values=list(own.values()),
        window_s=window_s,
        least=least,
    )
