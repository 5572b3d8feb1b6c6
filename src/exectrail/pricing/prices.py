"""What a model call costs."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache, partial
from pathlib import Path
from typing import Final

from exectrail.conventions.names import CostSource
from exectrail.pricing import catalogue
from exectrail.pricing.catalogue import Listing
from exectrail.pricing.tokens import Buckets
from exectrail.pricing.user_file import ALWAYS, UserPrice, load

logger = logging.getLogger("exectrail")

_MODELS_KEPT: Final = 1024
_LONGEST_NAME: Final = 256
"""Longer names are not looked up: no model has one, and kept names are to stay small."""


@dataclass(frozen=True, slots=True)
class Price:
    """What a call costs, or that it is not known.

    Attributes:
        amount: The cost; None where no price is known, which is not 0.
        currency: ISO 4217.
        source: `priced` from a table, or `unknown`.
        version: The table that was asked.
    """

    amount: Decimal | None
    currency: str
    source: CostSource
    version: str

    @property
    def text(self) -> str | None:
        """The amount as plain decimal digits, as it travels; never `1E-7`."""
        if self.amount is None:
            return None
        digits = f"{self.amount:f}"
        return digits.rstrip("0").rstrip(".") if "." in digits else digits


@dataclass(frozen=True, slots=True)
class _Model:
    """What is known of one provider and model."""

    own: tuple[UserPrice, ...]
    listing: Listing | None


class PriceTable:
    """The public prices with the user's own over them.

    Safe for threads. Prices are those of the installed genai-prices; nothing is fetched.
    """

    def __init__(self, user_file: Path | None = None) -> None:
        """Make a table.

        Args:
            user_file: The user's own prices (TOML, see docs/pricing.md).

        Raises:
            PriceFileError: The file cannot be used.
        """
        self._own = load(user_file).prices if user_file is not None else ()
        self._model = lru_cache(_MODELS_KEPT)(self._look_up)
        self._failure_said = False

    def warm(self) -> None:
        """Load the public prices now, where that costs nobody: the first price would do it else."""
        self.price("openai", "gpt-4o", input_tokens=1, output_tokens=1)

    def price(
        self,
        provider: str | None,
        model: str | None,
        *,
        input_tokens: int | None = None,
        output_tokens: int | None = None,
        cache_read_tokens: int | None = None,
        cache_write_tokens: int | None = None,
        reasoning_tokens: int | None = None,
        at: datetime | None = None,
    ) -> Price:
        """Price one model call. Never raises.

        Args:
            provider: As OpenTelemetry, a framework or genai-prices calls it; None where not told.
            model: The response's model, or the request's where there is none.
            input_tokens: Input, the cache included; None where not told.
            output_tokens: Output, reasoning included; None where not told.
            cache_read_tokens: The part of input that the cache gave.
            cache_write_tokens: The part of input that was put into the cache.
            reasoning_tokens: The part of output that was reasoning.
            at: When the call was made; UTC where it has no time zone, now where None.

        Returns:
            The price. Unknown where the model is not listed, where a kind of token in the call has
            no rate, and where no tokens were counted: no model call is without any, so the count is
            missing.
        """
        try:
            tokens = Buckets.exclusive(
                input_tokens=input_tokens,
                output_tokens=output_tokens,
                cache_read_tokens=cache_read_tokens,
                cache_write_tokens=cache_write_tokens,
                reasoning_tokens=reasoning_tokens,
            )
            if not model or len(model) > _LONGEST_NAME or not tokens.total:
                return _unknown()
            found = self._model(provider, model)
            when = _utc(at)
            own = next((price for price in found.own if price.start <= when), None)
            if own is not None:
                amount_of = own.rates.amount
                currency, version = own.currency, own.version
            elif found.listing is not None:
                reasoning = reasoning_tokens or 0
                amount_of = partial(found.listing.amount, reasoning=reasoning, at=when)
                currency, version = catalogue.CURRENCY, catalogue.catalogue_version()
            else:
                return _unknown()
            amount = amount_of(tokens)
            more_output = replace(tokens, output=tokens.output + 1)
            more_input = replace(tokens, input_uncached=tokens.input_uncached + 1)
            if (output_tokens is None and _costs(amount_of, more_output, amount)) or (
                input_tokens is None and _costs(amount_of, more_input, amount)
            ):
                amount = None
            source = CostSource.UNKNOWN if amount is None else CostSource.PRICED
            return Price(amount, currency, source, version)
        except Exception as error:  # noqa: BLE001 - a price must not end the program's model call
            self._say_once(error)
            return Price(None, catalogue.CURRENCY, CostSource.UNKNOWN, "")

    def _look_up(self, provider: str | None, model: str) -> _Model:
        own = tuple(price for price in self._own if price.matches(provider, model))
        if any(price.start == ALWAYS for price in own):
            return _Model(own, None)  # the public price is never asked for
        try:
            return _Model(own, catalogue.find(provider, model))
        except Exception as error:  # noqa: BLE001 - the user's own prices hold without genai-prices
            self._say_once(error)
            return _Model(own, None)

    def _say_once(self, error: Exception) -> None:
        if not self._failure_said:
            self._failure_said = True
            logger.warning(
                "exectrail: pricing failed (%s); costs may be unknown. Said once.",
                type(error).__name__,
            )
            logger.debug("exectrail: pricing failed", exc_info=error)


def _costs(
    amount_of: Callable[[Buckets], Decimal | None], with_more: Buckets, without: Decimal | None
) -> bool:
    """Whether one more token of a kind that was not counted would have cost something.

    Embedding calls count no output, and have no rate for it: their price is known without.
    """
    amount = amount_of(with_more)
    return amount is not None and amount != without


@lru_cache(1)
def _unknown() -> Price:
    return Price(None, catalogue.CURRENCY, CostSource.UNKNOWN, catalogue.catalogue_version())


def _utc(at: datetime | None) -> datetime:
    if at is None:
        return datetime.now(UTC)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
