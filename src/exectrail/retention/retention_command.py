"""`exectrail retention show|set`: how long each table keeps its rows."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from rich.text import Text

from exectrail.cli import arguments
from exectrail.cli.layout import Column, table
from exectrail.cli.screen import View, tell, view, write, write_json
from exectrail.cli.session import CommandError, connected
from exectrail.cli.words import rfc3339
from exectrail.retention.limits import (
    Change,
    Kept,
    RetentionError,
    adopted,
    after,
    apply,
    kept_tables,
    planned,
    settable,
)
from exectrail.retention.policy import days_of, said, warnings
from exectrail.retention.purposes import Role
from exectrail.retention.text import amount, size

if TYPE_CHECKING:
    from exectrail.storage.client import Client

_SHOW: Final = """\
  exectrail retention show
  exectrail retention show --json | jq '.tables[] | {name, rows, bytes, days}'

exit codes: 0 told, 1 the database cannot be asked.
"""
_SET: Final = """\
  exectrail retention set usage=5y                    what would change; nothing is done
  exectrail retention set usage=5y --yes
  exectrail retention set --all 400d spans=30d otel_traces=3d --yes
  exectrail retention set runs_daily=forever --yes

A limit is 90d, 12w, 2y (365 days each) or forever; a bare number is days. It counts from when the
store received a row. Rows that are older go in the background, for good: archive them before.
exit codes: 0 told or done, 1 refused or failed, 2 not called rightly.
"""
_OVERVIEW: Final = """\
examples:
  exectrail retention show
  exectrail retention set usage=5y spans=30d
