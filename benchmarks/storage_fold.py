"""Folds a store of the storage benchmark, as the embedded stack does, and takes the time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TextIO, TypeVar

from storage_store import Store

from exectrail import queries
from exectrail.queries import Query
from exectrail.rollup import Fold

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class FoldTime:
    """How long it took to fold everything for the first time.

    Attributes:
        runs: How many runs were written.
        hours: How many hours' roll-ups were.
        seconds: Of the clock.
    """

    runs: int
    hours: int
    seconds: float


class _Client:
    """What `Fold` needs of a client, over the engine in this process."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def fetch(self, statement: Query[R], /) -> list[R]:
        rows = self._store.rows(statement.sql, statement.parameters)
        return [statement.row({name: _value(v) for name, v in row.items()}) for row in rows]

    def command(self, sql: str, parameters: Mapping[str, object], /) -> None:
        self._store.run(sql, parameters)


def _value(value: Any) -> Any:
    """A time in UTC where a text is one; the engine writes `2026-11-21 10:00:00.123456`."""
    if isinstance(value, str) and value[4:5] == "-" and value[13:14] == ":":
        return datetime.fromisoformat(value).replace(tzinfo=UTC)
    return value


def settle(store: Store) -> None:
    """Write down what is open and what is settled by now, as where somebody always folds."""
    client = _Client(store)
    [begins] = client.fetch(queries.fold_begins())
    opened = queries.fold_open(begins.now)
    for statement in (*opened, queries.fold_done(begins.now), queries.fold_settled(begins.now)):
        client.command(statement.sql, statement.parameters)


def fold(store: Store, tell: Callable[[int, int], None], out: TextIO) -> FoldTime:
    """Fold all that there is news of.

    Args:
        store: Its `exectrail` database.
        tell: Is told how many runs are written, and of how many.
        out: Where the result is printed.
    """
    began = time.monotonic()
    runs = hours = 0
    for folded in Fold(_Client(store)).run():
        if folded.runs > runs:
            tell(folded.runs, folded.of)
        runs, hours = folded.runs, folded.hours
    took = FoldTime(runs, hours, time.monotonic() - began)
    print(
        f"\nFolded {took.runs:,} runs and the roll-ups of {took.hours:,} hours in"
        f" {took.seconds:,.1f} s, {took.runs / max(took.seconds, 1e-9):,.0f} runs/s",
        file=out,
    )
    return took
