"""`exectrail forget`: erase one run or one project, in the tables and in archives."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.text import Text

from exectrail.cli import arguments
from exectrail.cli.layout import Column, table
from exectrail.cli.resolve import resolve
from exectrail.cli.screen import tell, view, write, write_json
from exectrail.cli.session import CommandError, connected
from exectrail.cli.words import clean
from exectrail.retention.archived import ArchivedRows, states_of
from exectrail.retention.erasure import (
    Eraser,
    ErasureError,
    Found,
    Mention,
    both,
    subject_of_project,
    subject_of_run,
)
from exectrail.retention.manifest import ArchiveError, Manifest
from exectrail.retention.sums import hours_of, make_anew
from exectrail.retention.text import amount, counted
from exectrail.storage import adoption
from exectrail.storage.client import Client, connect
from exectrail.storage.tables import Tables

if TYPE_CHECKING:
    from exectrail.retention.mentions import Subject

_EXAMPLES: Final = """\
  exectrail forget --run 01a1fc0c-d4e2                what there is of it; nothing is done
  exectrail forget --run 01a1fc0c-d4e2 --yes
  exectrail forget --project shop --yes
  exectrail forget --run 01a1fc0c-d4e2 --archive ./archive --yes    in its files, too

A run goes with its resumed parts, its children, its spans, logs and calls, and what was said of it.
What a host has not sent yet comes later: see docs/retention.md.
exit codes: 0 told, or gone; 1 refused, failed, or something is left; 2 not called rightly.
"""


def register(subparsers: arguments.SubParsers) -> None:
    """Add `forget`."""
    parser = arguments.command(
        subparsers,
        "forget",
        "erase one run or one project",
        "Erase all that is stored of one run or of one project, and look whether anything is left."
        " Without --yes it only tells what there is.",
        _EXAMPLES,
    )
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--run", metavar="ID", dest="run_id", help="id of a run, or its beginning")
    which.add_argument("--project", metavar="NAME", help="name of a project (service.namespace)")
    parser.add_argument(
        "--archive",
        metavar="DIR",
        type=Path,
        action="append",
        default=[],
        help="a directory of archived rows, too; may be given more than once",
    )
    parser.add_argument(
        "--including-adopted",
        action="store_true",
        help="raw tables, too, that somebody else made",
    )
    parser.add_argument("--yes", action="store_true", help="do it")
    parser.set_defaults(run=_run)


@connected
def _run(client: Client, args: argparse.Namespace) -> int:
    if args.project is not None and not args.project:
        raise CommandError("the name of a project cannot be empty.")
    try:
        return _forget(client, args)
    except (ArchiveError, ErasureError) as error:
        raise CommandError(str(error)) from error
    except OSError as error:
        raise CommandError(f"{error.filename}: {error.strerror}") from error


def _forget(client: Client, args: argparse.Namespace) -> int:
    def opened(database: str) -> Client:
        return connect(args.url, database=database)

    archives = [Manifest.read(path.expanduser().absolute()) for path in args.archive]
    subject = _subject(client, args, archives, opened)
    with Eraser.of(client, subject) as eraser, _adopted(client, opened) as (theirs, names):
        found = eraser.look()
        foreign = eraser.look(theirs, names) if theirs else Found()
        held = [ArchivedRows(client, manifest, eraser.search) for manifest in archives]
        files = {path: rows for one in held for path, rows in one.look().items()}
        left = foreign_left = Found()
        lasting = 0
        if args.yes:
            # Of a project the sums are rows of its own; those of a run stand among others'.
            hours = hours_of(client, eraser.search) if subject.kind == "run" else None
            left = eraser.erase(found, _said(args))
            if hours:
                make_anew(client, hours)
                lasting = hours.lasting
            if theirs and args.including_adopted:
                foreign_left = eraser.erase(foreign, _said(args), theirs, names)
            for one in held:
                one.erase(subject, _said(args))
            rows = dict(found.rows)
            if args.including_adopted:
                rows |= {f"{name} (adopted)": number for name, number in foreign.rows.items()}
            eraser.note(rows, files)
    remains = [*_left(left), *_left(foreign_left)] if args.yes else []
    if args.json:
        write_json(
            {
                "done": bool(args.yes),
                "kind": subject.kind,
                "name": subject.name,
                "segments": len(subject.segments),
                "rows": found.rows,
                "mentions": [_mention(one) for one in found.mentions],
                "adopted_rows": foreign.rows,
                "archived_rows": files,
                "left": remains,
                "hours_that_keep_its_share": lasting,
            }
        )
    elif not args.yes:
        _tell_plan(found, foreign, files)
    else:
        gone = sum(found.rows.values()) + sum(files.values())
        write([Text(f"Gone: {counted(gone, 'row')}.")])
    if foreign.rows and not args.including_adopted:
        places = ", ".join(f"{name} ({amount(rows)} rows)" for name, rows in foreign.rows.items())
        tell(f"left in tables that somebody else made: {places}. --including-adopted takes these.")
    if lasting:
        tell(
            f"the sums of {amount(lasting)} hours keep its share: of other runs in them rows were"
            " archived or have grown too old, so they cannot be made anew."
        )
    _tell_archives(client, archives)
    if remains:
        tell(f"left: {'; '.join(remains)}. What came meanwhile goes when it is called again.")
    return 1 if remains else 0


def _subject(
    client: Client,
    args: argparse.Namespace,
    archives: list[Manifest],
    opened: Callable[[str], Client],
) -> Subject:
    """What is meant, by the tables and by the archives."""
    with ExitStack() as held:
        stores = [client, *(held.enter_context(states_of(one, opened)) for one in archives)]
        subjects: list[Subject] = []
        refused: CommandError | None = None
        for store in stores:
            if args.project is not None:
                subjects.append(subject_of_project(store, args.project))
                continue
            try:
                match = resolve(store, args.run_id.strip(), view())
            except CommandError as error:
                refused = refused or error
                continue
            if not match.is_root:
                raise CommandError(
                    f"{clean(args.run_id)} is a part of the run {match.root_id}: a run goes whole."
                )
            subjects.append(subject_of_run(store, match.execution_id))
    if not subjects:
        assert refused is not None
        raise refused
    whole = subjects[0]
    for one in subjects[1:]:
        if one.name != whole.name:
            raise CommandError(f"{clean(args.run_id)} begins more than one id; give more of it.")
        whole = both(whole, one)
    return whole


@contextmanager
def _adopted(
    client: Client, opened: Callable[[str], Client]
) -> Generator[tuple[Tables | None, list[str]]]:
    """The tables of somebody else that take the place of our raw ones, if there are such."""
    origin = adoption.remembered(client)
    if origin is None:
        yield None, []
        return
    with opened(origin.database) as other:
        yield Tables(other), list(origin.tables.values())


def _tell_plan(found: Found, foreign: Found, files: dict[str, int]) -> None:
    lines = [[name, amount(rows), ""] for name, rows in found.rows.items()]
    lines += [
        [
            f"{one.table}.{one.column}",
            amount(one.rows),
            "speaks of it: the id goes" if one.clearable else "speaks of it: left",
        ]
        for one in found.mentions
    ]
    lines += [[name, amount(rows), "adopted"] for name, rows in foreign.rows.items()]
    lines += [[path, amount(rows), "archive"] for path, rows in files.items()]
    if not lines:
        write([Text("There is nothing of it.")])
        return
    columns = (Column("WHERE", minimum=30), Column("ROWS", right=True), Column("", optional=True))
    closing = Text("Nothing was done. With --yes, it goes for good.")
    write([*table(columns, lines, view().width).lines, Text(), closing])


def _tell_archives(client: Client, given: list[Manifest]) -> None:
    """Archives of this database that were not looked at."""
    known = Tables(client).groups("archives", "concat(host, ':', directory)")
    others = [one for one in known if not any(one.endswith(f":{m.directory}") for m in given)]
    if others:
        tell(f"archives that may hold it and were not looked at (--archive): {', '.join(others)}")


def _said(args: argparse.Namespace) -> Callable[[str, int], None]:
    def said(name: str, rows: int) -> None:
        if not args.json:
            write([Text(f"{'erased from ' + name:<70} {amount(rows):>11} rows")])

    return said


def _left(found: Found) -> list[str]:
    own = [f"{amount(rows)} rows in {name}" for name, rows in found.rows.items()]
    said = [f"{amount(one.rows)} rows in {one.table}.{one.column}" for one in found.mentions]
    return [*own, *said]


def _mention(one: Mention) -> dict[str, object]:
    return {
        "table": one.table,
        "column": one.column,
        "rows": one.rows,
        "clearable": one.clearable,
    }