"""


def register(subparsers: arguments.SubParsers) -> None:
    """Add `retention`."""
    retention = subparsers.add_parser(
        "retention",
        help="how long each table keeps its rows",
        description="Show and set how long each table keeps its rows.",
        epilog=_OVERVIEW,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = retention.add_subparsers(dest="action", required=True, metavar="show|set")
    show = arguments.command(
        actions,
        "show",
        "rows, size and limit of each table",
        "Show the rows, the size and the limit of each table, and which limits make answers wrong.",
        _SHOW,
    )
    show.set_defaults(run=_show)
    change = arguments.command(
        actions,
        "set",
        "set limits",
        "Set limits of tables. Without --yes it only tells what would change and how many rows"
        " would go.",
        _SET,
    )
    change.add_argument(
        "limits", metavar="TABLE=LIMIT", nargs="*", type=_limit, help="for example usage=5y"
    )
    change.add_argument("--all", metavar="LIMIT", type=_days, help="for all that are not named")
    change.add_argument("--yes", action="store_true", help="do it")
    change.add_argument("--cluster", metavar="NAME", help="on all servers of this cluster")
    change.set_defaults(run=_set, misuse=change.error)


def _days(text: str) -> tuple[int | None]:
    try:
        return (days_of(text),)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _limit(text: str) -> tuple[str, int | None]:
    name, sign, limit = text.partition("=")
    if not name or not sign:
        raise argparse.ArgumentTypeError(f"{text!r} is not TABLE=LIMIT, like usage=5y")
    return name, _days(limit)[0]


@connected
def _show(client: Client, args: argparse.Namespace) -> int:
    kept = kept_tables(client)
    told = warnings({one.table.known_as: one.days for one in kept})
    foreign = adopted(client)
    if args.json:
        tables = [_document(one) for one in kept]
        write_json({"tables": tables, "adopted": foreign, "warnings": told})
        return 0
    write(_render(kept, view()))
    for name, place in foreign.items():
        tell(f"{name} stands for {place}: its rows and its limit are of whoever made it.")
    for line in told:
        tell(line)
    return 0


def _set(args: argparse.Namespace) -> int:
    if not args.limits and args.all is None:
        args.misuse("name a table and its limit (usage=5y), or --all LIMIT")
    named = Counter(name for name, _ in args.limits)
    if twice := [name for name, times in named.items() if times > 1]:
        args.misuse(f"{', '.join(twice)}: named twice")
    return _change_limits(args)


@connected
def _change_limits(client: Client, args: argparse.Namespace) -> int:
    kept = kept_tables(client)
    try:
        named = planned(client, kept, dict(args.limits), everything=False)
        rest = {
            name: args.all[0]
            for name in (settable(kept) if args.all else [])
            if name not in dict(args.limits)
        }
        changes = [*named, *planned(client, kept, rest, everything=True)]
    except RetentionError as error:
        raise CommandError(str(error)) from error
    told = warnings(after(kept, changes))
    if args.yes:
        apply(client, changes, cluster=args.cluster)
    if args.json:
        write_json(
            {
                "done": bool(args.yes),
                "changes": [_change(change) for change in changes],
                "warnings": told,
            }
        )
        return 0
    if not changes:
        write([Text("Nothing to do: these limits are in force.")])
    else:
        write([*_changes(changes, view()), Text(), Text(_closing(changes, done=args.yes))])
    for line in told:
        tell(line)
    return 0


def _closing(changes: Sequence[Change], *, done: bool) -> str:
    gone = sum(change.gone for change in changes)
    if done:
        return f"Done. {amount(gone)} rows that are older go in the background."
    return f"Nothing was done. With --yes, {amount(gone)} rows that are older would go for good."


def _changes(changes: Sequence[Change], view: View) -> list[Text]:
    columns = (
        Column("TABLE", minimum=16),
        Column("KEPT", right=True),
        Column("FROM NOW ON", right=True),
        Column("ROWS", right=True),
        Column("OLDER", right=True),
    )
    rows = [
        [
            change.kept.table.known_as,
            change.kept.limit,
            said(change.days),
            amount(change.kept.table.rows),
            amount(change.gone),
        ]
        for change in changes
    ]
    return table(columns, rows, view.width).lines


_COLUMNS: Final = (
    Column("TABLE", minimum=16),
    Column("ONE ROW PER", minimum=16, drop=2),
    Column("ROWS", right=True),
    Column("SIZE", right=True),
    Column("OLDEST", drop=1),
    Column("NEWEST", drop=3),
    Column("KEPT", right=True),
    Column("DEFAULT", right=True, optional=True),
)


def _render(kept: Sequence[Kept], view: View) -> list[Text]:
    rows = [
        [
            one.table.known_as,
            one.purpose.row,
            amount(one.table.rows),
            size(one.table.bytes),
            f"{one.oldest:%Y-%m-%d}" if one.oldest else "",
            f"{one.newest:%Y-%m-%d}" if one.newest else "",
            one.limit,
            "" if one.days == one.default else said(one.default),
        ]
        for one in sorted(kept, key=_place)
    ]
    total = [
        "TOTAL",
        "",
        amount(sum(one.table.rows for one in kept)),
        size(sum(one.table.bytes for one in kept)),
        *[""] * 4,
    ]
    return table(_COLUMNS, [*rows, total], view.width).lines


def _place(one: Kept) -> tuple[int, str]:
    return list(Role).index(one.purpose.role), one.table.known_as


def _document(one: Kept) -> dict[str, object]:
    return {
        "name": one.table.known_as,
        "row": one.purpose.row,
        "role": str(one.purpose.role),
        "rows": one.table.rows,
        "bytes": one.table.bytes,
        "oldest": rfc3339(one.oldest) if one.oldest else None,
        "newest": rfc3339(one.newest) if one.newest else None,
        "ttl": one.table.ttl,
        "days": one.days,
        "default_days": one.default,
        "set": one.was_set,
    }


def _change(change: Change) -> dict[str, object]:
    return {
        "table": change.kept.table.known_as,
        "days": change.kept.days,
        "new_days": change.days,
        "rows": change.kept.table.rows,
        "older_rows": change.gone,
    }
