"""What one request may hold, so that a small one cannot become a large one in here.

A body of 64 MiB of empty spans would be 30 million messages and gigabytes of memory before anybody
looked at one, and one large resource over many spans is written once per row. So items are counted
before a large body is decoded, and a block is measured before it is put together.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from typing import Any, Final

MAX_BODY: Final = 64 * 1024 * 1024
"""Most bytes of a request, plain; the exporters of the SDKs stop at the same size."""
MAX_HEAD: Final = 1 << 16
"""Most bytes of the first line and the headers of a request."""
MAX_ITEMS: Final = 200_000
"""Most spans, log records or metric points of a request, and most events and links, or exemplars
and quantiles, that they have together."""
MAX_ATTRIBUTES: Final = 16_384
"""Most attributes of a resource, scope, span, event, link, log record or point."""
MAX_OBJECTS: Final = 4_000_000
"""Most objects and arrays of a request in JSON."""
MAX_BLOCK: Final = 256 * 1024 * 1024
"""Most bytes of the rows of one table that a request becomes."""
MAX_AT_WORK: Final = 128 * 1024 * 1024
"""Most bytes, plain, of the requests that are decoded at once; more wait."""
_SMALL: Final = 1 << 20
"""Bytes of a body that is decoded without counting before: what it can become is bounded."""
_VARINT_BYTES: Final = 10
_BYTES: Final = 2
"""The wire type of protobuf that has a length."""
_FIXED: Final = {1: 8, 5: 4}
# Field numbers from a request down to its items: resource, scope, item.
_ITEMS: Final = ((1,), (2,), (2,))
# A metric is one of five kinds, each with points in its field 1.
_POINTS: Final = (*_ITEMS, (5, 7, 9, 10, 11), (1,))


class RequestError(Exception):
    """A request that cannot be taken.

    Attributes:
        status: HTTP status to answer with.
    """

    def __init__(self, status: int, text: str) -> None:
        """Make an error.

        Args:
            status: HTTP status to answer with.
            text: What is wrong, in words for whoever sent it.
        """
        super().__init__(text)
        self.status = status


def too_large() -> RequestError:
    """The error for a body over the limit."""
    return RequestError(413, f"The body has more than {MAX_BODY} bytes; send smaller batches.")


def too_many_items() -> RequestError:
    """The error for a request with more spans, records or points than one may have."""
    return RequestError(
        413, f"The request has more than {MAX_ITEMS} items; send it in smaller batches."
    )


def check_protobuf(body: bytes, *, points: bool) -> None:
    """Count the items of a large body. What is malformed is left for the decoder to say.

    Args:
        body: A request in protobuf.
        points: Whether it is of metrics.

    Raises:
        RequestError: 413, it has more than `MAX_ITEMS`.
    """
    if len(body) > _SMALL:
        levels = _POINTS if points else _ITEMS
        _Count(memoryview(body)).below(levels, 0, len(body))


def check_json(body: bytes) -> None:
    """Count what a body in JSON may become at most.

    Raises:
        RequestError: 413, it has more than `MAX_OBJECTS` objects and arrays.
    """
    if len(body) > _SMALL and body.count(b"{") + body.count(b"[") > MAX_OBJECTS:
        raise RequestError(
            413, f"The request has more than {MAX_OBJECTS} objects; send it in smaller batches."
        )


def check_block(pieces: Iterable[bytes]) -> None:
    """Measure a block before it is put together.

    Raises:
        RequestError: 413, it has more than `MAX_BLOCK` bytes.
    """
    if sum(map(len, pieces)) > MAX_BLOCK:
        raise RequestError(
            413,
            f"The request becomes more than {MAX_BLOCK} bytes of rows, because its resource or"
            " scope stands in each; send it in smaller batches.",
        )


def too_many_attributes(*holders: Any) -> str:
    """In words that one of these has more attributes than it may; empty if none has."""
    for holder in holders:
        if len(holder.attributes) > MAX_ATTRIBUTES:
            return (
                f"a {holder.DESCRIPTOR.name} has {len(holder.attributes)} attributes, the limit is"
                f" {MAX_ATTRIBUTES}"
            )
    return ""


class Budget:
    """Room for the requests that are decoded at once. Threads may share it."""

    def __init__(self, most: int = MAX_AT_WORK) -> None:
        """Make an empty one.

        Args:
            most: Bytes; what alone has more than that goes alone.
        """
        self._most = most
        self._taken = 0
        self._changed = threading.Condition()

    @contextmanager
    def room(self, size: int) -> Generator[None]:
        """Wait until there is room, and keep it meanwhile."""
        with self._changed:
            self._changed.wait_for(lambda: not self._taken or self._taken + size <= self._most)
            self._taken += size
        try:
            yield
        finally:
            with self._changed:
                self._taken -= size
                self._changed.notify_all()


class _Count:
    """Counts the items of a request by its lengths alone."""

    def __init__(self, body: memoryview) -> None:
        self._body = body
        self._items = 0

    def below(self, levels: tuple[tuple[int, ...], ...], start: int, end: int) -> bool:
        """Count below a message; False where it is malformed.

        What hangs above the items, and the metrics above points, is counted as they are.
        """
        wanted, deeper = levels[0], levels[1:]
        while start < end:
            key, start = self._number(start, end)
            kind = key & 7
            if kind == _BYTES:
                size, start = self._number(start, end)
                if start + size > end:
                    return False
                if key >> 3 in wanted:
                    self._items += 1
                    if self._items > MAX_ITEMS:
                        raise too_many_items()
                    if deeper and not self.below(deeper, start, start + size):
                        return False
                start += size
            elif kind in _FIXED:
                start += _FIXED[kind]
            elif kind == 0:
                _, start = self._number(start, end)
            else:
                return False
        return True

    def _number(self, place: int, end: int) -> tuple[int, int]:
        """A varint, and the place after it; a place beyond all where it is malformed."""
        value = shift = 0
        for index in range(place, min(place + _VARINT_BYTES, end)):
            byte = self._body[index]
            value |= (byte & 127) << shift
            if byte < 128:
                return value, index + 1
            shift += 7
        return 0, len(self._body) + 1
