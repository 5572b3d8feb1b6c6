"""Questions about prices, and what calls would cost by them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from exectrail.queries.catalog import moment
from exectrail.queries.query import Query, question

ALWAYS = "1900-01-01 00:00:00"
FOREVER = "2299-12-31 00:00:00"
"""The first and the last time that the store can hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceVersion:
    """A version of the prices; `base` is the one beneath a user's own."""

    version: str
    source: str
    base: str
    listings: int
    fingerprint: str
    synced_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Matching:
    """How a version finds its listings: JSON of `exectrail.pricing`."""

    version: str
    base: str
    matching: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPrice:
    """A row of `prices`; see the migration for what each column means."""

    version: str
    listing: int
    source: str
    provider: str
    model: str
    since: datetime
    until: datetime
    day_from: int
    day_until: int
    above: int
    up_to: int
    currency: str
    input: Decimal | None
    cache_read: Decimal | None
    cache_write: Decimal | None
    output: Decimal | None
    reasoning: Decimal | None
    requests: Decimal | None
    others: Mapping[str, Decimal]
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CalledModel:
    """A model as calls name it."""

    provider: str
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recost:
    """What calls of a model cost now and would cost.

    `changed` calls would have another amount, `unknown` ones no price by the version. `currency` is
    '' where there is a price neither now nor then.
    """

    provider: str
    model: str
    currency: str
    new_currency: str
    calls: int
    priced_calls: int
    new_priced_calls: int
    changed: int
    unknown: int
    cost: Decimal | None
    new_cost: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CostAt:
    """What calls of a model cost by a version; currency '' and no cost where it has no price."""

    provider: str
    model: str
    currency: str
    calls: int
    cost: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeRate:
    """What one unit of a currency is worth in another, from a day on."""

    currency: str
    into: str
    valid_from: date
    rate: Decimal
    said: datetime


def price_versions() -> Query[PriceVersion]:
    """The versions of the prices, the latest first."""
    return question("price_versions", PriceVersion)


def price_matching(version: str) -> Query[Matching]:
    """The matching of a version, and that of the one beneath it."""
    return question("price_matching", Matching, version=version)


def prices_of_version(version: str) -> Query[StoredPrice]:
    """All prices of a version, without those of the one beneath it."""
    return question("prices_of_version", StoredPrice, version=version)


def models_called(
    version: str, *, since: datetime | None, until: datetime | None
) -> Query[CalledModel]:
    """Models that calls name and that a version was not asked for yet."""
    return question("models_called", CalledModel, version=version, **_span(since, until))


def cost_at_prices(
    version: str, *, since: datetime | None, until: datetime | None
) -> Query[CostAt]:
    """What calls cost by a version; its models have to stand in `model_prices`."""
    return question("cost_at_prices", CostAt, version=version, **_span(since, until))


def recost_preview(
    version: str,
    *,
    since: datetime | None,
    until: datetime | None,
    only_unpriced: bool = False,
    over_provider: bool = False,
) -> Query[Recost]:
    """What calls cost now, and what they would by a version, dearest first.

    Args:
        version: Of the prices; its models have to stand in `model_prices`.
        since: Calls at or after it; aware. None for all.
        until: Calls before it.
        only_unpriced: Calls that have a price keep it.
        over_provider: Also calls whose cost the provider itself said.
    """
    return question(
        "recost_preview",
        Recost,
        version=version,
        only_unpriced=int(only_unpriced),
        over_provider=int(over_provider),
        **_span(since, until),
    )


def recost_apply(
    version: str,
    *,
    since: datetime | None,
    until: datetime | None,
    only_unpriced: bool = False,
    over_provider: bool = False,
) -> Query[None]:
    """The statement that appends what `recost_preview` shows; it answers nothing."""
    return question(
        "recost_apply",
        type(None),
        version=version,
        only_unpriced=int(only_unpriced),
        over_provider=int(over_provider),
        **_span(since, until),
    )


def recost_back_preview(*, since: datetime | None, until: datetime | None) -> Query[Recost]:
    """What re-costed calls cost now, and what they did as told."""
    return question("recost_back_preview", Recost, **_span(since, until))


def recost_back(*, since: datetime | None, until: datetime | None) -> Query[None]:
    """The statement that has re-costed calls stand as they were told; it answers nothing."""
    return question("recost_back", type(None), **_span(since, until))


def exchange_rates() -> Query[ExchangeRate]:
    """All rates that were set."""
    return question("exchange_rates", ExchangeRate)


def _span(since: datetime | None, until: datetime | None) -> dict[str, str]:
    return {
        "since": ALWAYS if since is None else moment(since),
        "until": FOREVER if until is None else moment(until),
    }
