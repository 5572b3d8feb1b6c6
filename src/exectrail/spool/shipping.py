"""Shipping a spool: send, be acknowledged, note it. Delivery is at least once.

Lines share what stands before their records, so that many make one request without being parsed,
be they of one process or, as a supervisor's, of many.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from exectrail.guard import report
from exectrail.spool.destination import Answer, Destination
from exectrail.spool.folder import Chunk, Folder, Position
from exectrail.spool.spool import Spool
from exectrail.spool.streams import SHIPPED_FIRST, Stream

REQUEST_BYTES: Final = 1024 * 1024
"""Of lines in one request; the collector takes 20 MiB by default."""
RETRY_FIRST_S: Final = 0.2
RETRY_MOST_S: Final = 5.0
"""Wait after a failure, doubled each time. A receiver that comes back is not kept waiting."""
_OPENINGS: Final = {"logs": b'"logRecords":[', "traces": b'"spans":[', "metrics": b'"metrics":['}
_BEGINNINGS: Final = {
    "logs": b'{"resourceLogs":[',
    "traces": b'{"resourceSpans":[',
    "metrics": b'{"resourceMetrics":[',
}
_END_OF_RESOURCE: Final = b"]}]}"
_END_OF_REQUEST: Final = b"]}"
_END: Final = _END_OF_RESOURCE + _END_OF_REQUEST


@dataclass(slots=True)
class Shipped:
    """What came of it."""

    sent: int = 0
    """Lines that were acknowledged."""
    refused: int = 0
    """Lines that the receiver will never take; they were dropped."""
    problem: str = ""
    """Why it stopped, in words; empty if it did not."""
    retry_after_s: float = 0.0


class Shipper:
    """Ships one folder, and what its process keeps in memory. Whoever uses it holds the claim.

    Threads may share it, each with streams of its own.

    Args:
        folder: The folder; None where there is memory alone.
        destination: Where to.
        spool: The live spool, in the process whose it is.
    """

    def __init__(
        self, folder: Folder | None, destination: Destination, spool: Spool | None = None
    ) -> None:
        self._folder = folder
        self._destination = destination
        self._spool = spool
        self._lock = threading.Lock()
        self._positions = (
            folder.acknowledged() if folder is not None else dict.fromkeys(Stream, Position())
        )

    def ship(
        self, deadline: float | None = None, *, wanted: Callable[[], bool] = lambda: True
    ) -> Shipped:
        """Ship all that is there now.

        Args:
            deadline: `time.monotonic()` at which to stop; none if left out.
            wanted: Asked before each request whether to go on.
        """
        done = Shipped()
        for stream in SHIPPED_FIRST:
            while not done.problem and wanted() and (chunk := self.waiting(stream)) is not None:
                self.send(stream, chunk, done, deadline)
        return done

    def end(self, stream: Stream) -> Position:
        """Where a stream ends in the folder now."""
        return self._folder.end(stream) if self._folder is not None else Position()

    def is_past(self, stream: Stream, end: Position) -> bool:
        """Whether all of a stream was delivered that was there when it ended there."""
        in_memory = self._spool is not None and self._spool.in_memory
        return self._positions[stream] >= end and not in_memory

    def waiting(self, stream: Stream, most: int = REQUEST_BYTES) -> Chunk | None:
        """The next part of a stream, from the folder, then from memory; None where there is none.

        Args:
            stream: Which.
            most: Bytes, at most, but at least one line.
        """
        chunk = None
        if self._folder is not None:
            chunk = self._folder.read(stream, self._positions[stream], most)
        if chunk is None and self._spool is not None and self._spool.in_memory:
            kept = self._spool.take_memory(stream, most)
            if kept:
                lines = [line.rstrip(b"\n") for line in kept]
                chunk = Chunk(lines, self._positions[stream], kept)
        return chunk

    def passed(self, stream: Stream, chunk: Chunk) -> None:
        """That part was delivered."""
        if chunk.in_memory and self._spool is not None:
            self._spool.forget_memory(stream, chunk.in_memory)
        elif self._folder is not None:
            with self._lock:
                before, self._positions[stream] = self._positions[stream], chunk.after
                self._folder.acknowledge(self._positions)
                if chunk.after.number > before.number:
                    self._folder.remove_shipped(self._positions)

    def send(
        self,
        stream: Stream,
        chunk: Chunk,
        done: Shipped,
        deadline: float | None = None,
        *,
        destination: Destination | None = None,
    ) -> None:
        """Deliver a part by itself, but for lines that the receiver will never take.

        Args:
            stream: Whose part it is.
            chunk: As `waiting` gave it.
            done: What came of it is added here.
            deadline: `time.monotonic()` at which to stop; none if left out.
            destination: By which connections; its own if left out.
        """
        if self._send(destination or self._destination, stream, chunk.lines, done, deadline):
            self.passed(stream, chunk)

    def _send(
        self,
        destination: Destination,
        stream: Stream,
        lines: list[bytes],
        done: Shipped,
        deadline: float | None,
    ) -> bool:
        """Send lines; what is refused is tried in halves until the one line is found."""
        for body, count in requests_of(stream.signal, lines):
            left = 0.0 if deadline is None else deadline - time.monotonic()
            if deadline is not None and left <= 0:
                done.problem = "no time left"
                return False
            answer: Answer = destination.send(stream.signal, body, left)
            if answer.delivered:
                done.sent += count
            elif not answer.refused:
                done.problem, done.retry_after_s = answer.problem, answer.retry_after_s
                return False
            elif len(lines) > 1:
                half = len(lines) // 2
                return all(
                    self._send(destination, stream, part, done, deadline)
                    for part in (lines[:half], lines[half:])
                )
            else:
                done.refused += 1
                report(f"spool.{stream.value}.refused")
        return True


def requests_of(signal: str, lines: Sequence[bytes]) -> Iterator[tuple[bytes, int]]:
    """Export requests with the records of these lines, and how many lines are in each.

    One request, and one for each line that is not as we write them.

    Args:
        signal: traces, logs or metrics.
        lines: Requests, each of one resource and one scope.
    """
    beginning, opening = _BEGINNINGS[signal], _OPENINGS[signal]
    groups: list[tuple[bytes, list[bytes]]] = []
    count = 0
    for line in lines:
        at = line.find(opening) + len(opening)
        if at < len(opening) or not (line.startswith(beginning) and line.endswith(_END)):
            yield line, 1
            continue
        start = line[len(beginning) : at]
        if not groups or groups[-1][0] != start:
            groups.append((start, []))
        groups[-1][1].append(line[at : -len(_END)])
        count += 1
    if groups:
        resources = (start + b",".join(records) + _END_OF_RESOURCE for start, records in groups)
        yield beginning + b",".join(resources) + _END_OF_REQUEST, count


def backoff(tries: int) -> float:
    """Seconds to wait after so many failures in a row."""
    return min(RETRY_MOST_S, RETRY_FIRST_S * 2.0 ** min(tries, 10))
