"""Price lists as rows that a database can join: each holds for some dates, hours and sizes of call.

The rows of a listing exclude each other, so that exactly one of them holds for a call. They say the
same as `Listing.amount` and `UserPrice`, which price calls while they are made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from exectrail.pricing.rates import EXACT, Rates
from exectrail.pricing.user_file import UserPrice

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, ModelPrice, TieredPrices

ALWAYS: Final = datetime(1900, 1, 1, tzinfo=UTC)
FOREVER: Final = datetime(2299, 12, 31, tzinfo=UTC)
"""The first and the last time that a row can name: those of a DateTime64."""
DAY: Final = 86_400_000_000
"""Microseconds of a day."""
_ANY_SIZE: Final = 2**63 - 1
_DECIMALS: Final = 36
"""Digits after the point that a stored price has."""
_KEYS: Final = {
    "input_mtok": "input",
    "cache_read_mtok": "cache_read",
    "cache_write_mtok": "cache_write",
    "output_mtok": "output",
    "output_reasoning_mtok": "reasoning",
    "requests_kcount": "requests",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRow:
    """One row of a listing's prices.

    Attributes:
        listing: Number of the listing within its version.
        provider, model: As genai-prices lists them, or as the user's file does.
        since, until: When it holds, UTC, `until` excluded.
        day_from, day_until: Microseconds of the day (UTC) in which it holds, `day_until` excluded.
        above, up_to: Input tokens of the calls it holds for, the cache included: more than `above`.
        currency: ISO 4217.
        input, cache_read, cache_write, output, reasoning: For a million tokens; None: no price.
        requests: For a thousand calls.
        others: Prices of what a usage event does not count, by their names in genai-prices.
        label: Names the price beside an amount.
    """

    listing: int
    provider: str
    model: str
    since: datetime = ALWAYS
    until: datetime = FOREVER
    day_from: int = 0
    day_until: int = DAY
    above: int = -1
    up_to: int = _ANY_SIZE
    currency: str
    input: Decimal | None = None
    cache_read: Decimal | None = None
    cache_write: Decimal | None = None
    output: Decimal | None = None
    reasoning: Decimal | None = None
    requests: Decimal = Decimal(0)
    others: Mapping[str, Decimal] = field(default_factory=dict[str, Decimal])
    label: str


def rows_of_model(
    model: ModelInfo, *, listing: int, provider: str, currency: str, label: str
) -> list[PriceRow]:
    """The rows of a model of the public list.

    Variants for a context (batch, priority, region) are left out: a usage event does not tell it.
    """
    blank = PriceRow(
        listing=listing, provider=provider, model=model.id, currency=currency, label=label
    )
    return [row for span in _spans(model, blank) for row in _rows_of_list(*span)]


def row_of_user(price: UserPrice, *, listing: int) -> PriceRow:
    """The row of a price of the user's file.

    Until when it holds is not said here: another price that matches a call's model may follow it.

    Raises:
        ValueError: A price has more decimals than can be stored.
    """
    rates = price.rates
    return PriceRow(
        listing=listing,
        provider=price.provider or "",
        model=price.model,
        since=max(price.start, ALWAYS),
        currency=price.currency,
        input=_per_million(rates, rates.input_uncached),
        cache_read=_per_million(rates, rates.cache_read),
        cache_write=_per_million(rates, rates.cache_write),
        output=_per_million(rates, rates.output),
        reasoning=_per_million(rates, rates.output),
        label=price.version,
    )


def _per_million(rates: Rates, units: int | None) -> Decimal | None:
    if units is None:
        return None
    price = Decimal(units).scaleb(rates.exponent + 6, EXACT)
    exponent = price.normalize(EXACT).as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -_DECIMALS:
        raise ValueError(f"{price} has more than {_DECIMALS} decimals, which cannot be stored")
    return price


def _spans(model: ModelInfo, blank: PriceRow) -> Iterator[tuple[ModelPrice, PriceRow]]:
    """Each span of dates and hours, with the price list that genai-prices takes in it."""
    from genai_prices.types import ModelPrice, StartDateConstraint, TimeOfDateConstraint

    listed = model.prices
    if isinstance(listed, ModelPrice):
        yield listed, blank
        return
    days: set[date] = set()
    hours: set[int] = set()
    for constraint in (each.constraint for each in listed):
        if isinstance(constraint, StartDateConstraint):
            days.add(constraint.start_date)
        elif isinstance(constraint, TimeOfDateConstraint):
            hours |= {_microsecond(constraint.start_time), _microsecond(constraint.end_time)}
    starts = [datetime.combine(day, time.min, tzinfo=UTC) for day in sorted(days)]
    first_day = (starts[0] if starts else datetime(2020, 1, 1, tzinfo=UTC)) - timedelta(days=1)
    for since, until in pairwise([ALWAYS, *starts, FOREVER]):
        day = first_day if since == ALWAYS else since
        of_day: list[tuple[ModelPrice, PriceRow]] = []
        for start, end in pairwise(sorted({0, *hours, DAY})):
            prices = model.get_prices(day + timedelta(microseconds=start))
            if of_day and of_day[-1][0] is prices:
                of_day[-1] = (prices, replace(of_day[-1][1], day_until=end))
                continue
            row = replace(blank, since=since, until=until, day_from=start, day_until=end)
            of_day.append((prices, row))
        yield from of_day


def _microsecond(moment: time) -> int:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    utc = datetime.combine(date(1970, 1, 1), aware).astimezone(UTC).time()
    since_midnight = timedelta(
        hours=utc.hour, minutes=utc.minute, seconds=utc.second, microseconds=utc.microsecond
    )
    return since_midnight // timedelta(microseconds=1)


def _rows_of_list(prices: ModelPrice, blank: PriceRow) -> Iterator[PriceRow]:
    """A row for each tier: beyond its limit, all tokens of a call are paid at its prices."""
    from genai_prices.types import TieredPrices

    listed = {
        key: value
        for key, value in vars(prices).items()
        if value is not None and not key.startswith("_")
    }
    limits = {
        tier.start
        for value in listed.values()
        if isinstance(value, TieredPrices)
        for tier in value.tiers
    }
    for above, up_to in pairwise([-1, *sorted(limits), _ANY_SIZE]):
        row = replace(blank, above=above, up_to=up_to)
        yield _priced(row, {key: _price_above(above, value) for key, value in listed.items()})


def _price_above(above: int, value: Decimal | TieredPrices) -> Decimal:
    if isinstance(value, Decimal):
        return value
    price = value.base
    for tier in value.tiers:  # in ascending order
        if tier.start <= above:
            price = tier.price
    return price


def _priced(row: PriceRow, listed: Mapping[str, Decimal]) -> PriceRow:
    known = {_KEYS[key]: price for key, price in listed.items() if key in _KEYS}
    others = {key: price for key, price in listed.items() if key not in _KEYS}
    told, answer = known.get("input"), known.get("output")
    # Where `Listing` leaves a list to genai-prices, it wants a price of input whatever the input.
    cached = {} if told is None and known.keys() & {"reasoning", "requests"} else known
    return replace(
        row,
        input=told,
        cache_read=cached.get("cache_read", told),
        cache_write=cached.get("cache_write", told),
        output=answer,
        reasoning=answer if answer is None else known.get("reasoning", answer),
        requests=known.get("requests", Decimal(0)),
        others=others,
    )
