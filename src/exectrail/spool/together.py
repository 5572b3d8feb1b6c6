"""Shipping one stream of several folders by as few requests as can be.

A request takes the receiver a moment, whatever is in it; who has many folders to deliver would let
the last of them wait for all the others.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence

from exectrail.spool.destination import Destination
from exectrail.spool.folder import Chunk, Position
from exectrail.spool.shipping import REQUEST_BYTES, Shipped, Shipper, requests_of
from exectrail.spool.streams import Stream

Part = tuple[Shipper, Chunk]


def ship_together(
    destination: Destination,
    stream: Stream,
    shippers: Sequence[Shipper],
    deadline: float | None = None,
    *,
    last: Part | None = None,
) -> Iterator[Shipped]:
    """Ship what their folders have of a stream when this begins; what comes later may go along.

    Args:
        destination: Where to.
        stream: Which.
        shippers: Whose; the first go first.
        deadline: `time.monotonic()` at which to stop; none if left out.
        last: What goes with the last of it or after it, and never before.

    Yields:
        What came of each request. The last one tells the problem, if there was one.
    """
    left = {shipper: shipper.end(stream) for shipper in shippers}
    while (parts := _next_parts(stream, left)) or last is not None:
        if last is not None and _are_all(parts, left):
            parts.append(last)
            last = None
        done = Shipped()
        _send(destination, stream, parts, done, deadline)
        yield done
        if done.problem:
            return


def _next_parts(stream: Stream, left: dict[Shipper, Position]) -> list[Part]:
    """What goes into the next request. Who has nothing more to ship is left out from now on."""
    parts: list[Part] = []
    room = REQUEST_BYTES
    for shipper, end in list(left.items()):
        chunk = None if shipper.is_past(stream, end) else shipper.waiting(stream, room)
        if chunk is None:
            del left[shipper]
            continue
        parts.append((shipper, chunk))
        room -= sum(map(len, chunk.lines))
        if room <= 0:
            break
    return parts


def _are_all(parts: Sequence[Part], left: Mapping[Shipper, Position]) -> bool:
    """Whether nothing is left after these parts."""
    if any(chunk.in_memory for _, chunk in parts):
        return False  # there may be more of it
    ends = {shipper: chunk.after for shipper, chunk in parts}
    return all(ends.get(shipper, Position()) >= end for shipper, end in left.items())


def _send(
    destination: Destination,
    stream: Stream,
    parts: Sequence[Part],
    done: Shipped,
    deadline: float | None,
) -> None:
    remaining = 0.0 if deadline is None else deadline - time.monotonic()
    if deadline is not None and remaining <= 0:
        done.problem = "no time left"
        return
    lines = [line for _, chunk in parts for line in chunk.lines]
    bodies = [body for body, _count in requests_of(stream.signal, lines)]
    if len(parts) > 1 and len(bodies) == 1:
        answer = destination.send(stream.signal, bodies[0], remaining)
        if answer.delivered:
            for shipper, chunk in parts:
                shipper.passed(stream, chunk)
            done.sent = len(lines)
            return
        if not answer.refused:
            done.problem, done.retry_after_s = answer.problem, answer.retry_after_s
            return
    # One folder, or something in it is refused: that is found, and dropped, folder by folder.
    for shipper, chunk in parts:
        shipper.send(stream, chunk, done, deadline, destination=destination)
        if done.problem:
            return
