"""`exectrail rollup run|rebuild|status`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from exectrail import queries
from exectrail.rollup.fold import AGAIN, Fold, Folded
from exectrail.storage.client import DEFAULT_DATABASE, StorageError, connect

if TYPE_CHECKING:
    SubParsers = argparse._SubParsersAction[argparse.ArgumentParser]

_EXAMPLES: Final = """\
examples:
  exectrail rollup status                        when the latest fold was, and what waits
  exectrail rollup run                           fold what there is news of, once
  exectrail rollup rebuild --since 2026-11-01    write the roll-ups of all hours since then anew

The embedded stack and `exectrail judge` fold by themselves, every 15 s where there is news.
exit codes: 0 done; 1 the database could not be asked; 2 not called rightly.
"""


def register(subparsers: SubParsers) -> None:
    """Add `rollup` to the command line."""
    rollup = subparsers.add_parser(
        "rollup",
        help="write the roll-ups anew, or say how far they are",
        description="Fold what was told into the tables `runs` and `runs_by_agent`, and these and"
        " the model\ncalls into hours and days. Each row is written anew from what it stands for,"
        " so it does\nno harm to do it twice.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = rollup.add_subparsers(dest="action", required=True, metavar="run|rebuild|status")
    for name, run, brief in (
        ("run", _run, "fold what there is news of, once"),
        ("rebuild", _rebuild, "write the roll-ups of a time range anew"),
        ("status", _status, "when the latest fold was, and of how many runs there is news"),
    ):
        parser = actions.add_parser(
            name,
            help=brief,
            description=brief.capitalize() + ".",
            epilog=_EXAMPLES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if name == "rebuild":
            parser.add_argument("--since", type=moment, required=True, help="UTC: 2026-11-01[T10]")
            parser.add_argument("--until", type=moment, help="UTC; now, if left out")
        parser.add_argument("--url", help="ClickHouse HTTP interface (EXECTRAIL_CLICKHOUSE_URL)")
        parser.add_argument("--database", default=DEFAULT_DATABASE, help="default: %(default)s")
        parser.add_argument("--json", action="store_true", help="for programs")
        parser.set_defaults(run=run)


def moment(text: str) -> datetime:
    """A time in UTC, from a date or a date and time as ISO 8601 writes them.

    Raises:
        argparse.ArgumentTypeError: It is none.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a time like 2026-11-01 or 2026-11-01T10:00"
        ) from None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _run(args: argparse.Namespace) -> int:
    return _follow(args, lambda fold: fold.run())


def _rebuild(args: argparse.Namespace) -> int:
    until: datetime = args.until or datetime.now(UTC)
    if until < args.since:
        print("exectrail rollup: --until lies before --since", file=sys.stderr)
        return 2
    return _follow(args, lambda fold: fold.rebuild(args.since, until))


def _follow(args: argparse.Namespace, begin: _Begin) -> int:
    last = Folded(0, 0, 0, done=True)
    try:
        with connect(args.url, database=args.database) as client:
            for last in begin(Fold(client)):
                _progress(last)
    except StorageError as error:
        return _failed(error)
    if args.json:
        print(json.dumps({"runs": last.runs, "hours": last.hours}))
    else:
        print(f"{last.runs} runs and {last.hours} hours written anew.")
    return 0


def _status(args: argparse.Namespace) -> int:
    try:
        with connect(args.url, database=args.database) as client:
            [begins] = client.fetch(queries.fold_begins())
            waiting = len(client.fetch(queries.fold_touched(begins.last - AGAIN)))
    except StorageError as error:
        return _failed(error)
    never = begins.last.year == 1970
    age = (begins.now - begins.last).total_seconds()
    if args.json:
        last = None if never else begins.last.isoformat()
        print(json.dumps({"last_fold": last, "age_s": None if never else age, "news": waiting}))
    elif never:
        print(f"Nothing was ever folded; there are {waiting} runs. Try: exectrail rollup run")
    else:
        print(f"The latest fold began {age:.0f} s ago.")
        print(f"{waiting} runs have had news since then, or in the two minutes before.")
    return 0


def _progress(folded: Folded) -> None:
    if sys.stderr.isatty():
        text = f"{folded.runs} of {folded.of} runs, {folded.hours} hours"
        print(f"\r{text}", end="\n" if folded.done else "", file=sys.stderr, flush=True)


def _failed(error: StorageError) -> int:
    print(f"exectrail rollup: {error}", file=sys.stderr)
    return 1


if TYPE_CHECKING:
    from collections.abc import Callable

    _Begin = Callable[[Fold], Iterator[Folded]]
