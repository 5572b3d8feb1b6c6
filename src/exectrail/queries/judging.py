"""What the judge asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from exectrail.queries.query import Query, question


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A verdict that is due, with its evidence; the judge adds last step, time and rule version.

    `seconds` and `allowed_s` measure a verdict of stuck, slow or overdue; `parent_id` is who does
    not wait any more for what is orphaned.
    """

    execution_id: str
    segment_id: str
    verdict: str
    reason: str
    state: str
    worker_id: str
    last_heartbeat: datetime
    host: str
    pid: int
    exit_code: int | None
    signal: str
    oom: int
    seconds: float
    allowed_s: float
    parent_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LastStep:
    """The name of the latest step beneath a segment."""

    segment_id: str
    last_step: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Figures that change when somebody dies or comes back, or the pipeline speaks again.

    `latest_us` is since 1970, UTC.
    """

    left: int
    silent: int
    latest_us: int
    canaries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSegments:
    """How many segments have told no end."""

    segments: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What is usual for one kind of execution, over its latest `runs`; seconds."""

    project: str
    workflow: str
    kind: str
    name: str
    runs: int
    quiet_p99_s: float
    work_p99_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeSetting:
    """A number of a rule, set otherwise than by default; `name` is a column of `judge_rules`."""

    name: str
    value: float


def judge_due() -> Query[Finding]:
    """Verdicts that are due: not yet said, or said and no longer true."""
    return question("judge_due", Finding)


def judge_steps(segment_ids: Sequence[str]) -> Query[LastStep]:
    """The last steps of some segments; no row for one that has none."""
    return question("judge_steps", LastStep, segments=list(segment_ids))


def judge_watch() -> Query[Watch]:
    """One row that changes when there may be something new to judge; cheap."""
    return question("judge_watch", Watch)


def judge_open() -> Query[OpenSegments]:
    """One row: how much there is to judge."""
    return question("judge_open", OpenSegments)


def baselines_due() -> Query[Baseline]:
    """What is usual by now, for the table `baselines`."""
    return question("baselines_due", Baseline)


def judge_settings() -> Query[JudgeSetting]:
    """What was set otherwise than by default."""
    return question("judge_settings", JudgeSetting)
