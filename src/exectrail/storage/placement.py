"""On which shard of a cluster a row stands: one line for every table, with its reason.

What must hold, so that a cluster gives the answers of one server:

* Rows that are one row after merging (equal by ORDER BY of a Replacing or an Aggregating table)
  stand on one shard, because FINAL merges within a shard. So a key is a function of that identity.
* What a materialized view makes of a row stays on the row's shard only where both tables are of
  one `Group`: then both keys come to the same shard.
* A batch that is sent again is cut into the same blocks, or it is not known again. So no key is
  drawn at random.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from exectrail.conventions import names


class Group(StrEnum):
    """Tables whose keys send what belongs together to one shard."""

    TREE = "tree"
    """By the root execution: all of a tree, whichever process wrote it."""
    SERIES = "series"
    """By the series of a metric."""
    WORKER = "worker"
    """By the process."""
    SEGMENT = "segment"
    """By the segment that was judged."""
    EVERYWHERE = "everywhere"
    """Whole on every server: small, and joined or asked for by every question."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the rows of a table stand.

    Attributes:
        group: What they stay together by.
        key: SQL over the table's columns, an unsigned number; empty where no shard is chosen:
            the table stands on every server, or keeps nothing.
        why: Why these rows, and not others, stand together.
    """

    group: Group
    key: str
    why: str


def _root_of(attributes: str, otherwise: str) -> str:
    """The key of a raw record: by the id of its root, else by that of its execution.

    Where there is no other root an execution is one, or whoever wrote of it named none. Ids are
    compared as UUIDs, for they may be spelled otherwise (0011).
    """
    root, own = (
        f"toUUIDOrZero({attributes}['{name}'])"
        for name in (names.EXECUTION_ROOT_ID, names.EXECUTION_ID)
    )
    return (
        f"multiIf({root} != toUUIDOrZero(''), cityHash64({root}),"
        f" {own} != toUUIDOrZero(''), cityHash64({own}), {otherwise})"
    )


_WORKER: Final = f"ResourceAttributes['{names.WORKER_ID}']"
_ROOT: Final = "cityHash64(toUUIDOrZero(if(root_id = '', execution_id, root_id)))"

_TREE: Final = Placement(
    Group.TREE,
    _ROOT,
    "an event names its root, and is the same event with the same root when it comes twice",
)
_SERIES: Final = Placement(
    Group.SERIES,
    "cityHash64(ServiceName, MetricName, Attributes)",
    "the points of a series lie beside each other, so they compress, and rates stay on one shard",
)
_PRICES: Final = Placement(
    Group.EVERYWHERE, "", "some ten thousand rows, joined with every call that is priced again"
)
_BY_SEGMENT: Final = Placement(
    Group.SEGMENT, "cityHash64(execution_id)", "a segment is found open and ended in one place"
)
_ROLLUPS: Final = Placement(
    Group.EVERYWHERE, "", "some hundred rows an hour, which every dashboard asks for"
)
_BOOKS: Final = Placement(Group.EVERYWHERE, "", "a few rows, written by hand and asked by name")

PLACEMENTS: Final[dict[str, Placement]] = {
    "otel_traces": Placement(
        Group.TREE,
        _root_of("SpanAttributes", "cityHash64(leftUTF8(TraceId, 64))"),
        "spans of executions with their tree, others with their trace: a run that was resumed has"
        " several traces and one root",
    ),
    "otel_logs": Placement(
        Group.TREE,
        _root_of(
            "LogAttributes",
            f"if({_WORKER} != '', cityHash64(leftUTF8({_WORKER}, 64)),"
            " if(TraceId != '', cityHash64(TraceId), cityHash64(ServiceName, Timestamp)))",
        ),
        "events and log lines with their tree; what a process says of itself where `workers` has"
        " it; what others log by its trace, or else spread",
    ),
    "otel_metrics_gauge": _SERIES,
    "otel_metrics_sum": _SERIES,
    "otel_metrics_summary": _SERIES,
    "otel_metrics_histogram": _SERIES,
    "otel_metrics_exp_histogram": _SERIES,
    "events": Placement(Group.TREE, "", "keeps nothing: what passes is on the shard of its record"),
    "transitions": _TREE,
    "executions_state": Placement(
        Group.TREE,
        _ROOT,
        "every event of a segment names the same root (docs/conventions.md), so the segment is"
        " folded on one shard, that of its tree",
    ),
    "usage": _TREE,
    "progress": _TREE,
    "results": _TREE,
    "artifacts": _TREE,
    "plans": _TREE,
    "variables": _TREE,
    "resources": _TREE,
    "rejects": Placement(
        Group.TREE,
        "cityHash64(fingerprint)",
        "where its record is: the same record again comes to the same shard. What cannot be used"
        " names no tree",
    ),
    "spans": Placement(
        Group.TREE,
        "multiIf(root_id != '', cityHash64(toUUIDOrZero(root_id)),"
        " execution_id != '', cityHash64(toUUIDOrZero(execution_id)), cityHash64(trace_id))",
        "as otel_traces; a span that comes twice names the same root twice",
    ),
    "workers": Placement(
        Group.WORKER,
        "cityHash64(worker_id)",
        "a process works on many trees, and all that is heard of it must be folded in one place",
    ),
    "canary": Placement(
        Group.EVERYWHERE, "", "whether the pipeline speaks is asked by every question about life"
    ),
    "verdicts": Placement(
        Group.SEGMENT, "cityHash64(segment_id)", "the same verdict said twice is one row"
    ),
    "baselines": Placement(
        Group.EVERYWHERE, "", "one row per kind of work, joined with what is open"
    ),
    "judge_settings": Placement(Group.EVERYWHERE, "", "a few numbers that every judgement reads"),
    "keyed_segments": Placement(
        Group.TREE, _ROOT, "with the segment; which segments share a key is asked of all shards"
    ),
    "open_known": _BY_SEGMENT,
    "keyed_known": _BY_SEGMENT,
    "folds": _BOOKS,
    "runs": Placement(
        Group.TREE, "cityHash64(toUUIDOrZero(execution_id))", "a run is written anew with its id"
    ),
    "runs_by_agent": Placement(
        Group.TREE, "cityHash64(toUUIDOrZero(root_id))", "written anew with its run"
    ),
    "runs_hourly": _ROLLUPS,
    "runs_daily": _ROLLUPS,
    "agents_hourly": _ROLLUPS,
    "agents_daily": _ROLLUPS,
    "usage_hourly": _ROLLUPS,
    "usage_daily": _ROLLUPS,
    "price_versions": _PRICES,
    "prices": _PRICES,
    "model_prices": _PRICES,
    "exchange_rates": _PRICES,
    "retention_settings": _BOOKS,
    "archives": _BOOKS,
    "erasures": _BOOKS,
}
"""Every table that a migration makes, by its name."""
