"""Brings a database up to date: forward only, checksummed, repeatable.

A migration is a file `NNNN_name.sql` whose statements may be run again without harm (IF NOT
EXISTS, OR REPLACE), because neither ClickHouse nor chDB has transactions over DDL: a version is
written down only after its last statement succeeded, and what was cut short is run again from its
start. The few statements of the runner's own book-keeping stand here, beside what reads them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources

from exectrail.storage import adoption
from exectrail.storage.client import DEFAULT_DATABASE, Client, StorageError
from exectrail.storage.cluster import SLOT, check_cluster, for_cluster, replicated
from exectrail.storage.foreign import ForeignTable, Origin
from exectrail.storage.placement import Group
from exectrail.storage.retention import SETTINGS, restore
from exectrail.storage.statements import split_statements

TABLE = "exectrail_migrations"

_FILE_NAME = re.compile(r"(?P<version>\d{4})_(?P<name>[a-z0-9_]+)\.sql")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_RAW = "otel_"
# What a materialized view feeds on: the raw table of that name, or what was adopted in its place.
_FEED = re.compile(r"\{(otel_\w+)\}")

Adopted = Mapping[str, ForeignTable]
"""By name of the raw table whose place each takes; empty where the raw tables are our own."""


class State(StrEnum):
    """Where a migration stands in a database."""

    APPLIED = "applied"
    PENDING = "pending"
    CHANGED = "changed"
    """Applied, but the file is not what it was then."""
    UNKNOWN = "unknown"
    """Applied by a newer exectrail: this one has no such file."""


@dataclass(frozen=True)
class Migration:
    """One file.

    Attributes:
        version: Its number; the order of application.
        name: The rest of its file name.
        text: The file, with slots for ON CLUSTER and for the raw tables that views feed on.
    """

    version: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the file, in hex."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def is_raw(self) -> bool:
        """Whether it makes one of the tables that the collector's exporter inserts into."""
        return self.name.startswith(_RAW)

    def statements(
        self,
        cluster: str | None,
        adopted: Adopted | None = None,
        *,
        database: str = DEFAULT_DATABASE,
    ) -> list[str]:
        """Its statements with the slots filled.

        Args:
            cluster: Name of the cluster, if there is one; then they are those of `cluster`.
            adopted: Tables that take the place of raw ones of ours. Views of the same names are
                made over them; the other raw tables are made as ever and stay empty.
            database: Name of the database, which the tables of a cluster say.

        Raises:
            ValueError: The file cannot be split, or a cluster has no rule for what stands in it.
        """
        adopted = adopted or {}
        if self.name in adopted:
            return [adopted[self.name].view(self.name)]
        feeds = {name: table.feed() for name, table in adopted.items()}
        text = _FEED.sub(lambda slot: feeds.get(slot[1], slot[1]), self.text)
        if not cluster:
            return split_statements(text.replace(SLOT, ""))
        return [
            made
            for statement in split_statements(text)
            for made in for_cluster(statement, cluster=cluster, database=database)
        ]


@dataclass(frozen=True)
class Status:
    """One line of `exectrail migrate status`."""

    version: int
    name: str
    state: State


def load_migrations() -> list[Migration]:
    """The migrations that ship with this version, in order.

    Raises:
        StorageError: A file name is not `NNNN_name.sql`, or a number is used twice.
    """
    found: dict[int, Migration] = {}
    for entry in (resources.files("exectrail.storage") / "migrations").iterdir():
        if not entry.name.endswith(".sql"):
            continue
        match = _FILE_NAME.fullmatch(entry.name)
        if match is None:
            raise StorageError(f"migration {entry.name} is not named NNNN_name.sql")
        version = int(match["version"])
        if version in found:
            raise StorageError(f"migration number {version:04d} is used twice")
        found[version] = Migration(version, match["name"], entry.read_text(encoding="utf-8"))
    return [found[version] for version in sorted(found)]


def plan(
    migrations: Sequence[Migration],
    *,
    database: str,
    cluster: str | None = None,
    adopted: Adopted | None = None,
) -> Iterator[str]:
    """Every statement of an application from nothing, in order; sends nothing.

    Args:
        migrations: What to apply.
        database: Name of the database.
        cluster: Name of the cluster for ON CLUSTER, if there is one.
        adopted: Tables of somebody else in the place of raw ones of ours.

    Raises:
        StorageError: A name is not a plain identifier, or a file cannot be split.
    """
    yield _create_database(database, cluster)
    yield f"USE {_quoted(database)}"
    yield _create_table(cluster)
    if adopted:
        yield from adoption.remember(Origin.of(adopted))
    for migration in migrations:
        yield from _statements(migration, cluster, adopted, database)
        yield _record(migration)


