from hypothesis import given
from hypothesis import strategies as st

from exectrail.supervisor.output import LONGEST_LINE, Lines


def cut(*parts: bytes) -> list[bytes]:
    kept: list[bytes] = []
    lines = Lines("stdout", lambda line: kept.append(line[2]))
    for part in parts:
        lines.add(part)
    lines.end()
    return kept


def test_lines_end_where_they_end_however_they_come():
    assert cut(b"one\ntwo\n") == cut(b"on", b"e\nt", b"wo\n") == [b"one", b"two"]
    assert cut(b"one\r\n\n\r\nlast") == [b"one", b"last"]
    assert cut() == cut(b"\n") == []


def test_of_a_line_that_does_not_end_its_beginning_is_kept_and_the_next_one_whole():
    part = b"x" * LONGEST_LINE

    assert cut(part, part, b"x\nnext\n", b"end") == [part, b"next", b"end"]
    assert cut(b"y" * (3 * LONGEST_LINE) + b"\nnext") == [b"y" * LONGEST_LINE, b"next"]


@given(st.lists(st.text("ab\n", max_size=9).map(str.encode), max_size=20))
def test_how_a_text_is_cut_into_parts_does_not_matter(parts: list[bytes]):
    assert cut(*parts) == [line for line in b"".join(parts).split(b"\n") if line]
