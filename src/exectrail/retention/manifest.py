"""What a directory of archived rows says of itself: `manifest.json`, and how it is written.

A batch is one call of `exectrail archive`: all rows that the store received before a time, but for
runs that were not over. Files are written under another name first and the manifest last, so that
what it names is whole.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, cast

FORMAT: Final = 1
NAME: Final = "manifest.json"


class ArchiveError(Exception):
    """A directory is no archive, or not as its manifest says; the message says what to do."""


@dataclass(slots=True)
class File:
    """One Parquet file.

    Attributes:
        path: From the directory on.
        table: Whose rows.
        month: Of the runs (raw rows: of arrival), `2026-03`.
        rows: How many.
        bytes: Its size.
        sha256: Of the file.
        content: Checksum of the rows, which knows no order.
        oldest: Arrival of its oldest row, RFC 3339.
        newest: Arrival of its newest row.
        of: Into how many files the rows of its table and month were cut; 0 where nobody said.
    """

    path: str
    table: str
    month: str
    rows: int
    bytes: int
    sha256: str
    content: str
    oldest: str
    newest: str
    of: int = 0


@dataclass(slots=True)
class Batch:
    """What one call archived.

    Attributes:
        name: `0001` and on.
        before: Rows that the store received before this time, RFC 3339.
        tables: Which tables.
        migrations: Number of the latest migration of the database.
        kept: File with the ids of segments that stayed, by the directory.
        complete: Whether all files are there and verified.
        dropped: Whether the rows were taken out of the tables afterwards.
        files: The files.
    """

    name: str
    before: str
    tables: list[str]
    migrations: int
    kept: str
    complete: bool = False
    dropped: bool = False
    files: list[File] = field(default_factory=list[File])

    def of(self, table: str) -> list[File]:
        """The files of a table."""
        return [file for file in self.files if file.table == table]


@dataclass(slots=True)
class Manifest:
    """A directory of batches. The directory need not exist before something is written."""

    directory: Path
    batches: list[Batch] = field(default_factory=list[Batch])

    @classmethod
    def read(cls, directory: Path) -> Manifest:
        """What a directory holds; nothing where it is not there or empty.

        Raises:
            ArchiveError: Something else is in it, or it was written by a newer exectrail.
        """
        path = directory / NAME
        if not path.exists():
            if directory.exists() and any(directory.iterdir()):
                raise ArchiveError(
                    f"{directory} is not empty and no archive. Name another directory."
                )
            return cls(directory)
        try:
            told = cast(dict[str, Any], json.loads(path.read_text(encoding="utf-8")))
            if told["format"] != FORMAT:
                raise ArchiveError(f"{path} has a format that this version does not know.")
            batches = [
                Batch(**(batch | {"files": [File(**file) for file in batch["files"]]}))
                for batch in told["batches"]
            ]
        except (ValueError, KeyError, TypeError) as error:
            raise ArchiveError(f"{path} is not a manifest of an archive.") from error
        return cls(directory, batches)

    @property
    def open(self) -> Batch | None:
        """The batch that was not finished, if there is one."""
        return next((batch for batch in self.batches if not batch.complete), None)

    def files(self, tables: Iterable[str] | None = None) -> list[File]:
        """Files of complete batches in the order of writing, of all tables or of some."""
        wanted = None if tables is None else set(tables)
        return [
            file
            for batch in self.batches
            if batch.complete
            for file in batch.files
            if wanted is None or file.table in wanted
        ]

    def write(self) -> None:
        """Write the manifest, all of it at once."""
        told = {
            "format": FORMAT,
            "about": "rows of exectrail's tables; `exectrail archive attach` reads them",
            "batches": [asdict(batch) for batch in self.batches],
        }
        write_whole(self.directory / NAME, json.dumps(told, indent=1).encode())

    def content(self, file: File) -> bytes:
        """A file, checked.

        Raises:
            ArchiveError: It is not there, or not what the manifest says.
        """
        path = self.directory / file.path
        try:
            data = path.read_bytes()
        except OSError as error:
            raise ArchiveError(f"{path} cannot be read: {error.strerror}.") from error
        if hashlib.sha256(data).hexdigest() != file.sha256:
            raise ArchiveError(
                f"{path} is not what was written: its SHA-256 differs from the manifest's."
            )
        return data


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that it is either there as a whole or not at all, power cuts included."""
    write_stream(path, (data,))


def write_stream(path: Path, parts: Iterable[bytes]) -> str:
    """Write a file like `write_whole`, piece by piece; its SHA-256."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    digest = hashlib.sha256()
    with partial.open("wb") as file:
        for part in parts:
            digest.update(part)
            file.write(part)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
    return digest.hexdigest()
