"""From a request to stored rows. Everything that enters the store goes this way, the canary too."""

from __future__ import annotations

import threading
from functools import partial
from typing import Final

from exectrail.clickhouse_http.compression import (
    MalformedError,
    TooLargeError,
    UnknownEncodingError,
    decode_content,
)
from exectrail.clickhouse_http.engine import Engine
from exectrail.clickhouse_http.errors import ClickHouseError
from exectrail.clickhouse_http.handle import Handle
from exectrail.guard import logger
from exectrail.receiver.batch import Batch
from exectrail.receiver.lane import Lane
from exectrail.receiver.limits import MAX_BODY, Budget, RequestError, too_large
from exectrail.receiver.otlp import (
    JSON,
    Answer,
    Signal,
    accepted,
    media_type,
    read_rows,
    refused,
)

THREADS: Final = 32
"""Requests that are worked on at once; more wait. Most of them wait for the engine."""


class Intake:
    """Takes OTLP requests. Threads may share it; each call blocks."""

    def __init__(self, engine: Engine) -> None:
        """Make an intake.

        Args:
            engine: Where rows go; its tables must be there when `open` is called.
        """
        self._engine = engine
        self._lanes: dict[str, Lane] = {}
        self._handles: list[Handle] = []
        self._lock = threading.Lock()
        self._budget = Budget()
        self._open = False

    @property
    def is_open(self) -> bool:
        """Whether requests are taken."""
        return self._open

    def open(self) -> None:
        """Take requests from now on."""
        self._open = True

    def refuse(self) -> None:
        """Take no new requests from now on; those at work go on."""
        self._open = False

    def close(self) -> None:
        """Let go of the engine; requests at work must be done."""
        self._open = False
        with self._lock:
            for lane in self._lanes.values():
                lane.close()
            for handle in self._handles:
                handle.close()
            self._lanes.clear()
            self._handles.clear()

    def answer(self, signal: Signal, content_type: str, encoding: str, body: bytes) -> Answer:
        """Store a request and answer it; the rows are in the engine when this returns.

        Args:
            signal: What it carries.
            content_type: Value of the header.
            encoding: Value of Content-Encoding; empty for none.
            body: The body as it came.
        """
        media = JSON
        try:
            media = media_type(content_type)
            plain = _plain(encoding, body)
            with self._budget.room(len(plain)):
                batch = read_rows(signal, media, plain)
            self.store(batch)
        except RequestError as error:
            return refused(error, media)
        return accepted(signal, media, batch)

    def store(self, batch: Batch) -> None:
        """Store rows.

        Raises:
            RequestError: 503, the engine did not take them; the same again may succeed, and what
                was stored already is not stored twice.
        """
        if not self._open:
            raise RequestError(503, "The stack is starting or stopping; send it again.")
        try:
            tickets = [
                self._lane(table, columns).submit(block) for table, columns, block in batch.blocks
            ]
            for ticket in tickets:
                ticket.wait()
        except ClickHouseError as error:
            logger.error("exectrail: rows were not stored: %s", error)
            raise RequestError(503, f"The rows were not stored: {error}") from error

    def _lane(self, table: str, columns: tuple[str, ...]) -> Lane:
        with self._lock:
            lane = self._lanes.get(table)
            if lane is None:
                handle = self._engine.handle()
                self._handles.append(handle)
                write = partial(handle.insert_blocks, table, columns)
                lane = self._lanes[table] = Lane(table, write)
            return lane


def _plain(encoding: str, body: bytes) -> bytes:
    try:
        return decode_content(encoding, body, MAX_BODY)
    except TooLargeError as error:
        raise too_large() from error
    except MalformedError as error:
        raise RequestError(400, f"The body cannot be decompressed: {error}.") from error
    except UnknownEncodingError as error:
        raise RequestError(415, f"{error}.") from error
