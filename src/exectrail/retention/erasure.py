"""Erases a run or a project: counts, deletes, looks whether anything is left, and writes that down.

What is read first is deleted last, so that an erasure that was cut short can be called again.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Final

from exectrail.queries.keeping import segments_of_project, segments_of_run, traces_of
from exectrail.retention.mentions import Search, Subject, qualified
from exectrail.retention.purposes import Role, purpose_of
from exectrail.storage.client import Client
from exectrail.storage.tables import Table, Tables

_LAST: Final = "executions_state"
_ORDER: Final = (Role.RAW, Role.DETAIL, Role.MONEY, Role.ROLLUP, Role.RATES, Role.OWN, Role.RUNS)


class ErasureError(Exception):
    """What was asked for is not to be done; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Mention:
    """Rows of others that speak of the subject.

    Attributes:
        table: Their table.
        column: The column in which they do.
        rows: How many, before folding.
        clearable: Whether the ids can be taken out of the column.
    """

    table: str
    column: str
    rows: int
    clearable: bool


@dataclass(slots=True)
class Found:
    """What there is of a subject.

    Attributes:
        rows: Its own rows by table, before folding.
        mentions: Rows of others that speak of it.
    """

    rows: dict[str, int] = field(default_factory=dict[str, int])
    mentions: list[Mention] = field(default_factory=list[Mention])


def subject_of_run(client: Client, root_id: str) -> Subject:
    """A run, as the database has it.

    Raises:
        StorageError: The database cannot be asked.
    """
    segments = [one.execution_id for one in client.fetch(segments_of_run(root_id))]
    return Subject("run", root_id, segments, _traces(client, segments))


def subject_of_project(client: Client, project: str) -> Subject:
    """A project, as the database has it.

    Raises:
        StorageError: The database cannot be asked.
    """
    segments = [one.execution_id for one in client.fetch(segments_of_project(project))]
    return Subject("project", project, segments, _traces(client, segments))


def both(one: Subject, other: Subject) -> Subject:
    """The same subject as two databases have it."""
    segments = dict.fromkeys([*one.segments, *other.segments])
    return Subject(one.kind, one.name, list(segments), _union(one.traces, other.traces))


def _union(one: Sequence[str], other: Sequence[str]) -> list[str]:
    return list(dict.fromkeys([*one, *other]))


def _traces(client: Client, segments: Sequence[str]) -> list[str]:
    tables = Tables(client)
    ids = tables.scratch()
    try:
        tables.fill(ids, segments)
        return [one.trace_id for one in client.fetch(traces_of(ids))]
    finally:
        tables.drop(ids)


class Eraser:
    """Erases one subject from one database, and from whatever else is handed to it."""

    def __init__(self, client: Client, subject: Subject, search: Search) -> None:
        self._client = client
        self._tables = Tables(client)
        self._subject = subject
        self.search = search

    @classmethod
    @contextmanager
    def of(cls, client: Client, subject: Subject) -> Generator[Eraser]:
        """An eraser, whose scratch tables go when it does.

        Args:
            client: The database.
            subject: What is to be erased.

        Raises:
            ErasureError: The database is a part of a cluster.
            StorageError: The database cannot be asked.
        """
        tables = Tables(client)
        if tables.names("Distributed"):
            raise ErasureError(
                "On a cluster nothing is erased by this command: docs/retention.md says how to do"
                " it by hand."
            )
        words = subject.words if subject.kind == "run" else [subject.name]
        made: list[str] = []
        try:
            for values in (subject.segments, subject.traces, words):
                made.append(tables.scratch())
                tables.fill(made[-1], values)
            places = [qualified(client.database, name) for name in made]
            yield cls(client, subject, Search(subject.kind, *places))
        finally:
            for name in made:
                tables.drop(name)

    def look(self, tables: Tables | None = None, only: Sequence[str] | None = None) -> Found:
        """What there is of the subject.

        Args:
            tables: Of another database; else of this one.
            only: Names of tables; else all.

        Raises:
            StorageError: The database cannot be asked.
        """
        looked = tables or self._tables
        found = Found()
        for table in _chosen(looked, only):
            own = self.search.own(table)
            if own and (rows := looked.count(table.name, own)):
                found.rows[table.name] = rows
            found.mentions += self._mentions(looked, table, own)
        return found

    def erase(
        self,
        found: Found,
        progress: Callable[[str, int], None],
        tables: Tables | None = None,
        only: Sequence[str] | None = None,
    ) -> Found:
        """Delete what was found, take its ids out of what speaks of it, and look again.

        Args:
            found: What `look` gave.
            progress: Called with a table and its rows once they are gone.
            tables: Of another database; else of this one.
            only: Names of tables; else all.

        Returns:
            What is left: rows that came meanwhile, and columns that cannot be changed.

        Raises:
            StorageError: The database failed; calling it again goes on.
        """
        looked = tables or self._tables
        there = {table.name: table for table in _chosen(looked, only)}
        for name in sorted(found.rows, key=lambda name: _order(there[name])):
            looked.delete(name, self.search.own(there[name]))
            progress(name, found.rows[name])
        for mention in found.mentions:
            if mention.clearable:
                self._clear(looked, there[mention.table], mention.column)
        return self.look(looked, only)

    def _clear(self, tables: Tables, table: Table, column: str) -> None:
        condition = self.search.left(table, column)
        spelled = tables.groups(table.name, self.search.spelled(column), condition)
        words = self._tables.scratch()
        try:
            self._tables.fill(words, spelled)
            place = qualified(self._client.database, words)
            tables.clear(table.name, column, place, condition)
        finally:
            self._tables.drop(words)

    def note(self, rows: Mapping[str, int], archived: Mapping[str, int]) -> None:
        """Write down that it was done: when and how much, not what."""
        self._client.insert(
            "erasures",
            [
                {
                    "subject": self._subject.kind,
                    "subject_hash": hashlib.sha256(self._subject.name.encode()).hexdigest(),
                    "rows": dict(rows),
                    "archived_rows": dict(archived),
                    "version": version("exectrail"),
                }
            ],
        )

    def _mentions(self, tables: Tables, table: Table, own: str) -> list[Mention]:
        conditions = {
            column: condition
            for column in table.texts
            if (condition := self.search.left(table, column))
        }
        if not conditions:
            return []
        others = f"NOT ({own})" if own else "1"
        counts = tables.values(
            table.name, [f"countIf({condition})" for condition in conditions.values()], others
        )
        return [
            Mention(table.name, column, int(rows), _clearable(table, column))
            for column, rows in zip(conditions, counts, strict=True)
            if int(rows)
        ]


def _clearable(table: Table, column: str) -> bool:
    """Whether ids can be taken out of a column: not where rows are found and filed by it."""
    return column not in re.findall(r"\w+", table.sorting_key)


def _chosen(tables: Tables, only: Sequence[str] | None) -> list[Table]:
    return [table for table in tables.all() if only is None or table.name in only]


def _order(table: Table) -> tuple[bool, int]:
    return table.name == _LAST, _ORDER.index(purpose_of(table.known_as).role)
