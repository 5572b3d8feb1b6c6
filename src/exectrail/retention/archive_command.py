"""`exectrail archive`: old rows to Parquet files, and back."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.text import Text

from exectrail.cli import arguments
from exectrail.cli.layout import Column, table
from exectrail.cli.screen import tell, view, write, write_json
from exectrail.cli.session import CommandError, connected
from exectrail.retention.archive import Archiver, Plan
from exectrail.retention.attach import attach, detach, put_back, too_old
from exectrail.retention.manifest import ArchiveError, Batch, File, Manifest
from exectrail.retention.text import amount, counted, size

if TYPE_CHECKING:
    from datetime import datetime

    from exectrail.storage.client import Client

_EXAMPLES: Final = """\
  exectrail archive all --before 2026-01-01 --to ./archive
  exectrail archive all --before 400d --to ./archive --drop         what would be written and go
  exectrail archive all --before 400d --to ./archive --drop --yes
  exectrail archive --resume --to ./archive                         after it was cut short
  exectrail archive attach ./archive --database old                 makes the database `old`
  exectrail runs --database old
  exectrail archive detach --database old
  exectrail archive attach ./archive --back --yes                   into the tables again

It writes a Parquet file for each table and month, reads each back and compares it. The directory
may be given again later: each call adds a batch. Runs that are not over by then stay, whole.
exit codes: 0 done or told, 1 refused or failed, 2 not called rightly.
"""
_OPTIONS: Final = ("before", "to", "drop", "resume", "back", "sums", "yes")


def register(subparsers: arguments.SubParsers) -> None:
    """Add `archive`."""
    parser = arguments.command(
        subparsers,
        "archive",
        "move old rows to Parquet files, and back",
        "Write rows that the store received before a day to Parquet files, take them out of their"
        " tables where told so, and make them readable again.",
        _EXAMPLES,
    )
    parser.add_argument(
        "words",
        metavar="TABLE|all|attach DIR|detach",
        nargs="*",
        help="tables to archive, or what to do with an archive",
    )
    parser.add_argument(
        "--before",
        metavar="DATE",
        type=arguments.since_utc,
        help="rows received before this day (UTC): 2026-01-01, or 400d for so long ago",
    )
    parser.add_argument("--to", metavar="DIR", type=_directory, help="where to write")
    parser.add_argument("--drop", action="store_true", help="take the rows out of their tables")
    parser.add_argument("--resume", action="store_true", help="go on where it was cut short")
    parser.add_argument("--back", action="store_true", help="attach: into the tables again")
    parser.add_argument("--sums", action="store_true", help="attach: make the roll-ups, too")
    parser.add_argument("--yes", action="store_true", help="do it")
    parser.set_defaults(run=_run, misuse=parser.error)


def _directory(text: str) -> Path:
    if "://" in text:
        raise argparse.ArgumentTypeError(
            f"{text!r} is an address. Files are written here, to a directory: copy that to where it"
            " is to stay (aws s3 sync, rclone), and back before it is attached."
        )
    return Path(text).expanduser().absolute()


def _run(args: argparse.Namespace) -> int:
    if reason := _misuse(args):
        args.misuse(reason)
    return _carry_out(args)


def _misuse(args: argparse.Namespace) -> str:
    """What is wrong with the words, or with options that do nothing beside them."""
    words: list[str] = args.words
    given = {name for name in _OPTIONS if getattr(args, name)}
    match words:
        case ["attach", _] if args.back:
            allowed, call = {"back", "yes"}, "archive attach DIR --back"
        case ["attach", _]:
            allowed, call = {"sums", "yes"}, "archive attach DIR"
        case ["detach"]:
            allowed, call = {"yes"}, "archive detach"
        case ["attach" | "detach", *_]:
            return "say `archive attach DIR` or `archive detach`, no more"
        case _ if args.resume:
            allowed, call = {"to", "drop", "resume", "yes"}, "archive --resume"
        case _:
            allowed, call = {"before", "to", "drop", "yes"}, "archive TABLE|all"
    if idle := sorted(given - allowed):
        return f"{', '.join(f'--{name}' for name in idle)} does nothing with `{call}`"
    if words and words[0] in ("attach", "detach"):
        return ""
    if args.to is None:
        return "name the directory: --to DIR"
    if args.resume in (bool(words), bool(args.before)):
        return "name tables (or all) and --before DATE; or --resume alone"
    return ""


@connected
def _carry_out(client: Client, args: argparse.Namespace) -> int:
    words: list[str] = args.words
    try:
        match words:
            case ["attach", directory]:
                return _attach(client, args, Manifest.read(_directory(directory)))
            case ["detach"]:
                return _detach(client, args)
            case _:
                return _archive(client, args, words)
    except ArchiveError as error:
        raise CommandError(str(error)) from error
    except argparse.ArgumentTypeError as error:
        raise CommandError(str(error)) from error
    except OSError as error:
        raise CommandError(f"{error.filename}: {error.strerror}") from error


def _archive(client: Client, args: argparse.Namespace, words: list[str]) -> int:
    manifest = Manifest.read(args.to)
    archiver = Archiver(client, manifest)
    if args.resume:
        batch = _unfinished(manifest, drop=args.drop)
    else:
        batch = archiver.begin(words, _midnight(args.before))
    planned: Plan | None = None
    if args.drop and not args.yes:
        planned = archiver.plan(batch)
    else:
        if not batch.complete:
            archiver.write(batch, _said(args))
        if args.drop:
            archiver.drop(batch, _dropped(args))
    if args.json:
        write_json(_document(batch, planned))
    elif planned:
        write([*_planned(planned), Text(), Text("Nothing was done. With --yes, it is.")])
    else:
        write([Text(_closing(batch))])
    return 0


def _midnight(time: datetime) -> datetime:
    return time.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _unfinished(manifest: Manifest, *, drop: bool) -> Batch:
    if manifest.open:
        return manifest.open
    if drop and manifest.batches and not manifest.batches[-1].dropped:
        return manifest.batches[-1]
    raise CommandError(f"in {manifest.directory} nothing is unfinished.")


def _attach(client: Client, args: argparse.Namespace, manifest: Manifest) -> int:
    if not args.back:
        rows = attach(manifest, client, _said(args), sums=args.sums)
        closing = f"{counted(rows, 'row')}. Look: exectrail runs --database {client.database}"
    elif args.yes:
        rows = put_back(manifest, client, _said(args))
        closing = f"Put back: {counted(rows, 'row')}."
    else:
        files = manifest.files()
        rows = sum(file.rows for file in files)
        closing = f"Nothing was done. With --yes: {counted(rows, 'row')} back into their tables."
    if args.back and (old := too_old(manifest, client)):
        tell(
            f"limits that take rows out again that are put back: {', '.join(old)}."
            " `exectrail retention set` changes them."
        )
    if args.json:
        done = bool(args.yes) or not args.back
        write_json({"database": client.database, "rows": rows, "done": done})
    else:
        write([Text(closing)])
    return 0


def _detach(client: Client, args: argparse.Namespace) -> int:
    detach(client)
    if args.json:
        write_json({"database": client.database, "done": True})
    else:
        write([Text(f"Dropped the database {client.database}. The files stay.")])
    return 0


def _said(args: argparse.Namespace) -> Callable[[File], None]:
    def said(file: File) -> None:
        if not args.json:
            write([Text(f"{_line(file.path, file.rows)} {size(file.bytes):>9}")])

    return said


def _dropped(args: argparse.Namespace) -> Callable[[str, int], None]:
    def said(table_name: str, rows: int) -> None:
        if not args.json:
            write([Text(_line(f"dropped from {table_name}", rows).rstrip())])

    return said


def _line(what: str, rows: int) -> str:
    return f"{what:<60} {amount(rows):>11} {'row ' if rows == 1 else 'rows'}"


def _planned(plan: Plan) -> list[Text]:
    written = {name: 0 for name, rows in plan.dropped.items() if rows}
    for part in plan.parts:
        written[part.table.name] = written.get(part.table.name, 0) + part.rows
    columns = (
        Column("TABLE"),
        Column("WRITTEN", right=True),
        Column("FILES", right=True),
        Column("DROPPED", right=True),
    )
    rows = [
        [
            name,
            amount(count),
            amount(sum(part.files for part in plan.parts if part.table.name == name)),
            amount(plan.dropped.get(name, 0)),
        ]
        for name, count in sorted(written.items())
    ]
    return table(columns, rows, view().width).lines


def _closing(batch: Batch) -> str:
    rows, stored = sum(f.rows for f in batch.files), sum(f.bytes for f in batch.files)
    end = "written, verified and dropped" if batch.dropped else "written and verified"
    files = counted(len(batch.files), "file")
    return f"{counted(rows, 'row')} in {files}, {size(stored)}: {end}."


def _document(batch: Batch, planned: Plan | None) -> dict[str, object]:
    if planned is not None:
        written = [
            {"table": part.table.name, "month": part.month, "rows": part.rows, "files": part.files}
            for part in planned.parts
        ]
        return {"done": False, "written": written, "dropped": dict(planned.dropped)}
    return {
        "done": True,
        "batch": batch.name,
        "before": batch.before,
        "rows": sum(file.rows for file in batch.files),
        "bytes": sum(file.bytes for file in batch.files),
        "files": [file.path for file in batch.files],
        "dropped": batch.dropped,
    }
