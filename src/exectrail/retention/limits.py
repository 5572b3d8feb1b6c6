"""The limits of the tables that are there: in force, by default, and what another one would do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from exectrail.retention.policy import said
from exectrail.retention.purposes import Purpose, Role, purpose_of
from exectrail.storage import adoption
from exectrail.storage.client import Client
from exectrail.storage.cluster import check_cluster
from exectrail.storage.retention import clock_of, defaults, keep, remembered
from exectrail.storage.runner import load_migrations
from exectrail.storage.tables import Table, Tables


class RetentionError(Exception):
    """What was asked for is not to be done; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A table and how long it keeps its rows.

    Attributes:
        table: The table.
        purpose: What it is for.
        days: In force; None for ever.
        default: What the migrations say; None for ever, or where they do not know the table.
        was_set: Whether somebody set it.
        oldest: Time of its oldest row; None where it has none.
        newest: Time of its newest row.
    """

    table: Table
    purpose: Purpose
    days: int | None
    default: int | None
    was_set: bool
    oldest: datetime | None
    newest: datetime | None

    @property
    def limit(self) -> str:
        """The limit in force, for people; a TTL that is none of ours as it stands."""
        if self.table.ttl and self.table.days is None:
            return self.table.ttl
        return said(self.days)


@dataclass(frozen=True, slots=True)
class Change:
    """A limit that is to be set.

    Attributes:
        kept: The table as it is.
        days: The new limit; None for ever.
        gone: Rows that are older than that now.
    """

    kept: Kept
    days: int | None
    gone: int


def kept_tables(client: Client) -> list[Kept]:
    """Every table that stores rows.

    Raises:
        StorageError: The database cannot be asked.
    """
    tables = Tables(client)
    by_default = defaults(migration.text for migration in load_migrations())
    found = tables.all()
    settings = remembered(client) if any(t.name == "retention_settings" for t in found) else {}
    return [
        Kept(
            table=table,
            purpose=purpose_of(table.known_as),
            days=table.days,
            default=by_default.get(table.known_as),
            was_set=table.known_as in settings,
            oldest=oldest,
            newest=newest,
        )
        for table in found
        for oldest, newest in [_span(tables, table)]
    ]


def adopted(client: Client) -> dict[str, str]:
    """Raw tables of somebody else in the place of ours: where each is, by our name for it.

    Raises:
        StorageError: The database cannot be asked.
    """
    origin = adoption.remembered(client)
    if origin is None:
        return {}
    return {name: f"{origin.database}.{table}" for name, table in origin.tables.items()}


def _span(tables: Tables, table: Table) -> tuple[datetime | None, datetime | None]:
    clock = clock_of(table)
    if not clock or not table.rows:
        return None, None
    oldest, newest = tables.values(
        table.name,
        [f"toDateTime64(min({clock}), 3, 'UTC')", f"toDateTime64(max({clock}), 3, 'UTC')"],
    )
    return oldest, newest


def planned(
    client: Client, kept: Sequence[Kept], wanted: Mapping[str, int | None], everything: bool
) -> list[Change]:
    """What would change, with the rows that would go.

    Args:
        client: Where the tables are.
        kept: The tables as they are.
        wanted: Days by table.
        everything: Whether tables are left out in silence that cannot be set; else that is an
            error.

    Raises:
        RetentionError: A table is not there, is none that is limited, or is somebody else's.
        StorageError: The database cannot be asked.
    """
    there = {one.table.known_as: one for one in kept}
    foreign = adopted(client)
    changes: list[Change] = []
    for name, days in wanted.items():
        if name in foreign:
            raise RetentionError(
                f"{name} stands for {foreign[name]}, which exectrail did not make and leaves as it"
                " is. Whoever made it limits it: the collector's exporter by `ttl`, or by hand"
                " ALTER TABLE ... MODIFY TTL."
            )
        if name not in there:
            raise RetentionError(f"there is no table {name!r}: see `exectrail retention show`.")
        one = there[name]
        if reason := _untouchable(one):
            if everything:
                continue
            raise RetentionError(reason)
        theirs = one.table.ttl and (one.table.days is None or " WHERE " in one.table.ttl)
        if one.days != days or theirs:
            changes.append(Change(one, days, _older(client, one.table, days)))
    return changes


def settable(kept: Sequence[Kept]) -> list[str]:
    """Names of the tables that a limit for all means."""
    return [one.table.known_as for one in kept if not _untouchable(one)]


def _untouchable(one: Kept) -> str:
    name = one.table.known_as
    if one.purpose.role in (Role.OWN, Role.RATES):
        return f"{name} holds settings and books of the store, which are small and are kept."
    if not clock_of(one.table):
        return f"{name} has no time to count from."
    return ""


def _older(client: Client, table: Table, days: int | None) -> int:
    if days is None or not table.rows:
        return 0
    # Dates cannot be before 1900 in the engine, nor is anything received before that.
    limit = max(datetime.now(UTC) - timedelta(days=days), datetime(1970, 1, 2, tzinfo=UTC))
    return Tables(client).count(
        table.name,
        f"{clock_of(table)} < {{limit:DateTime('UTC')}}",
        {"limit": limit.strftime("%Y-%m-%d %H:%M:%S")},
    )


def apply(client: Client, changes: Sequence[Change], *, cluster: str | None = None) -> None:
    """Set the limits.

    Raises:
        StorageError: The tables are not where `cluster` says, and nothing is set; or the database
            refused one, and those before it are set.
    """
    check_cluster(client, cluster)
    tables = Tables(client, cluster=cluster)
    for change in changes:
        keep(tables, change.kept.table, change.days)


def after(kept: Sequence[Kept], changes: Sequence[Change]) -> dict[str, int | None]:
    """The limits by table once the changes are made."""
    limits = {one.table.known_as: one.days for one in kept}
    return limits | {change.kept.table.known_as: change.days for change in changes}
