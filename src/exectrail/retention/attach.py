"""Makes archived rows readable again: in a database of their own, or back in their tables.

In a database of its own an archive is complete by itself: nothing is on its way to it, nothing in
it grows old, and what was judged dead is so because its process has long been silent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from exectrail.retention.manifest import ArchiveError, File, Manifest
from exectrail.rollup import Fold
from exectrail.storage.client import Client
from exectrail.storage.runner import Runner, load_migrations
from exectrail.storage.tables import ATTACHED, Table, Tables

Progress = Callable[[File], None]


def attach(
    manifest: Manifest,
    client: Client,
    progress: Progress,
    *,
    only: Sequence[str] | None = None,
    sums: bool = False,
) -> int:
    """Make a database of the files.

    Args:
        manifest: The directory.
        client: Of a database that is not there yet.
        progress: Called after each file.
        only: Names of tables; all if left out.
        sums: Whether runs are folded and summed up as well, by hour and day.

    Returns:
        How many rows were read.

    Raises:
        ArchiveError: The database is there, or the files are not as they were written, or by a
            newer exectrail. A database that was half made is dropped again.
        StorageError: The database failed.
    """
    files = manifest.files(only)
    _check(manifest, files)
    tables = Tables(client)
    if tables.exists():
        raise ArchiveError(
            f"There is a database {client.database!r} already. Name another with --database; or to"
            " put the rows back into its tables, say --back."
        )
    try:
        Runner(client).apply()
        # What reads raw rows as they come would make typed rows a second time.
        for view in tables.names("MaterializedView"):
            tables.drop(view, "VIEW")
        for table in tables.all():
            if table.ttl:
                tables.set_ttl(table.name, "", None)
        rows = _load(manifest, files, tables, progress)
        tables.never_silent()
        if sums:
            for _ in Fold(client).run():
                pass
        tables.mark_attached(str(manifest.directory))
    except BaseException:
        tables.drop_database()
        raise
    return rows


def detach(client: Client) -> None:
    """Drop a database that `attach` made.

    Raises:
        ArchiveError: It is none.
        StorageError: The database failed.
    """
    tables = Tables(client)
    if not tables.exists() or ATTACHED not in {table.name for table in tables.all()}:
        raise ArchiveError(f"{client.database!r} is no database that `archive attach` made.")
    tables.drop_database()


def put_back(manifest: Manifest, client: Client, progress: Progress) -> int:
    """Put the rows of the files back into their tables, where they meet themselves.

    Rows that are there already are the same rows, and count once; but rows of telemetry as it was
    sent (`otel_*`) have no identity: put them back only where they were dropped.

    Returns:
        How many rows were read.

    Raises:
        ArchiveError: The files are not as they were written.
        StorageError: The database failed; calling it again adds nothing twice but raw rows.
    """
    files = manifest.files()
    _check(manifest, files)
    return _load(manifest, files, Tables(client), progress)


def too_old(manifest: Manifest, client: Client) -> list[str]:
    """Tables whose limit would take out again what is put back, with their limit in days."""
    found: list[str] = []
    for table in Tables(client).all():
        of = [file for file in manifest.files() if file.table == table.name]
        if of and table.days is not None:
            oldest = min(datetime.fromisoformat(file.oldest) for file in of)
            if datetime.now(UTC) - oldest > timedelta(days=table.days):
                found.append(f"{table.name} ({table.days} d)")
    return found


def _check(manifest: Manifest, files: Sequence[File]) -> None:
    if not any(batch.complete for batch in manifest.batches):
        raise ArchiveError(f"{manifest.directory} holds no finished batch.")
    newest = max(batch.migrations for batch in manifest.batches)
    if newest > load_migrations()[-1].version:
        raise ArchiveError(
            f"{manifest.directory} was written by a newer exectrail (migration {newest:04d}):"
            " upgrade this one."
        )
    for file in files:
        manifest.content(file)


def _load(manifest: Manifest, files: Sequence[File], tables: Tables, progress: Progress) -> int:
    there: dict[str, Table] = {table.name: table for table in tables.all()}
    rows = 0
    for file in files:
        if file.table not in there:
            raise ArchiveError(f"{file.path}: there is no table {file.table} to put it into.")
        table = there[file.table]
        tables.upload(table.name, list(table.columns), manifest.content(file))
        rows += file.rows
        progress(file)
    return rows
