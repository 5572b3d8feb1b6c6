"""The user's own prices, from a TOML file.

version = "contract-2026"            # optional: how these prices are named beside each amount

[[price]]
model = "acme-*"                     # exact, or a pattern with * ? [ ]
provider = "acme"                    # optional
from = 2026-01-01                    # optional
input = "2.50"                       # per million tokens
output = "10"
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from fnmatch import translate
from pathlib import Path
from typing import Final

from exectrail.pricing.errors import PriceFileError
from exectrail.pricing.rates import Rates
from exectrail.pricing.spellings import provider_id, spellings

_PRICES: Final = ("input", "output", "cache_read", "cache_write")
_REQUIRED: Final = ("model", "input", "output")
_FILE_KEYS: Final = frozenset({"version", "currency", "price"})
_ENTRY_KEYS: Final = frozenset({"model", "provider", "from", "version", "currency", *_PRICES})
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
ALWAYS: Final = datetime.min.replace(tzinfo=UTC)
"""The start of a price without a `from`."""


@dataclass(frozen=True, slots=True)
class UserPrice:
    """One `[[price]]` of the file.

    Attributes:
        model: Name or pattern, in lower case.
        provider: The word that calls have to name, in lower case; None for any.
        start: From when on it holds, UTC.
        rates: What a token costs.
        currency: ISO 4217.
        version: How this price is named beside each amount.
        pattern: Matches a model's name.
        exact: Whether the model is a name and not a pattern.
    """

    model: str
    provider: str | None
    start: datetime
    rates: Rates
    currency: str
    version: str
    pattern: re.Pattern[str]
    exact: bool

    def matches(self, provider: str | None, model: str) -> bool:
        """Whether a call of this provider and model is paid by this price, times apart."""
        return model_matches(self.pattern, self.provider, provider, model)


def model_matches(
    pattern: re.Pattern[str], word: str | None, provider: str | None, model: str
) -> bool:
    """Whether a price is for a call.

    Args:
        pattern: Matches the model's name.
        word: The provider that the price is for, in lower case; None for any.
        provider, model: As the call names them.
    """
    if word is not None:
        told = (provider or "").strip().lower()
        if word not in (told, provider_id(provider)):
            return False
    return any(pattern.match(name) for name in spellings(model))


@dataclass(frozen=True, slots=True)
class PriceFile:
    """What stands in a price file.

    Attributes:
        version: How the file is named: as it says itself, or by a hash of what it says.
        prices: The prices, the ones that go first at the front: a name before a pattern, one with
            a provider before one without, the later start, the longer pattern.
    """

    version: str
    prices: tuple[UserPrice, ...]


def load(file: Path) -> PriceFile:
    """Read a price file.

    Raises:
        PriceFileError: The file cannot be read, is not TOML, or says something that is not a price.
    """
    try:
        raw = file.read_bytes()
        table = tomllib.loads(raw.decode("utf-8"))
    except OSError as error:
        problem = f"cannot be read ({error.strerror or type(error).__name__})"
        raise PriceFileError(
            file, "", problem, "Correct the path, or unset it to use the public prices alone."
        ) from error
    except ValueError as error:
        problem = f"is not TOML ({error})"
        raise PriceFileError(
            file, "", problem, "Correct the syntax; docs/pricing.md has an example."
        ) from error
    reader = _Reader(file, f"user-prices/{hashlib.sha256(raw).hexdigest()[:8]}")
    prices = reader.prices(table)
    return PriceFile(reader.version, tuple(sorted(prices, key=_precedence, reverse=True)))


def _precedence(price: UserPrice) -> tuple[bool, bool, datetime, int]:
    return price.exact, price.provider is not None, price.start, len(price.model)


class _Reader:
    """Turns the parsed file into prices, or says which entry is wrong and how to put it right."""

    def __init__(self, file: Path, version: str) -> None:
        self._file = file
        self.version = version
        self._entry = ""

    def prices(self, table: Mapping[str, object]) -> list[UserPrice]:
        self._refuse_unknown(table, _FILE_KEYS)
        self.version = self._text(table, "version") or self.version
        currency = self._currency(table) or "USD"
        entries = table.get("price", [])
        if not isinstance(entries, Sequence) or isinstance(entries, str):
            raise self._error("`price` is not a list", "Write each price under `[[price]]`.")
        prices: list[UserPrice] = []
        places: dict[tuple[str, str | None, datetime], int] = {}
        for number, entry in enumerate(entries, start=1):
            self._entry = f"price {number}"
            if not isinstance(entry, Mapping):
                raise self._error("is not a table", "Write each price under `[[price]]`.")
            price = self._price(entry, currency)
            key = (price.model, price.provider, price.start)
            if key in places:
                raise self._error(
                    f"is for the same model, provider and date as price {places[key]}",
                    "Keep one of them, or give them different `from` dates.",
                )
            places[key] = number
            prices.append(price)
        return prices

    def _price(self, entry: Mapping[str, object], currency: str) -> UserPrice:
        model = (self._text(entry, "model") or "").strip().lower()
        if model:
            self._entry += f' (model "{model}")'
        self._refuse_unknown(entry, _ENTRY_KEYS)
        for key in _REQUIRED:
            if key not in entry:
                raise self._error(
                    f"`{key}` is missing", 'Add it; what costs nothing is written "0".'
                )
        if not model:
            raise self._error("`model` is empty", 'Name a model, or write "*" for all.')
        provider = (self._text(entry, "provider") or "").strip().lower()
        return UserPrice(
            model=model,
            provider=provider or None,
            start=self._start(entry.get("from")),
            rates=Rates.per_million(
                **{f"{key}_price": self._amount(entry, key) for key in _PRICES}
            ),
            currency=self._currency(entry) or currency,
            version=self._text(entry, "version") or self.version,
            pattern=re.compile(translate(model)),
            exact=not any(sign in model for sign in "*?["),
        )

    def _amount(self, entry: Mapping[str, object], key: str) -> Decimal | None:
        value = entry.get(key)
        if value is None:
            return None
        amount: Decimal | None = None
        if isinstance(value, str):
            try:
                amount = Decimal(value.strip())
            except InvalidOperation:
                amount = None
        elif isinstance(value, int) and not isinstance(value, bool):
            amount = Decimal(value)
        if amount is None or not amount.is_finite() or amount < 0 or abs(amount.adjusted()) > 18:
            raise self._error(
                f"`{key}` is {value!r}, which is no price per million tokens",
                'Write a decimal of 0 or more in quotes, such as "2.50": '
                "a number without quotes would lose digits.",
            )
        return amount

    def _start(self, value: object) -> datetime:
        if value is None:
            return ALWAYS
        if isinstance(value, str):
            with suppress(ValueError):
                value = datetime.fromisoformat(value.strip())
        if isinstance(value, datetime):
            return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        if isinstance(value, date):
            return datetime.combine(value, time.min, tzinfo=UTC)
        raise self._error(f"`from` is {value!r}, which is no date", "Write it as 2026-01-31.")

    def _currency(self, table: Mapping[str, object]) -> str | None:
        currency = self._text(table, "currency")
        if currency is not None and not _CURRENCY.fullmatch(currency):
            raise self._error(
                f'`currency` is "{currency}"', 'Write three capital letters, such as "EUR".'
            )
        return currency

    def _text(self, table: Mapping[str, object], key: str) -> str | None:
        value = table.get(key)
        if value is None or isinstance(value, str):
            return value or None
        raise self._error(f"`{key}` is {value!r}, which is no text", "Put it in quotes.")

    def _refuse_unknown(self, table: Mapping[str, object], known: frozenset[str]) -> None:
        unknown = sorted(set(table) - known)
        if unknown:
            raise self._error(
                f"`{unknown[0]}` is not known here", f"Known are {', '.join(sorted(known))}."
            )

    def _error(self, problem: str, advice: str) -> PriceFileError:
        return PriceFileError(self._file, self._entry, problem, advice)
