"""From a request to stored rows. Everything that enters the store goes this way, the canary too."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from exectrail.clickhouse_http.compression import (
    MalformedError,
    TooLargeError,
    UnknownEncodingError,
    decode_content,
)
from exectrail.clickhouse_http.engine import Engine, Handle
from exectrail.clickhouse_http.errors import ClickHouseError
from exectrail.guard import logger
from exectrail.receiver.batch import Batch
from exectrail.receiver.otlp import (
    JSON,
    Answer,
    RequestError,
    Signal,
    accepted,
    media_type,
    read_rows,
    refused,
)

MAX_BODY: Final = 64 * 1024 * 1024
"""Most bytes of a request, plain; the exporters of the SDKs stop at the same size."""
THREADS: Final = 4
"""Requests that are worked on at once; more wait."""


class Intake:
    """Takes OTLP requests. Threads may share it; each call blocks."""

    def __init__(self, engine: Engine) -> None:
        """Make an intake.

        Args:
            engine: Where rows go; its tables must be there when `open` is called.
        """
        self._engine = engine
        self._handles: queue.LifoQueue[Handle] = queue.LifoQueue()
        self._made: list[Handle] = []
        self._lock = threading.Lock()
        self._open = False

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
            for handle in self._made:
                handle.close()
            self._made.clear()

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
            batch = read_rows(signal, media, _plain(encoding, body))
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
            with self._handle() as handle:
                for table, columns, block in batch.blocks:
                    handle.insert_block(table, columns, block)
        except ClickHouseError as error:
            logger.error("exectrail: rows were not stored: %s", error)
            raise RequestError(503, f"The rows were not stored: {error}") from error

    @contextmanager
    def _handle(self) -> Generator[Handle]:
        try:
            handle = self._handles.get_nowait()
        except queue.Empty:
            handle = self._engine.handle()
            with self._lock:
                self._made.append(handle)
        try:
            yield handle
        finally:
            self._handles.put(handle)


def too_large() -> RequestError:
    """The error for a body over the limit."""
    return RequestError(413, f"The body has more than {MAX_BODY} bytes; send smaller batches.")


def _plain(encoding: str, body: bytes) -> bytes:
    try:
        return decode_content(encoding, body, MAX_BODY)
    except TooLargeError as error:
        raise too_large() from error
    except MalformedError as error:
        raise RequestError(400, f"The body cannot be decompressed: {error}.") from error
    except UnknownEncodingError as error:
        raise RequestError(415, f"{error}.") from error
