"""`exectrail migrate status|plan|apply|backfill`."""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from typing import TYPE_CHECKING

from exectrail.storage import adoption, backfill_command
from exectrail.storage.client import DEFAULT_DATABASE, Client, StorageError, connect
from exectrail.storage.foreign import DEFAULT_TABLES, ForeignTable, Origin, inspect
from exectrail.storage.runner import Runner, State, load_migrations, plan

if TYPE_CHECKING:
    _SubParsers = argparse._SubParsersAction[argparse.ArgumentParser]

_EXAMPLES = """\
examples:
  exectrail migrate status                     what is applied, what is pending
  exectrail migrate plan | less                the SQL, without sending anything
  exectrail migrate apply                      bring the database up to date
  exectrail migrate apply --url https://user@host:8443 --cluster main

tables that a collector's exporter, or somebody else, has made already:
  exectrail migrate status --adopt --otel-database otel   can they be read; changes nothing
  exectrail migrate apply --adopt --otel-database otel    read them, and leave them as they are
  exectrail migrate backfill                              what they held before

The password may stand in EXECTRAIL_CLICKHOUSE_PASSWORD.
exit codes: 0 done or told; 1 `status`: something is pending or changed, or cannot be adopted;
2 refused, failed, or not called rightly.
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
    actions = migrate.add_subparsers(
        dest="action", required=True, metavar="status|plan|apply|backfill"
    )
    for name, run, brief in (
        ("status", _status, "list the migrations and where they stand; only reads"),
        ("plan", _plan, "print the SQL of an application from nothing; changes nothing"),
        ("apply", _apply, "apply what is pending"),
    ):
        parser = _action(actions, name, brief, _EXAMPLES)
        parser.add_argument("--cluster", help="name of a cluster to put it on: docs/cluster.md")
        _add_adoption(parser)
        parser.set_defaults(run=run)
    brief = "feed the views what adopted tables held before"
    parser = _action(actions, "backfill", brief, backfill_command.EXAMPLES)
    backfill_command.add_arguments(parser)
    parser.set_defaults(run=backfill_command.run)


def _action(actions: _SubParsers, name: str, brief: str, examples: str) -> argparse.ArgumentParser:
    parser = actions.add_parser(
        name,
        help=brief,
        description=f"{brief[0].upper()}{brief[1:]}.",
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--url", help="ClickHouse HTTP interface (EXECTRAIL_CLICKHOUSE_URL)")
    parser.add_argument("--database", default=DEFAULT_DATABASE, help="default: %(default)s")
    parser.add_argument("--json", action="store_true", help="for programs")
    return parser


def _add_adoption(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--adopt",
        action="store_true",
        help="read otel_* tables that are there already, instead of making our own",
    )
    parser.add_argument(
        "--otel-database",
        metavar="NAME",
        help="where they are; default: default, as the exporter has it",
    )
    parser.add_argument(
        "--tables",
        metavar="KIND=NAME,...",
        help="their names, where they are not "
        + ", ".join(f"{kind}={name}" for kind, name in DEFAULT_TABLES.items()),
    )


def _origin(args: argparse.Namespace) -> Origin | None:
    if not args.adopt:
        if args.otel_database or args.tables:
            raise StorageError("--otel-database and --tables say what to --adopt")
        return None
    renamed: dict[str, str] = {}
    for word in filter(None, (args.tables or "").split(",")):
        kind, _, name = word.partition("=")
        renamed[kind.strip()] = name.strip()
    return Origin.named(args.otel_database or "default", renamed)


def _status(args: argparse.Namespace) -> int:
    """Exit code 0 when all is applied, 1 when something is pending or changed, 2 on an error."""
    try:
        with connect(args.url, database=args.database) as client:
            runner = Runner(client, cluster=args.cluster, adopt=_origin(args))
            lines = runner.status()
            origin = runner.origin()
            tables = inspect(client, origin) if origin else {}
    except StorageError as error:
        return _failed(error)
    if args.json:
        migrations = [{"version": s.version, "name": s.name, "state": s.state} for s in lines]
        adopted = [_document(table) for table in tables.values()]
        print(json.dumps({"migrations": migrations, "adopted": adopted}))
    else:
        for table in tables.values():
            _print_table(table)
        for line in lines:
            print(f"{line.version:04d}  {line.state:<8} {line.name}")
    refused = any(table.problems for table in tables.values())
    return int(refused or any(line.state in (State.PENDING, State.CHANGED) for line in lines))


def _plan(args: argparse.Namespace) -> int:
    try:
        origin = _origin(args)
        adopted: dict[str, ForeignTable] = {}
        if origin:
            with connect(args.url, database=args.database) as client:
                Runner(client, cluster=args.cluster, adopt=origin).origin()
                adopted = adoption.look(client, origin)
        planned = plan(
            load_migrations(), database=args.database, cluster=args.cluster, adopted=adopted
        )
        statements = list(planned)
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
            origin = _origin(args)
            applied = Runner(client, cluster=args.cluster, adopt=origin).apply()
            tables = _adopted_now(client, origin if applied else None)
    except StorageError as error:
        return _failed(error)
    if args.json:
        print(json.dumps([{"version": m.version, "name": m.name} for m in applied]))
        return 0
    if not applied:
        print("Nothing to do: every migration is applied.")
    for migration in applied:
        print(f"{migration.version:04d}  applied  {migration.name}")
    for table in tables:
        _print_table(table)
    if tables:
        print("What they held before is not in yet: exectrail migrate backfill")
    return 0


def _adopted_now(client: Client, origin: Origin | None) -> list[ForeignTable]:
    return list(inspect(client, origin).values()) if origin else []


def _print_table(table: ForeignTable) -> None:
    verdict = "refused" if table.problems else "reads"
    engine = f" ({table.engine})" if table.engine else ""
    print(f"{verdict:<7}  {table.name:<19} {table.database}.{table.table}{engine}")
    for sentence in (*table.problems, *table.notes):
        print(textwrap.indent(textwrap.fill(sentence, 90), " " * 9))


def _document(table: ForeignTable) -> dict[str, object]:
    return {
        "name": table.name,
        "database": table.database,
        "table": table.table,
        "engine": table.engine,
        "problems": table.problems,
        "notes": table.notes,
    }


def _failed(error: StorageError) -> int:
    print(f"exectrail migrate: {error}", file=sys.stderr)
    return 2
