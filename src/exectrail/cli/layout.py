"""Tables of text that fit a width: columns give way in a set order, and nothing wraps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text

GAP = 2
"""Spaces between columns."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        title: Its heading.
        right: Whether it is aligned to the right.
        minimum: Width down to which it may be cut; None for a column that is never cut.
        drop: Columns with a drop above 0 go, the highest first, once cutting is not enough.
        optional: Whether it goes where all its cells are empty.
    """

    title: str
    right: bool = False
    minimum: int | None = None
    drop: int = 0
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Lines of a table: its heading, and one line for each row."""

    heading: Text
    rows: list[Text]

    @property
    def lines(self) -> list[Text]:
        """The whole table."""
        return [self.heading, *self.rows]


def table(columns: Sequence[Column], rows: Sequence[Sequence[Text | str]], width: int) -> Table:
    """Lay out rows in columns.

    Args:
        columns: The columns.
        rows: A cell for each column.
        width: Characters of a line.

    Returns:
        Lines no longer than `width`, if the columns can give way that far.
    """
    cells = [[c if isinstance(c, Text) else Text(c) for c in row] for row in rows]
    natural = [
        max(cell_len(column.title), *(row[i].cell_len for row in cells), 0)
        for i, column in enumerate(columns)
    ]
    kept = [
        i
        for i, column in enumerate(columns)
        if not column.optional or any(row[i].plain for row in cells)
    ]
    widths = _fit(columns, kept, natural, width)
    heading = [Text(column.title, "dim") for column in columns]
    return Table(
        _line(columns, heading, widths),
        [_line(columns, row, widths) for row in cells],
    )


def _fit(
    columns: Sequence[Column], kept: list[int], natural: list[int], width: int
) -> dict[int, int]:
    while True:
        widths = {i: natural[i] for i in kept}
        excess = sum(widths.values()) + GAP * (len(kept) - 1) - width
        while excess > 0:
            cuttable = [
                i for i in kept if (least := columns[i].minimum) is not None and widths[i] > least
            ]
            if not cuttable:
                break
            widths[max(cuttable, key=widths.__getitem__)] -= 1
            excess -= 1
        droppable = [i for i in kept if columns[i].drop]
        if excess <= 0 or not droppable:
            return widths
        kept = [i for i in kept if i != max(droppable, key=lambda i: columns[i].drop)]


def _line(columns: Sequence[Column], cells: Sequence[Text], widths: dict[int, int]) -> Text:
    line = Text()
    for position, (i, width) in enumerate(widths.items()):
        cell = cells[i].copy()
        cell.truncate(width, overflow="ellipsis")
        padding = " " * (width - cell.cell_len)
        if position:
            line.append(" " * GAP)
        if columns[i].right:
            line.append(padding)
        line.append_text(cell)
        if not columns[i].right:
            line.append(padding)
    line.rstrip()
    return line


def cut(line: Text, width: int) -> Text:
    """The line, with an ellipsis where it is longer than `width`."""
    short = line.copy()
    short.truncate(width, overflow="ellipsis")
    return short


def title(name: str, rest: str, width: int) -> Text:
    """A name and its id behind it, which is there to be copied: a long name gives way to it."""
    line = cut(Text(name, "bold"), max(12, width - cell_len(rest) - GAP))
    line.append(" " * GAP + rest, "dim")
    return line


def fields(
    pairs: Sequence[tuple[str, Text | str]], width: int, *, empty: bool = False
) -> list[Text]:
    """Names and values beneath each other, long values wrapped.

    Args:
        pairs: Names and values.
        width: Characters of a line.
        empty: Whether empty values are shown too.
    """
    shown = [(name, Text(v) if isinstance(v, str) else v) for name, v in pairs]
    shown = [(name, value) for name, value in shown if empty or value.plain]
    indent = max((cell_len(name) for name, _ in shown), default=0) + GAP
    lines: list[Text] = []
    for name, value in shown:
        for number, part in enumerate(wrap(value, max(20, width - indent))):
            head = Text(name if number == 0 else "", "dim")
            head.append(" " * (indent - head.cell_len))
            line = head + part
            line.rstrip()
            lines.append(line)
    return lines


def wrap(text: Text, width: int) -> list[Text]:
    """The text in lines of at most `width`, broken between words where that is possible."""
    from rich.console import Console

    parts = list(text.wrap(Console(width=width), width))
    for part in parts:
        part.rstrip()
    return parts
