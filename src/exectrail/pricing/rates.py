"""Exact arithmetic: tokens times rates per million."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Context, Decimal
from operator import itemgetter
from typing import ClassVar

from exectrail.pricing.tokens import Buckets

# The program's own decimal context may round or trap; amounts are worked out in this one. 60 digits
# hold any rate (18 decimals at most today) times any count that fits 64 bits.
EXACT = Context(prec=60, Emin=-999_999, Emax=999_999, traps=[])

_TOKENS_PER_PRICE = 6
"""Prices are per 10^6 tokens."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Rates of one model as whole numbers of the smallest unit any of them needs.

    Whole numbers because their products and sums are exact, whatever the decimal context, and
    cost a fraction of a Decimal's.

    Attributes:
        input_uncached, cache_read, cache_write, output: Units per token of that bucket; None where
            the table has no rate.
        exponent: A unit is 10^exponent of the currency.
    """

    input_uncached: int | None
    cache_read: int | None
    cache_write: int | None
    output: int | None
    exponent: int

    @classmethod
    def per_million(
        cls,
        *,
        input_price: Decimal | None,
        output_price: Decimal | None,
        cache_read_price: Decimal | None = None,
        cache_write_price: Decimal | None = None,
    ) -> Rates:
        """Rates from prices per million tokens.

        Cached input without a price of its own is paid like other input, as genai-prices has it.

        Raises:
            ValueError: A price is not finite.
        """
        prices = (
            input_price,
            input_price if cache_read_price is None else cache_read_price,
            input_price if cache_write_price is None else cache_write_price,
            output_price,
        )
        exponent = min((_exponent(price) for price in prices if price is not None), default=0)
        uncached, read, write, output = (
            None if price is None else int(price.scaleb(-exponent, EXACT)) for price in prices
        )
        return cls(uncached, read, write, output, exponent - _TOKENS_PER_PRICE)

    def amount(self, tokens: Buckets) -> Decimal | None:
        """What the tokens cost, exactly.

        Returns:
            The amount, or None where tokens of a kind without a rate are among them: leaving them
            out would report a part of the cost as the whole.
        """
        units = 0
        for count, rate in (
            (tokens.input_uncached, self.input_uncached),
            (tokens.cache_read, self.cache_read),
            (tokens.cache_write, self.cache_write),
            (tokens.output, self.output),
        ):
            if count:
                if rate is None:
                    return None
                units += count * rate
        return Decimal(units).scaleb(self.exponent, EXACT)


@dataclass(frozen=True, slots=True)
class Tiers:
    """Rates by the size of the call: beyond a limit, all of its tokens are paid at the next rates.

    Attributes:
        rates: Limit and rates, the highest limit first.
    """

    BASE: ClassVar = -1
    """The limit of the first rates, which every call is beyond."""

    rates: tuple[tuple[int, Rates], ...]

    @classmethod
    def of(cls, rates: Mapping[int, Rates]) -> Tiers:
        """Tiers from rates by the count of input tokens, cache included, beyond which they hold."""
        return cls(tuple(sorted(rates.items(), key=itemgetter(0), reverse=True)))

    def amount(self, tokens: Buckets) -> Decimal | None:
        """What the tokens cost; None as in `Rates.amount`."""
        size = tokens.input_total
        for limit, rates in self.rates:
            if size > limit:
                return rates.amount(tokens)
        return None


def _exponent(price: Decimal) -> int:
    exponent = price.as_tuple().exponent
    if not isinstance(exponent, int):
        raise ValueError(f"not a number of money: {price}")
    return min(exponent, 0)
