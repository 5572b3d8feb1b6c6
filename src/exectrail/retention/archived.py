"""Finds and erases a run or a project in the files of an archive."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from exectrail.retention.attach import attach
from exectrail.retention.manifest import ArchiveError, File, Manifest, write_whole
from exectrail.retention.mentions import Search, Subject
from exectrail.storage.client import Client
from exectrail.storage.tables import SCRATCH, Table, Tables

KNOWN_BY = ("executions_state", "keyed_segments", "transitions", "usage", "spans")
"""Tables that say what belongs to a run or a project."""


@contextmanager
def states_of(manifest: Manifest, open_database: Callable[[str], Client]) -> Generator[Client]:
    """A database, for a while, with what an archive knows of executions.

    Args:
        manifest: The directory.
        open_database: Opens a client of a database by name.

    Raises:
        ArchiveError: The files are not as they were written.
        StorageError: The database failed.
    """
    with open_database(f"{SCRATCH}{uuid4().hex}") as client:
        attach(manifest, client, lambda _: None, only=KNOWN_BY)
        try:
            yield client
        finally:
            Tables(client).drop_database()


class ArchivedRows:
    """The rows of a subject in the files of one directory."""

    def __init__(self, client: Client, manifest: Manifest, search: Search) -> None:
        """Prepare.

        Args:
            client: A database with our tables, in which scratch tables are made.
            manifest: The directory.
            search: What is looked for.

        Raises:
            StorageError: The database cannot be asked.
        """
        self._tables = Tables(client)
        self._there: dict[str, Table] = {table.name: table for table in self._tables.all()}
        self._manifest = manifest
        self._search = search

    def look(self) -> dict[str, int]:
        """Rows by file, of finished batches and of others.

        Raises:
            ArchiveError: A file is not what was written.
            StorageError: The database failed.
        """
        found: dict[str, int] = {}
        for batch in self._manifest.batches:
            for file in batch.files:
                with self._loaded(file) as (_, condition, scratch):
                    if condition and (rows := self._tables.count(scratch, condition)):
                        found[f"{self._manifest.directory}/{file.path}"] = rows
        return found

    def erase(self, subject: Subject, progress: Callable[[str, int], None]) -> dict[str, int]:
        """Write the files anew without the subject's rows; files with nothing else in them go.

        Returns:
            Rows by file that are gone.

        Raises:
            ArchiveError: A file is not what was written.
            StorageError: The database failed; calling it again goes on.
            OSError: The directory cannot be written.
        """
        gone: dict[str, int] = {}
        for batch in self._manifest.batches:
            for file in list(batch.files):
                path = self._manifest.directory / file.path
                with self._loaded(file) as (table, condition, scratch):
                    rows = self._tables.count(scratch, condition) if condition else 0
                    if not rows:
                        continue
                    others = f"NOT ({condition})"
                    file.rows, file.content = self._tables.fingerprint(
                        table, others, source=scratch
                    )
                    data = b"".join(self._tables.download(table, others, source=scratch))
                if file.rows:
                    # Under another name, so that the manifest is right at every moment.
                    file.path = _next(file.path)
                    file.bytes, file.sha256 = len(data), hashlib.sha256(data).hexdigest()
                    write_whole(self._manifest.directory / file.path, data)
                else:
                    batch.files.remove(file)
                self._manifest.write()
                path.unlink()
                gone[str(path)] = rows
                progress(str(path), rows)
            _leave_out(self._manifest.directory / batch.kept, subject)
        self._sweep()
        return gone

    def _sweep(self) -> None:
        """Take away files that the manifest does not name: of work that was cut short."""
        directory = self._manifest.directory
        named = {directory / file.path for batch in self._manifest.batches for file in batch.files}
        for path in directory.glob("*/*/*.parquet*"):
            if path not in named:
                path.unlink()

    @contextmanager
    def _loaded(self, file: File) -> Generator[tuple[Table, str, str]]:
        """A file in a scratch table: its table, the condition for what is searched, the scratch."""
        if file.table not in self._there:
            raise ArchiveError(f"{file.path}: there is no table {file.table} any more.")
        table = self._there[file.table]
        condition = self._search.own(table)
        scratch = self._tables.scratch(table.name)
        try:
            if condition:
                self._tables.upload(scratch, list(table.columns), self._manifest.content(file))
            yield table, condition, scratch
        finally:
            self._tables.drop(scratch)


def _next(path: str) -> str:
    """`usage/2026-03/0001-000.parquet`, then `.1.parquet`, `.2.parquet`."""
    stem, _, number = path.removesuffix(".parquet").partition(".")
    return f"{stem}.{int(number or 0) + 1}.parquet"


def _leave_out(path: Path, subject: Subject) -> None:
    if path.exists():
        gone = set(subject.segments)
        ids = path.read_text(encoding="ascii").split()
        if gone & set(ids):
            lines = "".join(f"{one}\n" for one in ids if one not in gone)
            write_whole(path, lines.encode("ascii"))
