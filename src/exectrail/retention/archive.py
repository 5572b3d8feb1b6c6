"""Writes old rows to Parquet files, looks whether the files hold them, and takes the rows out."""

from __future__ import annotations

import math
import socket
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from exectrail.queries.keeping import archive_kept, workers_of
from exectrail.retention.holding import Held, holding
from exectrail.retention.manifest import (
    ArchiveError,
    Batch,
    File,
    Manifest,
    write_stream,
    write_whole,
)
from exectrail.retention.selection import Kept, Selection, archivable, moment, select
from exectrail.storage.client import Client
from exectrail.storage.retention import clock_of
from exectrail.storage.runner import load_migrations
from exectrail.storage.tables import Table, Tables

FILE_BYTES: Final = 64 << 20
"""Size on disk of the rows of one file, about: a file is sent back as one request."""
FILE_ROWS: Final = 1_000_000

Progress = Callable[[File], None]


@dataclass(frozen=True, slots=True)
class Part:
    """What is to be one file, or several where it is much.

    Attributes:
        table: Whose rows.
        month: Of the rows, as a number like 202603.
        rows: How many, before rows of one identity are folded.
        begun: Into how many files it was cut when the first of them was written; 0 before.
    """

    table: Table
    month: int
    rows: int
    begun: int = 0

    @property
    def files(self) -> int:
        """Into how many files it goes: merges make fewer rows of it, and a cut is not changed."""
        share = self.rows / max(self.table.rows, 1)
        return self.begun or max(
            1,
            math.ceil(self.rows / FILE_ROWS),
            math.ceil(share * self.table.bytes / FILE_BYTES),
        )

    @property
    def filed(self) -> str:
        """Its month as files have it."""
        return f"{self.month // 100:04d}-{self.month % 100:02d}" if self.month else "all"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a batch would write and take out.

    Attributes:
        parts: What would be written.
        dropped: Rows by table that would be taken out, before folding.
    """

    parts: Sequence[Part]
    dropped: Mapping[str, int]


class Archiver:
    """Archives from one database into one directory."""

    def __init__(self, client: Client, manifest: Manifest) -> None:
        """Prepare.

        Args:
            client: The database.
            manifest: The directory.

        Raises:
            ArchiveError: The database is a part of a cluster.
            StorageError: The database cannot be asked.
        """
        self._client = client
        self._tables = Tables(client)
        self._manifest = manifest
        if self._tables.names("Distributed"):
            raise ArchiveError(
                "A cluster is not archived: its rows stand on several servers. BACKUP does that."
            )

    def begin(self, wanted: Sequence[str], before: datetime) -> Batch:
        """A new batch; nothing is written yet.

        Args:
            wanted: Names of tables; `all` for all that hold history.
            before: Rows that were received before then.

        Raises:
            ArchiveError: A table is not there or holds no history, or the time is not past.
        """
        there = {table.name: table for table in archivable(self._tables.all())}
        chosen = list(there) if "all" in wanted else list(dict.fromkeys(wanted))
        for name in chosen:
            if name not in there:
                raise ArchiveError(
                    f"{name!r} is no table that is archived. These are: {', '.join(there)}."
                )
        if (datetime.now(UTC) - before).total_seconds() < 3600:
            raise ArchiveError(f"{before:%Y-%m-%d} (UTC) is not past yet: name an earlier day.")
        if self._manifest.open:
            raise ArchiveError(
                f"The batch before {self._manifest.open.before[:10]} in {self._manifest.directory}"
                " was not finished: go on with --resume, or name another directory."
            )
        name = f"{len(self._manifest.batches) + 1:04d}"
        return Batch(
            name=name,
            before=before.isoformat(),
            tables=chosen,
            migrations=load_migrations()[-1].version,
            kept=f"kept-{name}.txt",
        )

    def plan(self, batch: Batch) -> Plan:
        """What a batch would do. Only reads, but for scratch tables."""
        with self._keeping(batch) as kept, holding(self._tables, self._manifest) as held:
            parts: list[Part] = []
            dropped: dict[str, int] = {}
            for table in self._chosen(batch):
                selection = _select(table, kept, held, batch, checked=True)
                if not batch.complete:
                    parts += self._parts(table, selection, batch)
                if selection.dropped:
                    dropped[table.name] = self._tables.count(
                        table.name, selection.dropped, _parameters(batch)
                    )
        return Plan(parts, dropped)

    def write(self, batch: Batch, progress: Progress) -> None:
        """Write the files that are missing, each read back and compared before the next.

        Raises:
            ArchiveError: A file does not hold what the table does.
            StorageError: The database failed; `--resume` goes on from there.
            OSError: The directory cannot be written.
        """
        if batch not in self._manifest.batches:
            self._manifest.batches.append(batch)
        with (
            self._keeping(batch, write=True) as kept,
            holding(self._tables, self._manifest) as held,
        ):
            for table in self._chosen(batch):
                selection = _select(table, kept, held, batch)
                for part in self._parts(table, selection, batch):
                    for number in range(part.files):
                        self._write_file(batch, part, number, selection, progress)
        batch.complete = True
        self._manifest.write()
        self._note(batch)

    def drop(self, batch: Batch, progress: Callable[[str, int], None]) -> None:
        """Delete the rows of a complete batch from their tables.

        Raises:
            ArchiveError: The batch is not complete, or a file is not what was written: of this
                batch, or of an earlier one that wrote rows that are to go now.
            StorageError: The database failed; calling it again goes on.
        """
        if not batch.complete:
            raise ArchiveError(f"batch {batch.name} is not complete: nothing is dropped.")
        for file in batch.files:
            self._manifest.content(file)
        with self._keeping(batch) as kept, holding(self._tables, self._manifest) as held:
            # What leads to all else goes last; nothing goes before all files were looked at.
            chosen = sorted(self._chosen(batch), key=lambda t: t.name == "executions_state")
            conditions = {
                table.name: _select(table, kept, held, batch, checked=True).dropped
                for table in chosen
            }
            parameters = _parameters(batch)
            for name, condition in conditions.items():
                if condition and (rows := self._tables.count(name, condition, parameters)):
                    self._tables.delete(name, condition, parameters)
                    progress(name, rows)
        batch.dropped = True
        self._manifest.write()
        self._note(batch)

    def _chosen(self, batch: Batch) -> list[Table]:
        return [table for table in self._tables.all() if table.name in batch.tables]

    def _parts(self, table: Table, selection: Selection, batch: Batch) -> Iterator[Part]:
        months = self._tables.groups(
            table.name, selection.month, selection.archived, _parameters(batch)
        )
        for month, rows in months.items():
            part = Part(table, int(month), rows)
            begun = (file.of for file in batch.of(table.name) if file.month == part.filed)
            yield replace(part, begun=next(begun, 0))

    def _write_file(
        self, batch: Batch, part: Part, number: int, selection: Selection, progress: Progress
    ) -> None:
        table = part.table
        name = f"{table.name}/{part.filed}/{batch.name}-{number:03d}.parquet"
        # One that an erasure wrote anew has a number behind its name.
        if any(file.path.partition(".")[0] == name.partition(".")[0] for file in batch.files):
            return
        condition = f"{selection.archived} AND {selection.month} = {part.month}"
        if part.files > 1:
            condition += f" AND cityHash64({table.sorting_key}) % {part.files} = {number}"
        parameters = _parameters(batch)
        told = self._tables.fingerprint(table, condition, parameters)
        path = self._manifest.directory / name
        digest = write_stream(path, self._tables.download(table, condition, parameters))
        self._verify(table, path, told)
        clock = clock_of(table) or "now()"
        oldest, newest = self._tables.values(
            table.name,
            [f"toDateTime64({least}({clock}), 6, 'UTC')" for least in ("min", "max")],
            condition,
            parameters,
        )
        file = File(
            path=name,
            table=table.name,
            month=part.filed,
            rows=told[0],
            bytes=path.stat().st_size,
            sha256=digest,
            content=told[1],
            oldest=oldest.isoformat(),
            newest=newest.isoformat(),
            of=part.files,
        )
        batch.files.append(file)
        self._manifest.write()
        progress(file)

    def _verify(self, table: Table, path: Path, told: tuple[int, str]) -> None:
        """Send the file back into a scratch table, and compare what is there."""
        scratch = self._tables.scratch(table.name)
        try:
            self._tables.upload(scratch, list(table.columns), path.read_bytes())
            found = self._tables.fingerprint(table, source=scratch)
        finally:
            self._tables.drop(scratch)
        if found != told:
            raise ArchiveError(
                f"{path} does not hold what {table.name} does: {found[0]} rows of {told[0]}, or"
                " others. Nothing was dropped; try again with --resume."
            )

    @contextmanager
    def _keeping(self, batch: Batch, *, write: bool = False) -> Generator[Kept]:
        """Scratch tables of what stays: as it was when the batch began."""
        path = self._manifest.directory / batch.kept
        if path.exists():
            ids = path.read_text(encoding="ascii").split()
        else:
            before = datetime.fromisoformat(batch.before)
            ids = [one.execution_id for one in self._client.fetch(archive_kept(before))]
            if write:
                write_whole(path, "".join(f"{one}\n" for one in ids).encode("ascii"))
        kept = Kept(self._tables.scratch(), self._tables.scratch())
        try:
            self._tables.fill(kept.segments, ids)
            workers = self._client.fetch(workers_of(kept.segments))
            self._tables.fill(kept.workers, [one.worker_id for one in workers])
            yield kept
        finally:
            self._tables.drop(kept.segments)
            self._tables.drop(kept.workers)

    def _note(self, batch: Batch) -> None:
        """Write down in the database where its rows went."""
        self._client.insert(
            "archives",
            [
                {
                    "directory": str(self._manifest.directory),
                    "host": socket.gethostname(),
                    "batch": batch.name,
                    "before": datetime.fromisoformat(batch.before),
                    "table_name": name,
                    "rows": sum(file.rows for file in batch.of(name)),
                    "dropped": int(batch.dropped),
                }
                for name in batch.tables
            ],
        )


def _select(
    table: Table, kept: Kept, held: Held, batch: Batch, *, checked: bool = False
) -> Selection:
    """The conditions for a table, with those that take rows by what files hold of them."""
    selection = select(table, kept)
    if table.folds or not selection.dropped:
        return selection
    rows = held.rows(table, batch, checked=checked)
    # What no file holds yet is written by this batch, unless that is done.
    dropped = f"{selection.dropped} AND {rows}" if batch.complete else selection.dropped
    return replace(selection, archived=f"{selection.archived} AND NOT {rows}", dropped=dropped)


def _parameters(batch: Batch) -> dict[str, object]:
    return {"before": moment(datetime.fromisoformat(batch.before))}
