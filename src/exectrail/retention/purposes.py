"""What each table is for: the one list, which docs/storage.md shows and a test holds complete."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple


class Role(StrEnum):
    """What becomes of a table's rows."""

    RAW = "raw"
    """As it was sent, feeding the others: kept for days."""
    RUNS = "runs"
    """What runs are made of."""
    DETAIL = "detail"
    """What a run told beside its states."""
    MONEY = "money"
    """Tokens and cost."""
    ROLLUP = "rollup"
    """Sums over the others, small: kept for ever unless somebody says otherwise. They are made of
    the others again where those are read from an archive."""
    RATES = "rates"
    """What sums are made with besides: small, goes into each archive whole, and stays."""
    OWN = "own"
    """Settings and books of the store: neither limited nor archived."""


class Purpose(NamedTuple):
    """Why there is a table.

    Attributes:
        row: What one row is.
        role: What becomes of its rows.
    """

    row: str
    role: Role


PURPOSES: Final[dict[str, Purpose]] = {
    "otel_traces": Purpose("span, as it was sent", Role.RAW),
    "otel_logs": Purpose("log record or event, as it was sent", Role.RAW),
    "otel_metrics_gauge": Purpose("gauge point, as it was sent", Role.RAW),
    "otel_metrics_sum": Purpose("counter point, as it was sent", Role.RAW),
    "otel_metrics_summary": Purpose("summary point, as it was sent", Role.RAW),
    "otel_metrics_histogram": Purpose("histogram point, as it was sent", Role.RAW),
    "otel_metrics_exp_histogram": Purpose("exponential histogram point, as sent", Role.RAW),
    "rejects": Purpose("event of ours that cannot be used, with the reason", Role.RAW),
    "executions_state": Purpose("segment, folded from its events", Role.RUNS),
    "keyed_segments": Purpose("segment and durable key, for who resumes whom", Role.RUNS),
    "transitions": Purpose("change of state, refused ones too", Role.RUNS),
    "workers": Purpose("process: last sign of life, lease, exit", Role.RUNS),
    "verdicts": Purpose("what the judge said, with its evidence", Role.RUNS),
    "usage": Purpose("model call: tokens, cost, role", Role.MONEY),
    "spans": Purpose("span of an execution or a model call, typed", Role.DETAIL),
    "progress": Purpose("report of progress", Role.DETAIL),
    "results": Purpose("result that was reported", Role.DETAIL),
    "artifacts": Purpose("file or link that was made or changed", Role.DETAIL),
    "plans": Purpose("version of a plan", Role.DETAIL),
    "variables": Purpose("variable handed from step to step", Role.DETAIL),
    "resources": Purpose("CPU, memory and disk of an execution", Role.DETAIL),
    "runs": Purpose("run, with the sums over its tree", Role.ROLLUP),
    "runs_by_agent": Purpose("run and agent, with its sums", Role.ROLLUP),
    "runs_hourly": Purpose("hour and kind of run", Role.ROLLUP),
    "runs_daily": Purpose("day and kind of run", Role.ROLLUP),
    "agents_hourly": Purpose("hour and agent", Role.ROLLUP),
    "agents_daily": Purpose("day and agent", Role.ROLLUP),
    "usage_hourly": Purpose("hour, model and agent: tokens and cost", Role.ROLLUP),
    "usage_daily": Purpose("day, model and agent: tokens and cost", Role.ROLLUP),
    "open_known": Purpose("segment that a fold found open", Role.OWN),
    "keyed_known": Purpose("segment with a durable key, as a fold found it", Role.OWN),
    "folds": Purpose("fold of news into runs and sums, when it began", Role.OWN),
    "baselines": Purpose("kind of execution: what is usual", Role.OWN),
    "judge_settings": Purpose("number of a rule that was set otherwise", Role.OWN),
    "canary": Purpose("arrival of the pipeline's own sign of life", Role.OWN),
    "price_versions": Purpose("version of the prices", Role.OWN),
    "prices": Purpose("price of a model in a version", Role.OWN),
    "model_prices": Purpose("which price a model's name means in a version", Role.OWN),
    "exchange_rates": Purpose("rate from one currency to another", Role.RATES),
    "retention_settings": Purpose("table that is kept longer or shorter than by default", Role.OWN),
    "archives": Purpose("table and batch that were written to files", Role.OWN),
    "erasures": Purpose("erasure: when, how much, never what", Role.OWN),
    "exectrail_adopted": Purpose(
        "raw table of somebody else that takes the place of ours", Role.OWN
    ),
    "exectrail_attached": Purpose("directory that an attached database is made of", Role.OWN),
    "exectrail_migrations": Purpose("migration that was applied", Role.OWN),
}

_UNLISTED: Final = Purpose("a table that this version of exectrail does not know", Role.OWN)


def purpose_of(name: str) -> Purpose:
    """What a table is for, by the name it is known as; one that is not ours is left alone."""
    return PURPOSES.get(name, _UNLISTED)
