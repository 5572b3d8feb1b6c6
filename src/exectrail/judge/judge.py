"""Appends what `queries/judge_due.sql` finds, with time and rule version."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Final, Protocol

from exectrail import queries
from exectrail.queries import Finding, Query

RULE_VERSION: Final = "1"
"""Goes up whenever the SQL behind a verdict comes to judge otherwise."""

_TABLE: Final = "verdicts"


class Store(Protocol):
    """What the judge needs of a database client (`exectrail.storage.client.Client` has it)."""

    def fetch(self, statement: Query[Finding], /) -> list[Finding]: ...

    def insert(self, table: str, rows: Sequence[Mapping[str, object]], /) -> None: ...


class Judge:
    """Compares what is abandoned now with what was said last, and says what is new."""

    def __init__(self, store: Store, clock: Callable[[], datetime] | None = None) -> None:
        """Make a judge.

        Args:
            store: Where the executions are and the verdicts go.
            clock: Gives the time of a verdict, aware; the wall clock if left out. What is judged
                does not depend on it: that is decided in SQL, by the store's clock.
        """
        self._store = store
        self._clock = clock or _now

    def run_once(self) -> int:
        """Append the verdicts that are due; nothing if nothing changed since the last time.

        Returns:
            How many were appended.

        Raises:
            Exception: What the store raises; nothing was appended then, and the next run will.
        """
        found = self._store.fetch(queries.judge_due())
        if found:
            said = {"time": self._clock(), "rule_version": RULE_VERSION}
            self._store.insert(_TABLE, [asdict(finding) | said for finding in found])
        return len(found)


def _now() -> datetime:
    return datetime.now(UTC)
