"""Blocks of the Native format, read back by clickhouse-connect's own reader."""

from __future__ import annotations

from typing import Any

from clickhouse_connect.driver.buffer import ResponseBuffer
from clickhouse_connect.driver.query import QueryContext
from clickhouse_connect.driver.transform import NativeTransform
from hypothesis import given
from hypothesis import strategies as st

from exectrail.receiver.native import (
    Arrays,
    Maps,
    Texts,
    doubles,
    encode_block,
    encode_key,
    encode_length,
    encode_pairs,
    encode_text,
    signed32,
    times,
    to_time,
    unsigned8,
    unsigned64,
)


class Source:
    """What the reader reads from."""

    last_message = None
    exception_tag = None

    def __init__(self, block: bytes) -> None:
        self.gen = iter([block])

    def close(self) -> None: ...


def read(block: bytes) -> dict[str, list[Any]]:
    result = NativeTransform().parse_response(ResponseBuffer(Source(block)), QueryContext())
    return dict(zip(result.column_names, map(list, result.result_columns), strict=True))


texts = st.text(max_size=300)
rows = st.lists(
    st.tuples(
        texts,
        st.integers(0, 2**64 - 1),
        st.integers(-(2**31), 2**31 - 1),
        st.floats(allow_nan=False),
        st.dictionaries(texts, texts, max_size=5),
        st.lists(texts, max_size=3),
        st.lists(st.dictionaries(texts, texts, max_size=2), max_size=3),
    ),
    min_size=1,
    max_size=20,
)


@given(rows)
def test_a_block_reads_back_as_the_rows_it_was_made_of(rows: list[tuple[Any, ...]]):
    text, number, small, real, pairs = Texts(), unsigned64(), signed32(), doubles(), Maps()
    words, maps = Arrays(Texts()), Arrays(Maps())
    for row in rows:
        text.append(encode_text(row[0]))
        number.append(row[1])
        small.append(row[2])
        real.append(row[3])
        pairs.append(encode_pairs(list(row[4].items())))
        for word in row[5]:
            words.items.append(encode_key(word))
        for entry in row[6]:
            maps.items.append(encode_pairs(list(entry.items())))
        words.close()
        maps.close()
    names = ["text", "number", "small", "real", "pairs", "words", "maps"]
    columns = dict(zip(names, [text, number, small, real, pairs, words, maps], strict=True))

    found = read(encode_block(len(rows), columns))

    assert found == {name: [row[n] for row in rows] for n, name in enumerate(names)}


def test_times_are_nanoseconds_and_late_ones_wrap_as_in_the_collector():
    column = times()
    for moment in (0, 1_795_000_000_000_000_000, 2**64 - 1):
        column.append(to_time(moment))

    assert b"".join(column.pieces()) == b"".join(
        moment.to_bytes(8, "little", signed=True) for moment in (0, 1_795_000_000_000_000_000, -1)
    )


def test_lengths_are_leb128():
    assert [encode_length(n) for n in (0, 127, 128, 300, 2**32)] == [
        b"\x00",
        b"\x7f",
        b"\x80\x01",
        b"\xac\x02",
        b"\x80\x80\x80\x80\x10",
    ]


def test_keys_come_out_the_same_however_many_there_are():
    keys = [f"key {number}" for number in range(20_000)]

    assert [encode_key(key) for key in keys + keys] == [encode_text(key) for key in keys + keys]


def test_one_byte_numbers():
    column = unsigned8()
    column.extend([0, 1, 255])

    assert (column.type, b"".join(column.pieces())) == ("UInt8", b"\x00\x01\xff")
