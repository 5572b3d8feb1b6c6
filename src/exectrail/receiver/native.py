"""Rows as a block of ClickHouse's Native format, column by column.

Native is what the engine takes without parsing text. Columns are declared plain (String for
LowCardinality and so on): the engine converts on its side, where it costs no GIL.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from sys import byteorder
from typing import Any, Final, Generic, NamedTuple, Protocol, TypeVar

from exectrail.receiver.limits import check_block

_SHORT: Final = [bytes([size]) for size in range(128)]
_KEYS: Final = 8192
"""Texts that are kept encoded: attribute keys and the like come again and again."""
_kept: dict[str, bytes] = {}


class Column(Protocol):
    """Values of one column, in the order of the rows."""

    type: str

    def pieces(self) -> Iterable[bytes]:
        """The values, encoded."""
        ...


def encode_text(text: str) -> bytes:
    """A String: its length, then its bytes; lone surrogates stand for bytes that are no text."""
    data = text.encode(errors="surrogateescape")
    size = len(data)
    return (_SHORT[size] if size < 128 else encode_length(size)) + data


def encode_key(text: str) -> bytes:
    """A String that is likely to come again."""
    data = _kept.get(text)
    if data is None:
        if len(_kept) >= _KEYS:
            _kept.clear()
        data = _kept[text] = encode_text(text)
    return data


def encode_length(size: int) -> bytes:
    """An unsigned LEB128 number."""
    out = bytearray()
    while size > 127:
        out.append(size & 127 | 128)
        size >>= 7
    out.append(size)
    return bytes(out)


class Pairs(NamedTuple):
    """One value of a map column, encoded; made once where many rows share it."""

    size: int
    keys: bytes
    values: bytes


def encode_pairs(pairs: Sequence[tuple[str, str]]) -> Pairs:
    """A value of a map column."""
    return Pairs(
        len(pairs),
        b"".join([encode_key(key) for key, _ in pairs]),
        b"".join([encode_text(value) for _, value in pairs]),
    )


class Texts:
    """A String column; values are encoded by `encode_text` or `encode_key`."""

    type = "String"

    def __init__(self) -> None:
        self._values: list[bytes] = []
        self.append = self._values.append

    def __len__(self) -> int:
        return len(self._values)

    def pieces(self) -> Iterable[bytes]:
        """The values, encoded."""
        return self._values


class Numbers:
    """A column of numbers of one width."""

    def __init__(self, type_name: str, code: str) -> None:
        """Make an empty column.

        Args:
            type_name: ClickHouse's name of the type.
            code: Type code of `array` with the same width.
        """
        self.type = type_name
        self._values: array[Any] = array(code)
        self.append = self._values.append
        self.extend = self._values.extend

    def __len__(self) -> int:
        return len(self._values)

    def pieces(self) -> Iterable[bytes]:
        """The values, encoded."""
        if byteorder == "big":
            swapped = array(self._values.typecode, self._values)
            swapped.byteswap()
            return [swapped.tobytes()]
        return [self._values.tobytes()]


class Maps:
    """A column of maps from text to text; a value is made by `encode_pairs`."""

    type = "Map(String, String)"

    def __init__(self) -> None:
        self._ends = unsigned64()
        self._keys: list[bytes] = []
        self._values: list[bytes] = []
        self._size = 0

    def __len__(self) -> int:
        return len(self._ends)

    def append(self, pairs: Pairs) -> None:
        """Add a value."""
        self._size += pairs.size
        self._ends.append(self._size)
        self._keys.append(pairs.keys)
        self._values.append(pairs.values)

    def pieces(self) -> Iterable[bytes]:
        """The values, encoded."""
        return [*self._ends.pieces(), *self._keys, *self._values]


C = TypeVar("C", Texts, Numbers, Maps)


class Arrays(Generic[C]):
    """A column of arrays. Append the elements to `items`, then call `close` once per row."""

    def __init__(self, items: C) -> None:
        self.type = f"Array({items.type})"
        self.items = items
        self._ends = unsigned64()

    def close(self) -> None:
        """End the value of this row."""
        self._ends.append(len(self.items))

    def pieces(self) -> Iterable[bytes]:
        """The values, encoded."""
        return [*self._ends.pieces(), *self.items.pieces()]


def times() -> Numbers:
    """A column of times in nanoseconds since 1970, UTC; append `to_time` of a time."""
    return Numbers("DateTime64(9, 'UTC')", "q")


def unsigned64() -> Numbers:
    """A UInt64 column."""
    return Numbers("UInt64", "Q")


def unsigned32() -> Numbers:
    """A UInt32 column."""
    return Numbers("UInt32", "I")


def signed32() -> Numbers:
    """An Int32 column."""
    return Numbers("Int32", "i")


def unsigned8() -> Numbers:
    """A UInt8 or Bool column."""
    return Numbers("UInt8", "B")


def doubles() -> Numbers:
    """A Float64 column."""
    return Numbers("Float64", "d")


_HALF: Final = 1 << 63


def to_time(nanoseconds: int) -> int:
    """A time for the column, which has a sign where OTLP has none.

    What lies after 2262-04-11 becomes a time before 1970, as in the collector. So no such time can
    pass for the latest of anything.
    """
    return nanoseconds if nanoseconds < _HALF else nanoseconds - 2 * _HALF


def encode_block(rows: int, columns: dict[str, Column]) -> bytes:
    """One block.

    Args:
        rows: How many rows each column has.
        columns: Columns by name.

    Raises:
        RequestError: 413, it would be larger than a block may be.
    """
    out = [encode_length(len(columns)), encode_length(rows)]
    for name, column in columns.items():
        out += [encode_key(name), encode_key(column.type)]
        out += column.pieces()
    check_block(out)
    return b"".join(out)
