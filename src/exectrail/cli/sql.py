"""`exectrail sql`: any question, in SQL, read-only."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from rich.text import Text

from exectrail.cli import arguments
from exectrail.cli.documents import plain
from exectrail.cli.layout import GAP, Column, fields, table
from exectrail.cli.screen import tell, view, write, write_json
from exectrail.cli.session import CommandError, connected
from exectrail.cli.words import clean

if TYPE_CHECKING:
    from exectrail.storage.client import Answer, Client

_EXAMPLES: Final = """\
  exectrail sql 'SHOW TABLES'                    the tables and views; docs/sql.md explains them
  exectrail sql 'SELECT workflow, count() FROM executions GROUP BY workflow'
  exectrail sql --csv 'SELECT * FROM cost_daily' > cost.csv
  exectrail sql --json - < question.sql          the question from a file
  exectrail sql 'SELECT * FROM executions LIMIT 1 FORMAT Vertical'
"""
_LEAST: Final = 8
"""Characters that a column of a table has, at least."""
_FORMAT: Final = re.compile(r"\sFORMAT\s+\w+\s*\Z", re.IGNORECASE)


def register(subparsers: arguments.SubParsers) -> None:
    """Add `sql`."""
    parser = arguments.command(
        subparsers,
        "sql",
        "ask the views in SQL",
        "One statement in ClickHouse's SQL, run read-only: it cannot change anything. A FORMAT at"
        " its end is printed as the database answers it.",
        _EXAMPLES,
    )
    parser.add_argument(
        "statement", nargs="?", default="-", help="the statement; - or nothing reads it from stdin"
    )
    parser.add_argument("--csv", action="store_true", help="CSV with a line of names")
    parser.set_defaults(run=_run)


@connected
def _run(client: Client, args: argparse.Namespace) -> int:
    if args.csv and args.json:
        tell("--csv and --json exclude each other")
        return 2
    statement = _statement(args.statement)
    if _FORMAT.search(statement):
        if args.csv or args.json:
            raise CommandError(
                "the statement names a FORMAT of its own; leave out --csv and --json."
            )
        return _pass_on(client.read_raw(statement))
    if args.csv:
        return _pass_on(client.read_raw(statement, output_format="CSVWithNames"))
    answer = client.read(statement)
    if args.json:
        write_json(sql_document(answer))
    else:
        write(render(answer, view().width))
        if not answer.rows:
            tell("no row.")
    return 0


def _statement(given: str) -> str:
    if given == "-" and sys.stdin.isatty():
        raise CommandError("no statement given. For example: exectrail sql 'SHOW TABLES'")
    text = sys.stdin.read() if given == "-" else given
    statement = text.strip().rstrip(";").strip()
    if not statement:
        raise CommandError("the statement is empty. For example: exectrail sql 'SHOW TABLES'")
    return statement


def _pass_on(parts: Iterator[bytes]) -> int:
    sys.stdout.flush()
    for part in parts:
        sys.stdout.buffer.write(part)
    sys.stdout.buffer.flush()
    return 0


def sql_document(answer: Answer) -> dict[str, object]:
    """The JSON document: columns with their types, and an object for each row."""
    names = [name for name, _ in answer.columns]
    return {
        "columns": [{"name": name, "type": type_} for name, type_ in answer.columns],
        "rows": [dict(zip(names, map(plain, row), strict=True)) for row in answer.rows],
    }


def render(answer: Answer, width: int) -> list[Text]:
    """A table, wide columns cut so that it fits; where they are too many, each row by itself."""
    if (_LEAST + GAP) * len(answer.columns) - GAP > width:
        return _one_by_one(answer, width)
    columns = [
        Column(clean(name), right=_is_number(answer.rows, i), minimum=_LEAST)
        for i, (name, _) in enumerate(answer.columns)
    ]
    cells: list[list[Text | str]] = [[_cell(value) for value in row] for row in answer.rows]
    return table(columns, cells, width).lines


def _one_by_one(answer: Answer, width: int) -> list[Text]:
    lines: list[Text] = []
    for number, row in enumerate(answer.rows, start=1):
        pairs = [
            (clean(name), _cell(value))
            for (name, _), value in zip(answer.columns, row, strict=True)
        ]
        lines += [Text(f"── {number} ──", "dim"), *fields(pairs, width, empty=True)]
    return lines


def _cell(value: object) -> Text | str:
    return Text("NULL", "dim") if value is None else clean(plain(value))


def _is_number(rows: Sequence[Sequence[object]], column: int) -> bool:
    values = [row[column] for row in rows if row[column] is not None]
    return bool(values) and all(
        isinstance(value, int | float | Decimal) and not isinstance(value, bool) for value in values
    )
