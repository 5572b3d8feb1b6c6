"""What the store itself holds."""

from __future__ import annotations

from dataclasses import dataclass

from exectrail.queries.query import Query, question


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTable:
    """A table and its size on disk."""

    name: str
    rows: int
    bytes: int


def stored_tables() -> Query[StoredTable]:
    """Every table with its rows."""
    return question("stored_tables", StoredTable)
