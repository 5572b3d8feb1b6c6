"""`exectrail prices`: versions of the prices in the store, and what calls cost by them."""

from __future__ import annotations

import argparse
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final

from exectrail.cli import arguments, price_actions

_EXAMPLES: Final = """\
  exectrail prices sync                          keep the installed genai-prices as a version
  exectrail prices sync --overrides prices.toml  and your own prices over it
  exectrail prices show gpt-4o
  exectrail prices diff --since 30d              what changed, and what that means for the money
  exectrail prices recost --only-unpriced        what calls without a price would cost
  exectrail prices recost --only-unpriced --yes  and have the figures use it
  exectrail prices rate set USD EUR 0.92 --from 2026-01-01
"""
_SYNC: Final = """\
  exectrail prices sync --dry-run
  exectrail prices sync --overrides prices.toml
"""
_VERSIONS: Final = """\
  exectrail prices versions
  exectrail prices versions --json | jq -r '.versions[].version'
"""
_SHOW: Final = """\
  exectrail prices show gpt-4o                   what it costs now
  exectrail prices show gpt-4o --history         and what it did
  exectrail prices show --provider anthropic --at 2025-06-01
"""
_DIFF: Final = """\
  exectrail prices diff                          the two latest versions
  exectrail prices diff genai-prices/0.2.2 genai-prices/0.2.3 --since 90d
"""
_RECOST: Final = """\
  exectrail prices recost --since 30d            a dry run: what would change
  exectrail prices recost --since 30d --yes      have the figures use the latest prices
  exectrail prices recost --only-unpriced --yes  price what had no price
  exectrail prices recost --as-told --yes        take all of it back
"""
_RATE_SET: Final = """\
  exectrail prices rate set USD EUR 0.92 --from 2026-01-01
"""
_RATE_LIST: Final = """\
  exectrail prices rate list
"""


def register(subparsers: arguments.SubParsers) -> None:
    """Add `prices`."""
    parser = subparsers.add_parser(
        "prices",
        help="prices in the store: sync, compare, cost calls again",
        description="Versions of the prices in the store, and what calls cost by them.",
        epilog=f"examples:\n{_EXAMPLES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(
        required=True, metavar="sync|versions|show|diff|recost|rate", dest="action"
    )
    _register_sync(actions)
    _register_looking(actions)
    _register_recost(actions)
    _register_rate(actions)


def _register_sync(actions: arguments.SubParsers) -> None:
    sync = arguments.command(
        actions,
        "sync",
        "keep the prices of the installed genai-prices, or your own over them",
        "Append the prices of the installed genai-prices to the store, as a version of their own."
        " A version is never changed. Nothing is fetched from the network.",
        _SYNC,
    )
    sync.add_argument(
        "--overrides",
        metavar="FILE",
        type=Path,
        help="a price file (docs/pricing.md); it becomes a version over the installed one",
    )
    sync.add_argument("--dry-run", action="store_true", help="only say what would be kept")
    sync.set_defaults(run=price_actions.sync)


def _register_looking(actions: arguments.SubParsers) -> None:
    versions = arguments.command(
        actions, "versions", "the versions that are kept", "The versions that are kept.", _VERSIONS
    )
    versions.set_defaults(run=price_actions.versions)
    show = arguments.command(
        actions,
        "show",
        "what models cost",
        "What models cost, for a million tokens. Without a store, or before the first sync, by the"
        " installed genai-prices.",
        _SHOW,
    )
    show.add_argument("model", metavar="MODEL", nargs="?", default="", help="or a part of its name")
    show.add_argument("--provider", default="", help="id in genai-prices, or as calls name it")
    show.add_argument("--version", default="", metavar="V", help="default: the latest")
    when = show.add_mutually_exclusive_group()
    when.add_argument(
        "--at",
        metavar="WHEN",
        type=arguments.since,
        help="as of then, not as of now; without a zone it is local time",
    )
    when.add_argument("--history", action="store_true", help="as of all times")
    show.set_defaults(run=price_actions.show)
    diff = arguments.command(
        actions,
        "diff",
        "what changed from one version to another",
        "Which listings two versions price otherwise, and what the calls of some time cost by"
        " each. Without names, the two latest versions of genai-prices.",
        _DIFF,
    )
    diff.add_argument("before", metavar="V1", nargs="?", default="")
    diff.add_argument("after", metavar="V2", nargs="?", default="")
    arguments.add_since(diff, "calls since then (default: 30d)")
    diff.set_defaults(run=price_actions.diff)


