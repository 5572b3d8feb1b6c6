"""What changed from one version of the prices to another, and what that means for the money."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from exectrail import queries
from exectrail.costing.keeping import latest
from exectrail.costing.recosting import Range, learn
from exectrail.queries import CostAt, StoredPrice
from exectrail.storage.client import Client

_PRICES: Final = ("input", "cache_read", "cache_write", "output", "reasoning", "requests")


@dataclass(frozen=True, slots=True)
class Change:
    """A listing that the two versions do not price alike.

    Attributes:
        provider, model: Of the listing.
        before, after: Its rows in each; none where it is not listed.
    """

    provider: str
    model: str
    before: tuple[StoredPrice, ...]
    after: tuple[StoredPrice, ...]

    @property
    def kind(self) -> str:
        """`added`, `removed` or `changed`."""
        if not self.before:
            return "added"
        return "changed" if self.after else "removed"


@dataclass(frozen=True, slots=True)
class Money:
    """What the calls of a model cost by each version; None where it has no price."""

    provider: str
    model: str
    currency: str
    calls: int
    before: Decimal | None
    after: Decimal | None


@dataclass(frozen=True, slots=True)
class Difference:
    """The answer of `compare`: listings that differ, and models whose calls cost otherwise."""

    before: str
    after: str
    changes: Sequence[Change]
    money: Sequence[Money]


def compare(client: Client, before: str, after: str, calls: Range) -> Difference:
    """What changed from one version to another.

    Args:
        client: The store.
        before, after: The versions.
        calls: From when to when calls are compared: what they cost by each, not what they do now.

    Raises:
        CostingError: A version is not kept.
        StorageError: The database refused it or cannot be reached.
    """
    first, second = latest(client, before), latest(client, after)
    listed = [_listed(client, version.version, version.base) for version in (first, second)]
    changes = [
        Change(*key, listed[0].get(key, ()), listed[1].get(key, ()))
        for key in sorted({*listed[0], *listed[1]})
        if _said(listed[0].get(key, ())) != _said(listed[1].get(key, ()))
    ]
    money = _money(*(_costs(client, version.version, calls) for version in (first, second)))
    return Difference(first.version, second.version, changes, money)


def _listed(
    client: Client, version: str, base: str
) -> dict[tuple[str, str], tuple[StoredPrice, ...]]:
    rows = client.fetch(queries.prices_of_version(version))
    if base:
        rows += client.fetch(queries.prices_of_version(base))
    listed: dict[tuple[str, str], tuple[StoredPrice, ...]] = {}
    for row in rows:
        key = (row.provider, row.model)
        listed[key] = (*listed.get(key, ()), row)
    return listed


def _said(rows: Sequence[StoredPrice]) -> list[tuple[object, ...]]:
    """What rows say of money: not their version, number and label."""
    return [
        (
            *(row.since, row.until, row.day_from, row.day_until, row.above, row.up_to),
            row.currency,
            *(getattr(row, name) for name in _PRICES),
            sorted(row.others.items()),
        )
        for row in rows
    ]


def _costs(client: Client, version: str, calls: Range) -> dict[tuple[str, str, str], CostAt]:
    """What calls cost by a version: by provider, model and currency; without what has no price."""
    learn(client, version, calls)
    rows = client.fetch(queries.cost_at_prices(version, since=calls.since, until=calls.until))
    return {(row.provider, row.model, row.currency): row for row in rows if row.currency}


def _money(
    before: dict[tuple[str, str, str], CostAt], after: dict[tuple[str, str, str], CostAt]
) -> list[Money]:
    lines: list[Money] = []
    for key in sorted({*before, *after}):
        first, second = before.get(key), after.get(key)
        line = Money(
            *key,
            calls=max(each.calls for each in (first, second) if each),
            before=first.cost if first else None,
            after=second.cost if second else None,
        )
        if line.before != line.after:
            lines.append(line)
    return lines
