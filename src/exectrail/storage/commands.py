"""`exectrail migrate status|plan|apply`."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from exectrail.storage.client import DEFAULT_DATABASE, StorageError, connect
from exectrail.storage.runner import Runner, State, load_migrations, plan

if TYPE_CHECKING:
    _SubParsers = argparse._SubParsersAction[argparse.ArgumentParser]

_EXAMPLES = """\
examples:
  exectrail migrate status                     what is applied, what is pending
  exectrail migrate plan | less                the SQL, without sending anything
  exectrail migrate apply                      bring the database up to date
  exectrail migrate apply --url https://user@host:8443 --cluster main

The password may stand in EXECTRAIL_CLICKHOUSE_PASSWORD.
"""


def register(subparsers: _SubParsers) -> None:
    """Add `migrate` to the command line."""
    migrate = subparsers.add_parser(
        "migrate",
        help="create and upgrade the tables and views",
        description="Create and upgrade the tables and views. Forward only; history is kept.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = migrate.add_subparsers(dest="action", required=True, metavar="status|plan|apply")
    for name, run, brief in (
        ("status", _status, "list the migrations and where they stand; only reads"),
        ("plan", _plan, "print the SQL of an application from nothing; sends nothing"),
        ("apply", _apply, "apply what is pending"),
    ):
        parser = actions.add_parser(
            name,
            help=brief,
            description=brief.capitalize() + ".",
            epilog=_EXAMPLES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        parser.add_argument("--url", help="ClickHouse HTTP interface (EXECTRAIL_CLICKHOUSE_URL)")
        parser.add_argument("--database", default=DEFAULT_DATABASE, help="default: %(default)s")
        parser.add_argument("--cluster", help="name of the cluster for ON CLUSTER")
        parser.add_argument("--json", action="store_true", help="for programs")
        parser.set_defaults(run=run)


def _status(args: argparse.Namespace) -> int:
    """Exit code 0 when all is applied, 1 when something is pending or changed, 2 on an error."""
    try:
        with connect(args.url, database=args.database) as client:
            lines = Runner(client, cluster=args.cluster).status()
    except StorageError as error:
        return _failed(error)
    if args.json:
        print(json.dumps([{"version": s.version, "name": s.name, "state": s.state} for s in lines]))
    else:
        for line in lines:
            print(f"{line.version:04d}  {line.state:<8} {line.name}")
    return int(any(line.state in (State.PENDING, State.CHANGED) for line in lines))


def _plan(args: argparse.Namespace) -> int:
    try:
        statements = list(plan(load_migrations(), database=args.database, cluster=args.cluster))
    except StorageError as error:
        return _failed(error)
    if args.json:
        print(json.dumps(statements))
    else:
        print(";\n\n".join(statements) + ";")
    return 0


def _apply(args: argparse.Namespace) -> int:
    try:
        with connect(args.url, database=args.database) as client:
            applied = Runner(client, cluster=args.cluster).apply()
    except StorageError as error:
        return _failed(error)
    if args.json:
        print(json.dumps([{"version": m.version, "name": m.name} for m in applied]))
    elif not applied:
        print("Nothing to do: every migration is applied.")
    else:
        for migration in applied:
            print(f"{migration.version:04d}  applied  {migration.name}")
    return 0


def _failed(error: StorageError) -> int:
    print(f"exectrail migrate: {error}", file=sys.stderr)
    return 2
