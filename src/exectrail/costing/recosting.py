"""What calls would cost by a version of the prices, and having them cost that."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from exectrail import queries
from exectrail.costing.keeping import match
from exectrail.queries import Recost
from exectrail.storage.client import Client


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Which calls.

    Attributes:
        since: Those at or after it; aware. None for all.
        until: Those before it; None for all.
        only_unpriced: Calls that have a price keep it.
        over_provider: Also calls whose cost the provider itself said, which else keep it.
    """

    since: datetime | None = None
    until: datetime | None = None
    only_unpriced: bool = False
    over_provider: bool = False


def learn(client: Client, version: str, calls: Range) -> None:
    """Write down which listings price the models that calls name, if that was not done before.

    Raises:
        CostingError: The version is not kept.
        StorageError: The database refused it or cannot be reached.
    """
    new = client.fetch(queries.models_called(version, since=calls.since, until=calls.until))
    match(client, version, [(each.provider, each.model) for each in new])


def preview(client: Client, version: str, calls: Range) -> list[Recost]:
    """What calls cost now, and what they would; changes no figure.

    Writes down which listings price the models that the calls name, if that was not done before.

    Raises:
        CostingError: The version is not kept.
        StorageError: The database refused it or cannot be reached.
    """
    learn(client, version, calls)
    return client.fetch(
        queries.recost_preview(
            version,
            since=calls.since,
            until=calls.until,
            only_unpriced=calls.only_unpriced,
            over_provider=calls.over_provider,
        )
    )


def recost(client: Client, version: str, calls: Range) -> list[Recost]:
    """Have calls cost what a version says; a second time it changes nothing.

    Returns:
        What `preview` says just before.

    Raises:
        CostingError: The version is not kept.
        StorageError: The database refused it or cannot be reached.
    """
    seen = preview(client, version, calls)
    if any(row.changed for row in seen):
        statement = queries.recost_apply(
            version,
            since=calls.since,
            until=calls.until,
            only_unpriced=calls.only_unpriced,
            over_provider=calls.over_provider,
        )
        client.command(statement.sql, statement.parameters)
    return seen


def as_told_preview(client: Client, calls: Range) -> list[Recost]:
    """What re-costed calls cost now, and what they did as told.

    Raises:
        StorageError: The database cannot be asked.
    """
    return client.fetch(queries.recost_back_preview(since=calls.since, until=calls.until))


def as_told(client: Client, calls: Range) -> list[Recost]:
    """Have calls cost again what was told of them.

    Returns:
        What `as_told_preview` says just before.

    Raises:
        StorageError: The database refused it or cannot be reached.
    """
    seen = as_told_preview(client, calls)
    if seen:
        statement = queries.recost_back(since=calls.since, until=calls.until)
        client.command(statement.sql, statement.parameters)
    return seen
