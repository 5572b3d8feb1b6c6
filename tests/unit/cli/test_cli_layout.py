"""Tables fit the width that there is, and columns give way in order."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text

from exectrail.cli.layout import Column, cut, fields, table, wrap

COLUMNS = (
    Column("ID"),
    Column("NAME", minimum=6),
    Column("SPARE", right=True, drop=2),
    Column("LATER", right=True, drop=1),
    Column("EMPTY", optional=True),
)
ROWS = [["1", "a long name", "1", "22", ""], ["2", "short", "333", "4", ""]]


@pytest.mark.parametrize(
    ("width", "lines"),
    [
        (
            80,
            [
                "ID  NAME         SPARE  LATER",
                "1   a long name      1     22",
                "2   short          333      4",
            ],
        ),
        (
            25,
            [
                "ID  NAME     SPARE  LATER",
                "1   a long…      1     22",
                "2   short      333      4",
            ],
        ),
        (22, ["ID  NAME         LATER", "1   a long name     22", "2   short            4"]),
        (11, ["ID  NAME", "1   a long…", "2   short"]),
    ],
)
def test_a_column_is_cut_first_and_then_columns_go(width: int, lines: list[str]) -> None:
    assert [line.plain for line in table(COLUMNS, ROWS, width).lines] == lines


def test_wide_characters_count_as_they_are_shown() -> None:
    laid = table((Column("NAME", minimum=4), Column("N", right=True)), [["東京都庁", "1"]], 9)

    assert [line.plain for line in laid.lines] == ["NAME    N", "東京 …  1"]


def test_a_cell_keeps_its_colour_and_is_not_changed() -> None:
    cell = Text("completed", "green")
    line = table((Column("STATE", minimum=4),), [[cell]], 5).rows[0]

    assert line.plain == "comp…"
    assert [str(span.style) for span in line.spans] == ["green"]
    assert cell.plain == "completed"


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.text(max_size=40), st.text(max_size=40)), max_size=5),
    st.integers(12, 120),
)
def test_no_line_is_longer_than_the_width(rows: list[tuple[str, str]], width: int) -> None:
    columns = (Column("A", minimum=5), Column("B", minimum=5))
    safe = [[f"{a.isprintable() and a}", f"{b.isprintable() and b}"] for a, b in rows]

    assert max(cell_len(line.plain) for line in table(columns, safe, width).lines) <= width


def test_fields_are_indented_wrapped_and_left_out_where_empty() -> None:
    lines = fields([("Name", "some words that go over the line"), ("Gone", ""), ("N", "1")], 28)

    assert [line.plain for line in lines] == [
        "Name  some words that go",
        "      over the line",
        "N     1",
    ]


def test_a_word_longer_than_the_line_is_broken() -> None:
    assert [line.plain for line in wrap(Text("x" * 25), 10)] == ["x" * 10, "x" * 10, "x" * 5]
    assert cut(Text("x" * 25), 10).plain == "x" * 9 + "…"
