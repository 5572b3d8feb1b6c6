"""Questions about the parts of one run: its models, and what it reported beside its states."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from exectrail.queries.catalog import ENDS, CostBy
from exectrail.queries.query import Query, question
from exectrail.queries.rows import Cost, Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeModel(Usage):
    """The calls that one execution made to one model."""

    execution_id: str
    provider: str
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Something that an execution of a run reported, and which one it was."""

    ts: datetime
    execution_id: str
    kind: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact(Part):
    """A file or link that was made or changed; size in bytes."""

    artifact_name: str
    artifact_url: str
    artifact_action: str
    artifact_media_type: str
    artifact_size: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result(Part):
    """A result; `result_valid` is None where nothing checked it."""

    result_name: str
    result_category: str
    result_valid: int | None
    result_problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(Part):
    """The latest version of a plan; `plan_steps` is JSON as the program sent it."""

    plan_revision: int
    plan_steps: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceUse(Part):
    """What an execution used by its latest reports; seconds and bytes, None where not measured."""

    cpu_seconds: float | None
    memory_peak_bytes: int | None
    disk_read_bytes: int | None
    disk_write_bytes: int | None
    resource_scope: str
    resource_share: float | None


def run_models(root_id: str) -> Query[NodeModel]:
    """Which models each execution of a run called, and what that cost."""
    return question("run_models", NodeModel, root_id=root_id)


def run_artifacts(root_id: str) -> Query[Artifact]:
    """Files and links of a run, in order of time."""
    return question("run_artifacts", Artifact, root_id=root_id)


def run_results(root_id: str) -> Query[Result]:
    """Results of a run, in order of time."""
    return question("run_results", Result, root_id=root_id)


def run_plans(root_id: str) -> Query[Plan]:
    """The latest plan of each execution of a run that has one."""
    return question("run_plans", Plan, root_id=root_id)


def run_resources(root_id: str) -> Query[ResourceUse]:
    """What each execution of a run used, where that was told."""
    return question("run_resources", ResourceUse, root_id=root_id)


def cost_of_run(by: CostBy, root_id: str, *, currency: str = "") -> Query[Cost]:
    """Tokens and cost of one run, as `cost_by` has them of all."""
    if by in ENDS:
        return question(
            "cost_ends",
            Cost,
            by=str(by),
            root_id=root_id,
            currency=currency,
            project="",
            workflow="",
            since="1970-01-01 00:00:00",
        )
    return question("cost_of_run", Cost, by=str(by), root_id=root_id, currency=currency)
