"""The public prices: genai-prices, loaded when first asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, localcontext
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from exectrail.pricing.rates import EXACT, Rates, Tiers
from exectrail.pricing.spellings import PROVIDERS, bare_model, provider_id, split_vendor
from exectrail.pricing.tokens import Buckets

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, ModelPrice, Provider

CURRENCY: Final = "USD"
"""genai-prices lists US dollars only."""

_PRICES: Final = ("input_mtok", "output_mtok", "cache_read_mtok", "cache_write_mtok")
_PER_CALL_PRICE: Final = "requests_kcount"
_REASONING_PRICE: Final = "output_reasoning_mtok"
"""Two more prices that our counts reach. Others (audio, images, searches, caches by age) are for
counts that a usage event does not carry."""


@dataclass(frozen=True, slots=True)
class Listing:
    """One model of the catalogue.

    Attributes:
        provider, model: As genai-prices lists them.
        tiers: The rates of each price list of the model, by the list's identity: most models have
            one, others one for each season or hour. Lists not in here are left to genai-prices.
    """

    provider: Provider
    model: ModelInfo
    tiers: Mapping[int, Tiers]

    def amount(self, tokens: Buckets, reasoning: int, at: datetime) -> Decimal | None:
        """What the tokens cost in US dollars at a time.

        Args:
            tokens: The call's tokens.
            reasoning: How many of the output tokens were reasoning.
            at: When the call was made, with its time zone.

        Returns:
            The amount, or None where a kind of token has no rate.
        """
        prices = self.model.get_prices(at)
        tiers = self.tiers.get(id(prices))
        if tiers is not None:
            return tiers.amount(tokens)
        if (tokens.input_total and prices.input_mtok is None) or (
            tokens.output and prices.output_mtok is None
        ):
            return None
        with localcontext(EXACT):
            return self._worked_out(tokens, reasoning, at)

    def _worked_out(self, tokens: Buckets, reasoning: int, at: datetime) -> Decimal:
        from genai_prices import Usage

        usage = Usage(
            input_tokens=tokens.input_total,
            output_tokens=tokens.output,
            cache_read_tokens=tokens.cache_read,
            cache_write_tokens=tokens.cache_write,
            output_reasoning_tokens=min(max(reasoning, 0), tokens.output),
        )
        cost = self.model.calc_price(usage, self.provider, genai_request_timestamp=at)
        return cost.total_price


@cache
def catalogue_version() -> str:
    """Names the rates: two amounts under one version were worked out from the same table."""
    return f"genai-prices/{version('genai-prices')}"


def find(provider: str | None, model: str) -> Listing | None:
    """Look a model up.

    Args:
        provider: As OpenTelemetry, a framework or genai-prices calls it; None where not told.
        model: As the provider or a framework calls it.

    Returns:
        The listing, or None where the model is not listed for this provider: another provider's
        price is not taken, because it may not be what is paid.
    """
    from genai_prices.data import providers

    found = find_in(providers, provider, model)
    return listing_of(*found) if found else None


def find_in(
    providers: Sequence[Provider], provider: str | None, model: str
) -> tuple[Provider, ModelInfo] | None:
    """Look a model up among some providers, as `find` does among those of the installed version."""
    from genai_prices.data_snapshot import DataSnapshot

    for provider_word, name in _candidates(provider, model, {known.id for known in providers}):
        # A snapshot of its own for each look-up: the shared one keeps every name it was ever asked
        # for, and changes when the program has genai-prices fetch newer prices, while ours stay
        # those of the installed version, which the price version names.
        table = DataSnapshot(providers=list(providers), from_auto_update=False)
        try:
            return table.find_provider_model(name, None, provider_word, None)
        except LookupError:
            continue
    return None


def listing_of(provider: Provider, model: ModelInfo) -> Listing:
    """Work out a model's rates."""
    return Listing(provider, model, _tiers(model))


def _candidates(
    provider: str | None, model: str, known: set[str]
) -> Iterator[tuple[str | None, str]]:
    told = provider_id(provider)
    bare = bare_model(model)
    prefixed = split_vendor(bare)
    vendor = PROVIDERS.get(prefixed[0], prefixed[0]) if prefixed else None
    if prefixed and told is None and vendor in known:
        yield vendor, prefixed[1]
        return
    yield told, model.strip()
    yield told, bare
    if prefixed and told == vendor:
        yield told, prefixed[1]


def _tiers(model: ModelInfo) -> dict[int, Tiers]:
    from genai_prices.types import ModelPrice

    listed = model.prices
    lists = [listed] if isinstance(listed, ModelPrice) else [each.prices for each in listed]
    return {id(prices): tiers for prices in lists if (tiers := _tiers_of(prices)) is not None}


def _tiers_of(prices: ModelPrice) -> Tiers | None:
    """The rates of a price list, or None where they do not say all that a call may cost."""
    from genai_prices.types import TieredPrices

    if getattr(prices, _PER_CALL_PRICE) or getattr(prices, _REASONING_PRICE):
        return None
    listed = [getattr(prices, key) for key in _PRICES]
    starts = {
        tier.start for each in listed if isinstance(each, TieredPrices) for tier in each.tiers
    }

    def price_above(start: int, listed_price: Decimal | TieredPrices | None) -> Decimal | None:
        if not isinstance(listed_price, TieredPrices):
            return listed_price
        price = listed_price.base
        for tier in listed_price.tiers:  # in ascending order
            if tier.start <= start:
                price = tier.price
        return price

    return Tiers.of(
        {
            start: Rates.per_million(
                input_price=price_above(start, listed[0]),
                output_price=price_above(start, listed[1]),
                cache_read_price=price_above(start, listed[2]),
                cache_write_price=price_above(start, listed[3]),
            )
            for start in (Tiers.BASE, *starts)
        }
    )
