"""Where a run or a project stands in a table: rows that are its own, and rows that speak of it.

Ids are looked for as words: whatever has the shape of an id in any text of a row, in whatever
column, is compared with those that are to be erased. They are made so that no two are alike, so a
hit is no accident. The name of a project may be any word: it is looked for where projects stand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from exectrail.conventions import names
from exectrail.retention.purposes import Role, purpose_of
from exectrail.storage.tables import Table, as_text, quoted

OWNERS: Final = ("execution_id", "segment_id", "run_id", "root_id")
"""Columns that say which execution a row is of."""

_ID: Final = "(?i)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}"
_RESOURCE: Final = "ResourceAttributes"
_PROJECT: Final = "project"


@dataclass(frozen=True, slots=True)
class Subject:
    """What is to be erased.

    Attributes:
        kind: `run` or `project`.
        name: Id of the run, or name of the project.
        segments: Ids of all its segments.
        traces: Ids of traces in which nothing else happened.
    """

    kind: str
    name: str
    segments: Sequence[str]
    traces: Sequence[str]

    @property
    def words(self) -> list[str]:
        """Everything that it may be spoken of by."""
        bare = [one.replace("-", "") for one in self.segments]
        return [*self.segments, *bare, *self.traces]


@dataclass(frozen=True, slots=True)
class Search:
    """The words of a subject in scratch tables, each with a column `id`.

    Attributes:
        kind: `run` or `project`.
        segments: Ids of segments.
        traces: Ids of traces.
        words: All ids, in every way of writing; of a project its name instead.
    """

    kind: str
    segments: str
    traces: str
    words: str

    def own(self, table: Table) -> str:
        """Condition for the rows that are the subject's own; empty where a table has none."""
        if self.kind == "project":
            return self._of_project(table) or self._of_segments(table)
        if _RESOURCE in table.columns or purpose_of(table.known_as).role is Role.RAW:
            return self.speaks(table.texts)
        return self._of_segments(table)

    def speaks(self, columns: Sequence[str]) -> str:
        """Condition for rows that have one of the ids in the text of some columns."""
        if not columns:
            return ""
        found = f"extractAll({as_text(columns)}, '{_ID}')"
        return f"arrayExists(word -> {among('lower(word)', self.words)}, {found})"

    def spelled(self, column: str) -> str:
        """Expression that gives the ids in a column's text, as they are spelled there."""
        found = f"extractAll({as_text([column])}, '{_ID}')"
        return f"arrayJoin(arrayFilter(word -> {among('lower(word)', self.words)}, {found}))"

    def left(self, table: Table, column: str) -> str:
        """Condition for rows that still have something of the subject in a column of text."""
        if self.kind == "run":
            return self.speaks([column])
        if column == _PROJECT:
            return among(_PROJECT, self.words)
        if column == _RESOURCE:
            return self._of_project(table)
        if column in OWNERS and _PROJECT not in table.columns:
            return among(column, self.segments)
        return ""

    def _of_segments(self, table: Table) -> str:
        own = [among(column, self.segments) for column in OWNERS if column in table.columns]
        if own and "trace_id" in table.columns:
            own.append(among("trace_id", self.traces))
        return f"({' OR '.join(own)})" if own else ""

    def _of_project(self, table: Table) -> str:
        if _PROJECT in table.columns:
            return among(_PROJECT, self.words)
        if _RESOURCE in table.columns:
            said = f"{_RESOURCE}['{names.SERVICE_NAMESPACE}']"
            return among(said, self.words)
        return ""


def among(expression: str, place: str) -> str:
    """Condition that an expression is one of the ids in a scratch table."""
    return f"{expression} IN (SELECT id FROM {place})"  # noqa: S608 names of ours


def qualified(database: str, table: str) -> str:
    """A table with its database, so that it is found from another one."""
    return f"{quoted(database)}.{quoted(table)}"