def _register_recost(actions: arguments.SubParsers) -> None:
    recost = arguments.command(
        actions,
        "recost",
        "cost calls again, by any version of the prices",
        "What calls would cost by a version of the prices; with --yes all figures use that. What"
        " was told is kept. A call that the version has no price for keeps the one it has, and so"
        " does one whose cost the provider itself said.",
        _RECOST,
    )
    arguments.add_since(recost, "calls since then")
    recost.add_argument(
        "--until", metavar="WHEN", type=arguments.since, help="calls before then, written likewise"
    )
    recost.add_argument("--version", default="", metavar="V", help="default: the latest")
    recost.add_argument("--only-unpriced", action="store_true", help="calls without a price")
    recost.add_argument(
        "--over-provider", action="store_true", help="also where the provider said the cost"
    )
    recost.add_argument(
        "--as-told",
        action="store_true",
        help="back to what the programs said: all calls of the time",
    )
    sure = recost.add_mutually_exclusive_group()
    sure.add_argument("--yes", action="store_true", help="do it")
    sure.add_argument("--dry-run", action="store_true", help="only say what would change (default)")

    def run(args: argparse.Namespace) -> int:
        given = (
            ("--version", args.version),
            ("--only-unpriced", args.only_unpriced),
            ("--over-provider", args.over_provider),
        )
        if args.as_told and (idle := [option for option, value in given if value]):
            recost.error(
                "--as-told takes back every re-costed call of the time, whatever it was costed by:"
                f" leave out {', '.join(idle)}"
            )
        return price_actions.recost(args)

    recost.set_defaults(run=run)


def _register_rate(actions: arguments.SubParsers) -> None:
    rate = actions.add_parser(
        "rate",
        help="exchange rates",
        description="Exchange rates, as you set them.",
        epilog=f"examples:\n{_RATE_SET}{_RATE_LIST}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    rates = rate.add_subparsers(required=True, metavar="set|list", dest="rate_action")
    set_rate = arguments.command(
        rates,
        "set",
        "say what a currency is worth",
        "Say what one unit of a currency is worth in another, from a day (UTC) on. `exectrail cost"
        " --currency` uses it.",
        _RATE_SET,
    )
    set_rate.add_argument("currency", metavar="FROM", type=arguments.currency)
    set_rate.add_argument("into", metavar="INTO", type=arguments.currency)
    set_rate.add_argument("rate", metavar="RATE", type=_rate)
    set_rate.add_argument(
        "--from",
        dest="valid_from",
        metavar="DATE",
        type=_day,
        help="2026-01-31; today if left out",
    )

    def run(args: argparse.Namespace) -> int:
        if args.currency == args.into:
            set_rate.error("a currency is worth itself: name two")
        return price_actions.set_rate(args)

    set_rate.set_defaults(run=run)
    listing = arguments.command(rates, "list", "the rates", "The rates that were set.", _RATE_LIST)
    listing.set_defaults(run=price_actions.list_rates)


def _rate(text: str) -> Decimal:
    try:
        rate = Decimal(text)
    except InvalidOperation:
        rate = Decimal(0)
    if not rate.is_finite() or not 0 < rate <= 10**12 or rate != round(rate, 18):
        raise argparse.ArgumentTypeError(f"{text!r} is no rate: a decimal above 0, such as 0.92")
    return rate


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no date like 2026-01-31") from error
