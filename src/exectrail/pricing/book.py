"""A version of the prices as a whole: what a database keeps of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from exectrail.pricing.catalogue import CURRENCY, catalogue_version
from exectrail.pricing.errors import PriceFileError
from exectrail.pricing.matching import (
    PublicMatcher,
    UserMatcher,
    public_matching,
    user_matching,
)
from exectrail.pricing.rows import PriceRow, row_of_user, rows_of_model
from exectrail.pricing.user_file import load

PUBLIC: Final = "genai-prices"
USER: Final = "user"
Matcher = PublicMatcher | UserMatcher


@dataclass(frozen=True, slots=True)
class Book:
    """All prices of one version.

    Attributes:
        version: Its name.
        source: `genai-prices` or `user`.
        base: The version that it lies over; empty for the public list.
        rows: The prices.
        matching: JSON, which `matcher` reads.
    """

    version: str
    source: str
    base: str
    rows: tuple[PriceRow, ...]
    matching: str

    @property
    def listings(self) -> int:
        """How many listings it has."""
        return len({row.listing for row in self.rows})

    @property
    def fingerprint(self) -> str:
        """A hash of all that it says."""
        said = "\n".join([self.base, self.matching, *map(repr, self.rows)])
        return hashlib.sha256(said.encode()).hexdigest()


def public_book() -> Book:
    """The prices of the installed genai-prices."""
    from genai_prices.data import providers

    version = catalogue_version()
    models = [(provider, model) for provider in providers for model in provider.models]
    rows = [
        row
        for number, (provider, model) in enumerate(models)
        for row in rows_of_model(
            model, listing=number, provider=provider.id, currency=CURRENCY, label=version
        )
    ]
    return Book(version, PUBLIC, "", tuple(rows), public_matching(providers))


def user_book(file: Path, base: str) -> Book:
    """The user's own prices over a version of the public list.

    Args:
        file: A price file, as docs/pricing.md has it.
        base: The version beneath.

    Raises:
        PriceFileError: The file cannot be used.
    """
    found = load(file)
    try:
        rows = [row_of_user(price, listing=n) for n, price in enumerate(found.prices)]
    except ValueError as error:
        raise PriceFileError(file, "", str(error), "Round it.") from error
    version = f"{found.version}+{base}"
    return Book(version, USER, base, tuple(rows), user_matching(found.prices))


def matcher(version: str, matching: str, base: tuple[str, str] | None = None) -> Matcher:
    """What finds the listings of a version.

    Args:
        version: Its name.
        matching: Its JSON.
        base: Name and JSON of the version it lies over; None for the public list.

    Raises:
        ValueError: A newer version of exectrail wrote the JSON.
    """
    if base is None:
        return PublicMatcher(version, matching)
    return UserMatcher(version, matching, PublicMatcher(*base))
