"""`exectrail migrate backfill`."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from exectrail.storage import adoption
from exectrail.storage.backfill import Step, feed, steps
from exectrail.storage.client import Client, StorageError, connect
from exectrail.storage.runner import Runner, State, load_migrations
from exectrail.storage.tables import Tables

EXAMPLES = """\
examples:
  exectrail migrate backfill                     what there is; changes nothing
  exectrail migrate backfill --since 30d --yes   the last 30 days

exit codes: 0 done or told, 2 refused, failed, or not called rightly.
"""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# What shows that something came: rows by identity, of tables that every kind of telemetry reaches.
_COUNTED = ("transitions", "usage", "workers", "spans")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that only this command has."""
    parser.add_argument(
        "--since",
        type=_time,
        default=_EPOCH,
        metavar="WHEN",
        help="30d, or a date or time, local without a zone; default: all",
    )
    parser.add_argument(
        "--until",
        type=_time,
        metavar="WHEN",
        help="default: when the tables were adopted; from then on the views have seen everything",
    )
    parser.add_argument("--yes", action="store_true", help="do it, instead of saying what it does")


def run(args: argparse.Namespace) -> int:
    """Exit code 0, or 2 on an error."""
    try:
        with connect(args.url, database=args.database) as client:
            return _backfill(client, args)
    except StorageError as error:
        print(f"exectrail migrate backfill: {error}", file=sys.stderr)
        return 2


def _backfill(client: Client, args: argparse.Namespace) -> int:
    origin = adoption.remembered(client)
    if origin is None and not Tables(client).exists():
        raise StorageError(
            f"{client.address} has no database '{client.database}'. Name the one that adopted"
            " tables: --database NAME"
        )
    if origin is None:
        raise StorageError(
            f"Database '{client.database}' has adopted nothing, and what its own tables take is"
            " seen at once: there is nothing to backfill."
        )
    if any(line.state is not State.APPLIED for line in Runner(client).status()):
        raise StorageError("First bring the database up to date: exectrail migrate apply")
    until = args.until or adoption.adopted_at(client)
    todo = steps(client, adoption.look(client, origin), since=args.since, until=until)
    if not args.yes:
        return _tell(todo, until, as_json=args.json)
    before = _counts(client)
    for number, step in enumerate(todo, start=1):
        feed(client, load_migrations(), step)
        if not args.json:
            print(f"{number:>4}/{len(todo)}  {_line(step)}", flush=True)
    after = _counts(client)
    if args.json:
        counts = {name: {"before": before[name], "after": after[name]} for name in _COUNTED}
        print(json.dumps({"done": True, "steps": _documents(todo), "rows": counts}))
        return 0
    for name in _COUNTED:
        print(f"{name:<12} {before[name]:>12,} -> {after[name]:,}")
    return 0


def _tell(todo: Sequence[Step], until: datetime, *, as_json: bool) -> int:
    if as_json:
        print(json.dumps({"done": False, "steps": _documents(todo)}))
        return 0
    if not todo:
        print(f"Nothing is there from before {_short(until)}.")
        return 0
    for step in todo:
        print(_line(step))
    print(
        f"\n{sum(step.rows for step in todo):,} rows from before {_short(until)} would be read;"
        " what is not of executions is left out.\nNothing was changed. Say --yes to do it."
    )
    return 0


def _line(step: Step) -> str:
    place = f"{step.table.database}.{step.table.table}"
    return f"{place:<32} {_short(step.since)} .. {_short(step.until)} {step.rows:>14,} rows"


def _short(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M")


def _documents(todo: Sequence[Step]) -> list[dict[str, object]]:
    return [
        {
            "table": f"{step.table.database}.{step.table.table}",
            "since": step.since.isoformat(),
            "until": step.until.isoformat(),
            "rows": step.rows,
        }
        for step in todo
    ]


def _counts(client: Client) -> dict[str, int]:
    return {
        name: client.query(f"SELECT count() AS rows FROM {name} FINAL")[0]["rows"]  # noqa: S608 ours
        for name in _COUNTED
    }


def _time(text: str) -> datetime:
    if days := re.fullmatch(r"(\d{1,5})d", text):
        return max(datetime.now(UTC) - timedelta(days=int(days[1])), _EPOCH)
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"'{text}' is neither days like 30d nor a date like 2026-11-21"
        ) from error
    return max(found.astimezone(UTC), _EPOCH)
