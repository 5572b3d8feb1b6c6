"""Which rows of a table without identities the files of an archive hold.

Such rows are written once. What a batch had to write is told by the time of arrival, but a row may
come later with an older one, and a file may be lost: so the rows themselves are compared, by
checksums where all of a batch are still in the table, else one by one.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from datetime import datetime

from exectrail.retention.manifest import ArchiveError, Batch, File, Manifest
from exectrail.retention.selection import moment, received
from exectrail.storage.tables import Table, Tables, quoted, row_id


@contextmanager
def holding(tables: Tables, manifest: Manifest) -> Generator[Held]:
    """What the files of an archive hold; the conditions are good until it is left.

    Args:
        tables: Where the rows are.
        manifest: The directory.
    """
    held = Held(tables, manifest)
    try:
        yield held
    finally:
        for name in held.scratch:
            tables.drop(name)


class Held:
    """Conditions over rows that files hold; made by `holding`, which drops what they stand on."""

    def __init__(self, tables: Tables, manifest: Manifest) -> None:
        self._tables = tables
        self._manifest = manifest
        self.scratch: list[str] = []

    def rows(self, table: Table, until: Batch, *, checked: bool) -> str:
        """Condition for the rows that a file of a complete batch up to this one holds.

        Args:
            table: A table whose rows have no identity.
            until: The last batch that counts, if it is complete.
            checked: Whether each of those files is read and compared with its SHA-256.

        Raises:
            ArchiveError: A file is not what was written, and rows that it may hold are there.
            StorageError: The database failed.
        """
        batches = [
            batch
            for batch in self._manifest.batches
            if batch.complete and batch.name <= until.name and table.name in batch.tables
        ]
        clock, after = received(table), ""
        whole: list[str] = []
        others: list[str] = []
        for batch in batches:
            before = moment(datetime.fromisoformat(batch.before))
            if before <= after:
                continue
            window = f"{clock} >= {_literal(after)} AND " if after else ""
            window = f"({window}{clock} < {_literal(before)})"
            after = before
            files = batch.of(table.name)
            rows = self._tables.count(table.name, window)
            if not rows:
                continue
            told = _together((file.rows, file.content) for file in files)
            if rows == told[0] and self._tables.fingerprint(table, window) == told:
                whole.append(window)
                for file in files if checked else ():
                    self._content(file)
            else:
                others.append(window)
        if others:
            files = [file for batch in batches for file in batch.of(table.name)]
            whole.append(self._one_by_one(table, files, f"({' OR '.join(others)})"))
        return f"({' OR '.join(whole)})" if whole else "0"

    def _one_by_one(self, table: Table, files: Sequence[File], condition: str) -> str:
        clock = received(table)
        first, last = self._tables.values(table.name, [f"min({clock})", f"max({clock})"], condition)
        ids = self._tables.scratch()
        self.scratch.append(ids)
        for file in files:
            oldest, newest = map(datetime.fromisoformat, (file.oldest, file.newest))
            if oldest > last or newest < first:
                continue
            data = self._content(file)
            scratch = self._tables.scratch(table.name)
            try:
                self._tables.upload(scratch, list(table.columns), data)
                self._tables.fill_ids(ids, table, scratch, condition)
            finally:
                self._tables.drop(scratch)
        return f"({condition} AND {row_id(table)} IN (SELECT id FROM {quoted(ids)}))"  # noqa: S608

    def _content(self, file: File) -> bytes:
        try:
            return self._manifest.content(file)
        except ArchiveError as error:
            raise ArchiveError(
                f"{error} Rows of {file.table} that it may hold are still in their table: bring the"
                " file back, or name another directory."
            ) from error


def _literal(time: str) -> str:
    return f"toDateTime64('{time}', 6, 'UTC')"


def _together(parts: Iterable[tuple[int, str]]) -> tuple[int, str]:
    """What `Tables.fingerprint` gives for all rows, from what it gave for each part of them."""
    rows = total = parity = 0
    for number, content in parts:
        rows += number
        total += int(content[:16], 16)
        parity ^= int(content[16:], 16)
    return rows, f"{total % (1 << 64):016x}{parity:016x}"
