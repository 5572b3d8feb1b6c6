"""One table's way into the engine: what waits while rows are being stored goes in together.

An INSERT costs the engine some twenty milliseconds before its first row, so requests that come
meanwhile are stored by one. Each still is answered only when its rows are in, and a block that was
stored already, or is on its way, is not stored again: senders repeat what was not answered in time.
(The engine's own window knows whole INSERTs; it sees a repetition only of a block that went alone.)
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Final

from exectrail.clickhouse_http.errors import UNKNOWN_EXCEPTION, ClickHouseError
from exectrail.guard import guard

WINDOW: Final = 10_000
"""Blocks that are remembered."""
_TOGETHER: Final = 32 << 20
"""Bytes that are stored by one INSERT, unless a single block is larger."""

Write = Callable[[Sequence[bytes]], object]
"""Stores blocks by one INSERT, and raises ClickHouseError if it cannot."""


class Ticket:
    """A block on its way. Threads may wait for it."""

    __slots__ = ("block", "digest", "done", "error", "stored")

    def __init__(self, block: bytes, digest: bytes) -> None:
        self.block = block
        self.digest = digest
        self.done = threading.Event()
        self.stored = False
        self.error: ClickHouseError | None = None

    def wait(self) -> None:
        """Wait until the block is stored.

        Raises:
            ClickHouseError: The engine did not take it.
        """
        self.done.wait()
        if not self.stored:
            raise self.error or ClickHouseError(UNKNOWN_EXCEPTION, "the lane failed")


class Lane:
    """Stores the blocks of one table in a thread of its own."""

    def __init__(self, name: str, write: Write) -> None:
        """Start.

        Args:
            name: Name of the table.
            write: Stores blocks; called in the lane's thread only.
        """
        self._write = write
        self._changed = threading.Condition()
        self._queue: deque[Ticket] = deque()
        self._under_way: dict[bytes, Ticket] = {}
        self._stored: OrderedDict[bytes, None] = OrderedDict()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name=f"lane {name}", daemon=True)
        self._thread.start()

    def submit(self, block: bytes) -> Ticket:
        """Send a block on its way; one that was stored or is on its way is not sent again."""
        digest = blake2b(block, digest_size=16).digest()
        with self._changed:
            if digest in self._stored:
                ticket = Ticket(b"", digest)
                ticket.stored = True
                ticket.done.set()
                return ticket
            ticket = self._under_way.get(digest)
            if ticket is None:
                ticket = self._under_way[digest] = Ticket(block, digest)
                self._queue.append(ticket)
                self._changed.notify()
            return ticket

    def close(self) -> None:
        """Store what waits, and end."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _work(self) -> None:
        while tickets := self._next():
            with guard("receiver.lane"):
                self._store(tickets)
            self._remember(tickets)
            for ticket in tickets:
                ticket.done.set()

    def _next(self) -> list[Ticket]:
        """What waits, as much of it as goes together; nothing at the end."""
        with self._changed:
            while not self._queue and not self._closed:
                self._changed.wait()
            tickets: list[Ticket] = []
            size = 0
            while self._queue and (not tickets or size + len(self._queue[0].block) <= _TOGETHER):
                tickets.append(self._queue.popleft())
                size += len(tickets[-1].block)
            return tickets

    def _store(self, tickets: list[Ticket]) -> None:
        try:
            self._write([ticket.block for ticket in tickets])
        except ClickHouseError as error:
            if len(tickets) > 1:
                # One of them may be to blame, and the others shall not suffer for it.
                for ticket in tickets:
                    self._store([ticket])
            else:
                tickets[0].error = error
            return
        for ticket in tickets:
            ticket.stored = True

    def _remember(self, tickets: list[Ticket]) -> None:
        with self._changed:
            for ticket in tickets:
                del self._under_way[ticket.digest]
                if ticket.stored:
                    self._stored[ticket.digest] = None
            while len(self._stored) > WINDOW:
                self._stored.popitem(last=False)
