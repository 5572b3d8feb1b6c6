"""What each of `exectrail prices ...` does."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from exectrail import costing, queries
from exectrail.cli import price_tables
from exectrail.cli.documents import document
from exectrail.cli.screen import tell, view, write, write_json
from exectrail.cli.session import CommandError, connected
from exectrail.cli.words import rfc3339
from exectrail.costing import CostingError, Range
from exectrail.pricing import PriceFileError
from exectrail.pricing.book import PUBLIC, Book, Matcher, matcher, public_book, user_book
from exectrail.queries import PriceVersion, StoredPrice
from exectrail.storage.client import StorageError, connect

if TYPE_CHECKING:
    from exectrail.storage.client import Client


def _answering(
    run: Callable[[Client, argparse.Namespace], int],
) -> Callable[[argparse.Namespace], int]:
    """A command's `run` that tells what cannot be done with these prices."""

    def explained(client: Client, args: argparse.Namespace) -> int:
        try:
            return run(client, args)
        except (CostingError, PriceFileError) as error:
            raise CommandError(str(error)) from error

    return connected(explained)


@_answering
def sync(client: Client, args: argparse.Namespace) -> int:
    """Keep versions."""
    public = public_book()
    books = [public, user_book(args.overrides, public.version)] if args.overrides else [public]
    kept = [costing.keep(client, book, dry_run=args.dry_run) for book in books]
    if args.json:
        write_json({"dry_run": args.dry_run, "versions": [asdict(each) for each in kept]})
    else:
        write(price_tables.kept(kept, dry_run=args.dry_run))
    return 0


@_answering
def versions(client: Client, args: argparse.Namespace) -> int:
    """List the versions."""
    found = costing.versions(client)
    if args.json:
        write_json({"versions": [document(each) for each in found]})
    elif found:
        write(price_tables.versions(found, view()))
    else:
        tell("the store has no prices yet: run `exectrail prices sync`.")
    return 0


def show(args: argparse.Namespace) -> int:
    """Show prices."""
    try:
        version, rows, names = _prices(args)
    except (CommandError, CostingError, StorageError) as error:
        tell(str(error))
        return 1
    at = args.at or datetime.now(UTC)
    wanted = _wanted(rows, names, args.provider, args.model)
    shown = [row for row in wanted if args.history or row.since <= at < row.until]
    if args.json:
        write_json(
            {
                "version": version,
                "at": None if args.history else rfc3339(at),
                "prices": [document(row) for row in shown],
            }
        )
    elif shown:
        write(price_tables.prices(version, shown, view()))
    else:
        tell(f"{version} lists no such model.")
    return 0


def _prices(args: argparse.Namespace) -> tuple[str, list[StoredPrice], Matcher]:
    """Version, prices and names: of the store, or of what is installed where there is none."""
    try:
        with connect(args.url, database=args.database) as client:
            if args.version or costing.versions(client):
                version = costing.latest(client, args.version)
                rows = client.fetch(queries.prices_of_version(version.version))
                if version.base:
                    rows += client.fetch(queries.prices_of_version(version.base))
                return version.version, rows, costing.names_of(client, version.version)
    except StorageError as error:
        if args.version or args.url:
            raise
        tell(f"{str(error).splitlines()[0]} These are the prices of the installed genai-prices.")
    book = public_book()
    return book.version, _stored(book), matcher(book.version, book.matching)


def _stored(book: Book) -> list[StoredPrice]:
    return [
        StoredPrice(version=book.version, source=book.source, **asdict(row)) for row in book.rows
    ]


def _wanted(
    rows: Sequence[StoredPrice], names: Matcher, provider: str, model: str
) -> list[StoredPrice]:
    """Those that price the model as calls would name it, and those whose name has it in."""
    found = {(each.version, each.listing) for each in names.find(provider, model)}
    part, of = model.lower(), provider.lower()
    return [
        row
        for row in rows
        if (row.version, row.listing) in found
        or (part in row.model.lower() and of in ("", row.provider.lower()))
    ]


@_answering
def diff(client: Client, args: argparse.Namespace) -> int:
    """Compare two versions."""
    before, after = args.before, args.after
    if not after:
        before, after = _two(costing.versions(client), before)
    since = args.since or datetime.now(UTC) - timedelta(days=30)
    found = costing.compare(client, before, after, Range(since=since))
    if args.json:
        write_json(price_tables.difference_document(found, since))
    else:
        write(price_tables.difference(found, since, view()))
    return 0


def _two(kept: Sequence[PriceVersion], before: str) -> tuple[str, str]:
    """The version that was named and the latest other one, or the two latest of genai-prices."""
    names = [each.version for each in kept]
    public = [each.version for each in kept if each.source == PUBLIC]
    if before and (other := next((name for name in names if name != before), "")):
        return before, other
    if not before and len(public) > 1:
        return public[1], public[0]
    if before or len(names) < 2:
        raise CommandError(
            "there are no two versions to compare: `exectrail prices versions` lists them, and"
            " `exectrail prices sync` keeps another one"
        )
    raise CommandError(
        "there are no two versions of genai-prices to compare. Name two of those that `exectrail"
        f" prices versions` lists, such as: exectrail prices diff {names[1]} {names[0]}"
    )


@_answering
def recost(client: Client, args: argparse.Namespace) -> int:
    """Cost calls again, or say what that would change."""
    calls = Range(
        since=args.since,
        until=args.until,
        only_unpriced=args.only_unpriced,
        over_provider=args.over_provider,
    )
    if args.as_told:
        version = ""
        rows = (costing.as_told if args.yes else costing.as_told_preview)(client, calls)
    else:
        version = costing.latest(client, args.version).version
        rows = (costing.recost if args.yes else costing.preview)(client, version, calls)
    if args.json:
        write_json(price_tables.recost_document(version, rows, applied=args.yes))
    elif rows:
        write(price_tables.recost(version, rows, view(), applied=args.yes))
    else:
        tell("no call there was costed again." if args.as_told else "no model call there.")
    return 0


@connected
def set_rate(client: Client, args: argparse.Namespace) -> int:
    """Set a rate."""
    row: Mapping[str, object] = {
        "currency": args.currency,
        "into": args.into,
        "valid_from": args.valid_from or datetime.now(UTC).date(),
        "rate": args.rate,
    }
    client.insert("exchange_rates", [row])
    return _list(client, args)


@connected
def list_rates(client: Client, args: argparse.Namespace) -> int:
    """List the rates."""
    return _list(client, args)


def _list(client: Client, args: argparse.Namespace) -> int:
    rates = client.fetch(queries.exchange_rates())
    if args.json:
        write_json({"rates": [document(each) for each in rates]})
    elif rates:
        write(price_tables.rates(rates, view()))
    else:
        tell("no rate is set. `exectrail prices rate set USD EUR 0.92` sets one.")
    return 0
