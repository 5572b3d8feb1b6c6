"""Versions of the prices in the store: appended, never changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from exectrail import queries
from exectrail.pricing.book import Book, Matcher, matcher
from exectrail.queries import PriceVersion
from exectrail.storage.client import Client


class CostingError(Exception):
    """Something cannot be done with the prices that are there; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of a book.

    Attributes:
        version: Its name.
        listings: How many listings it has.
        prices: How many rows of prices.
        new: Whether it was not there before.
    """

    version: str
    listings: int
    prices: int
    new: bool


def versions(client: Client) -> list[PriceVersion]:
    """The versions that are kept, the latest first.

    Raises:
        StorageError: The database cannot be asked.
    """
    return client.fetch(queries.price_versions())


def latest(client: Client, wanted: str = "", *, source: str = "") -> PriceVersion:
    """A version that is kept.

    Args:
        client: The store.
        wanted: Its name; the latest one if empty.
        source: Of this source alone.

    Raises:
        CostingError: There is none, or none of that name.
        StorageError: The database cannot be asked.
    """
    kept = [version for version in versions(client) if source in ("", version.source)]
    for version in kept:
        if wanted in ("", version.version):
            return version
    if not kept:
        raise CostingError("the store has no prices yet: run `exectrail prices sync`")
    names = ", ".join(version.version for version in kept)
    raise CostingError(f"the store has no version {wanted!r} of the prices; it has {names}")


def keep(client: Client, book: Book, *, dry_run: bool = False) -> Kept:
    """Append a version, unless it is there already.

    The line in `price_versions` comes last: a version whose rows are not all there is none, and
    keeping it again puts the same rows over those that are.

    Args:
        client: The store.
        book: The version.
        dry_run: Only say what would be done.

    Raises:
        CostingError: The version is there with other prices.
        StorageError: The database refused it or cannot be reached.
    """
    there = next((v for v in versions(client) if v.version == book.version), None)
    if there is not None and there.fingerprint != book.fingerprint:
        raise CostingError(
            f"the store has other prices under the version {book.version}, and a version is never"
            " changed. Give the price file another `version`, and sync it again."
        )
    if there is None and not dry_run:
        own = {"version": book.version, "source": book.source}
        client.insert("prices", [own | asdict(row) for row in book.rows])
        client.insert(
            "price_versions",
            [
                {
                    "version": book.version,
                    "source": book.source,
                    "base": book.base,
                    "listings": book.listings,
                    "fingerprint": book.fingerprint,
                    "matching": book.matching,
                }
            ],
        )
    return Kept(book.version, book.listings, len(book.rows), there is None)


def names_of(client: Client, version: str) -> Matcher:
    """What finds the listings of a version that is kept.

    Raises:
        CostingError: The version, or the one beneath it, is not kept, or cannot be read.
        StorageError: The database cannot be asked.
    """
    found = {each.version: each for each in client.fetch(queries.price_matching(version))}
    own = found.get(version)
    base = found.get(own.base) if own and own.base else None
    if own is None or (own.base and base is None):
        raise CostingError(f"the store has no version {version!r} of the prices")
    try:
        return matcher(
            version, own.matching, (base.version, base.matching) if base is not None else None
        )
    except ValueError as error:
        raise CostingError(f"the version {version} cannot be read: {error}") from error


def match(client: Client, version: str, names: Sequence[tuple[str, str]]) -> None:
    """Write down which listings price some models, for SQL to join.

    Args:
        client: The store.
        version: Of the prices.
        names: Provider and model as calls name them.

    Raises:
        CostingError: The version is not kept.
        StorageError: The database refused it or cannot be reached.
    """
    if not names:
        return
    finder = names_of(client, version)
    client.insert(
        "model_prices",
        [
            {
                "version": version,
                "provider": provider,
                "model": model,
                "since": found.since,
                "until": found.until,
                "price_version": found.version,
                "listing": found.listing,
            }
            for provider, model in names
            for found in finder.find(provider, model)
        ],
    )