class Runner:
    """Applies migrations to one database."""

    def __init__(
        self,
        client: Client,
        *,
        cluster: str | None = None,
        adopt: Origin | None = None,
        migrations: Sequence[Migration] | None = None,
    ) -> None:
        """Make a runner.

        Args:
            client: Where to; its database need not exist yet.
            cluster: Name of the cluster for ON CLUSTER, if there is one.
            adopt: Tables of somebody else to take in the place of raw ones of ours. A database
                that has adopted some goes on with them without being told again.
            migrations: Instead of those that ship with this version.

        Raises:
            StorageError: Both a cluster and tables to adopt.
        """
        if cluster and adopt:
            raise StorageError("Tables are adopted on one node: --adopt and --cluster do not meet.")
        self._client = client
        self._cluster = cluster
        self._adopt = adopt
        self._migrations = list(load_migrations() if migrations is None else migrations)

    def status(self) -> list[Status]:
        """Where each migration stands. Only reads, and works before the database exists.

        Raises:
            StorageError: The database cannot be asked.
        """
        applied = self._applied()
        lines = [
            Status(m.version, m.name, _state(m, applied.get(m.version))) for m in self._migrations
        ]
        known = {m.version for m in self._migrations}
        lines += [
            Status(version, name, State.UNKNOWN)
            for version, (name, _) in applied.items()
            if version not in known
        ]
        return sorted(lines, key=lambda line: line.version)

    def apply(self) -> list[Migration]:
        """Apply what is pending, and say what was.

        Raises:
            StorageError: An applied file was changed, the tables are not where `cluster` says, or
                tables cannot be adopted (nothing is sent then), or a statement failed (its
                migration stays pending, those before it are applied).
        """
        states = {line.version: line for line in self.status()}
        changed = [line for line in states.values() if line.state is State.CHANGED]
        if changed:
            names = ", ".join(f"{line.version:04d}_{line.name}" for line in changed)
            raise StorageError(
                f"Applied migrations differ from their files: {names}. History is not rewritten:"
                " restore the files, or bring the change as a new migration."
            )
        check_cluster(self._client, self._cluster)
        origin = self.origin()
        pending = [m for m in self._migrations if states[m.version].state is State.PENDING]
        if not pending:
            return []
        adopted: Adopted = {}
        if origin:
            adopted = adoption.look(self._client, origin)
        elif any(migration.is_raw for migration in pending):
            adoption.refuse_foreign(self._client)
        self._client.command(
            _create_database(self._client.database, self._cluster), use_database=False
        )
        self._client.command(_create_table(self._cluster))
        if origin and adoption.remembered(self._client) is None:
            for statement in adoption.remember(origin):
                self._client.command(statement)
        for migration in pending:
            statements = _statements(migration, self._cluster, adopted, self._client.database)
            for number, statement in enumerate(statements, start=1):
                try:
                    self._client.command(statement)
                except StorageError as error:
                    place = f"{migration.version:04d}_{migration.name}, statement {number}"
                    raise StorageError(f"Migration {place} failed: {error}") from error
            self._client.command(_record(migration))
        if any(migration.name == SETTINGS for migration in self._migrations):
            restore(self._client, cluster=self._cluster)
        return pending

    def origin(self) -> Origin | None:
        """The tables to adopt, or that were; None where the raw tables are ours. Only reads.

        Raises:
            StorageError: What is to be adopted does not fit what was done before.
        """
        applied = self._applied().values()
        raw = {migration.name for migration in self._migrations if migration.is_raw}
        has_own = any(name in raw for name, _ in applied)
        return adoption.choose(self._client, self._adopt, has_own=has_own)

    def _applied(self) -> dict[int, tuple[str, str]]:
        """Name and checksum by version; empty where nothing was ever applied."""
        database = self._client.database
        there = self._client.query(
            "SELECT count() AS tables FROM system.tables"
            " WHERE database = {database:String} AND name = {name:String}",
            {"database": database, "name": TABLE},
            use_database=False,
        )
        if not int(there[0]["tables"]):
            return {}
        # Two runners at once may write a version twice: the last line counts.
        rows = self._client.query(
            "SELECT version, argMax(m.name, m.applied_at) AS name,"  # noqa: S608 both are checked names
            " argMax(m.checksum, m.applied_at) AS checksum"
            f" FROM {_quoted(database)}.{TABLE} AS m GROUP BY version ORDER BY version",
            use_database=False,
        )
        return {int(row["version"]): (row["name"], row["checksum"]) for row in rows}


def _state(migration: Migration, applied: tuple[str, str] | None) -> State:
    if applied is None:
        return State.PENDING
    return State.APPLIED if applied[1] == migration.checksum else State.CHANGED


def _statements(
    migration: Migration, cluster: str | None, adopted: Adopted | None, database: str
) -> list[str]:
    if cluster is not None and not _IDENTIFIER.fullmatch(cluster):
        raise StorageError(f"'{cluster}' is not a name of a cluster")
    try:
        return migration.statements(cluster, adopted, database=database)
    except ValueError as error:
        raise StorageError(
            f"migration {migration.version:04d}_{migration.name}: {error}"
        ) from error


def _quoted(identifier: str) -> str:
    if not _IDENTIFIER.fullmatch(identifier):
        raise StorageError(f"'{identifier}' is not a name of a database")
    return f"`{identifier}`"


def _create_database(database: str, cluster: str | None) -> str:
    on_cluster = f" ON CLUSTER '{cluster}'" if cluster else ""
    # Atomic, because OR REPLACE and refreshable views need it; the embedded default is another one.
    return f"CREATE DATABASE IF NOT EXISTS {_quoted(database)}{on_cluster} ENGINE = Atomic"


def _create_table(cluster: str | None) -> str:
    on_cluster, engine = "", "ReplacingMergeTree(applied_at)"
    if cluster:
        on_cluster = f" ON CLUSTER '{cluster}'"
        engine = replicated("ReplacingMergeTree", ["applied_at"], Group.EVERYWHERE)
    return (
        f"CREATE TABLE IF NOT EXISTS {TABLE}{on_cluster} (version UInt32, name String,"
        " checksum String, applied_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC'))"
        f" ENGINE = {engine} ORDER BY version"
    )


def _record(migration: Migration) -> str:
    return (
        f"INSERT INTO {TABLE} (version, name, checksum)"  # noqa: S608 a checked name, a hex digest
        f" VALUES ({migration.version}, '{migration.name}', '{migration.checksum}')"
    )
