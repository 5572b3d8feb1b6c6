"""Runs a request: chooses the handle, applies its settings, shapes the answer.

Everything here blocks; the application calls it in threads.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from exectrail.clickhouse_http import handshake
from exectrail.clickhouse_http.compression import encode_content, encode_frames
from exectrail.clickhouse_http.engine import MAX_RESULT_BYTES, Engine
from exectrail.clickhouse_http.errors import READONLY, ClickHouseError
from exectrail.clickhouse_http.handle import Handle, Result
from exectrail.clickhouse_http.request import Request, frames_of_refusal, read_request
from exectrail.clickhouse_http.sessions import Sessions
from exectrail.clickhouse_http.statement import Statement, read_statement, trailing_format

_DEFAULT_FORMAT: Final = "TabSeparated"
_PIECE: Final = 8 << 20
_CONTENT_TYPES: Final = {
    "json": "application/json; charset=UTF-8",
    "jsoncompact": "application/json; charset=UTF-8",
    "jsoneachrow": "application/x-ndjson; charset=UTF-8",
    "csv": "text/csv; charset=UTF-8; header=absent",
    "csvwithnames": "text/csv; charset=UTF-8; header=present",
    "tabseparated": "text/tab-separated-values; charset=UTF-8",
    "tsv": "text/tab-separated-values; charset=UTF-8",
}


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer.

    Attributes:
        status: HTTP status.
        headers: Headers by name.
        body: The body.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


class Service:
    """The ClickHouse HTTP protocol over an engine. Threads may share it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._sessions = Sessions(engine)

    def close(self) -> None:
        """End the sessions; the engine stays open."""
        self._sessions.close()

    def answer(
        self,
        method: str,
        url_query: str,
        headers: Mapping[str, str],
        body: bytes,
        may_write: bool = True,
    ) -> Reply:
        """Answer a request; errors are answers too.

        Args:
            method: GET, HEAD or POST.
            url_query: The part of the URL after `?`.
            headers: Headers by lower-case name.
            body: The body as it came.
            may_write: Whether the request may do more than read, if it asks to.
        """
        query_id = ""
        try:
            request = read_request(method, url_query, headers, body, may_write=may_write)
            query_id = request.query_id
            return self._run(request, read_statement(request.query, request.body))
        except ClickHouseError as error:
            return self.refuse(error, url_query, query_id)

    def refuse(self, error: ClickHouseError, url_query: str, query_id: str = "") -> Reply:
        """The answer that is an error.

        Args:
            error: What went wrong.
            url_query: The part of the URL after `?`.
            query_id: Id of the request, where it is known.
        """
        frames = frames_of_refusal(url_query)
        text = f"{error.message} (version {self._engine.version} (official build))\n"
        plain = text.encode("utf-8", "replace")
        return Reply(
            error.status,
            {
                **self._common(query_id),
                "Content-Type": "text/plain; charset=UTF-8",
                "X-ClickHouse-Exception-Code": str(error.code),
            },
            encode_frames(plain, frames) if frames else plain,
        )

    def _run(self, request: Request, statement: Statement) -> Reply:
        if handshake.is_handshake(statement.sql):
            engine = self._engine
            block = handshake.answer(request.revision, engine.version, engine.timezone)
            return self._shape(request, Result(block), "Native")
        if request.readonly and not statement.only_reads:
            raise ClickHouseError(READONLY, "Only reading is allowed here.")
        output = request.output or _DEFAULT_FORMAT
        with (
            self._sessions.handle(
                request.session,
                readonly=request.readonly,
                database=request.database,
                timeout=request.session_timeout,
                must_exist=request.session_must_exist,
                ends=request.session_ends,
            ) as handle,
            _with_request(handle, request),
        ):
            if statement.data is None:
                result = handle.query(
                    statement.sql, output, request.parameters, limit=_limit(request)
                )
                if statement.changes_session:
                    handle.forget()
            else:
                data = statement.data
                pieces = (data[place : place + _PIECE] for place in range(0, len(data), _PIECE))
                result = handle.insert(str(statement.sql), statement.source, pieces)
        shown = (trailing_format(statement.sql) or output) if statement.returns_rows else ""
        return self._shape(request, result, shown)

    def _shape(self, request: Request, result: Result, shown: str) -> Reply:
        summary = {
            "read_rows": result.rows_read,
            "read_bytes": result.bytes_read,
            "written_rows": result.rows_written,
            "written_bytes": result.bytes_written,
            "total_rows_to_read": "0",
            "result_rows": "0",
            "result_bytes": len(result.data),
            "elapsed_ns": int(result.seconds * 1e9),
        }
        headers = {
            **self._common(request.query_id),
            "X-ClickHouse-Timezone": _header(
                request.settings.get("session_timezone") or self._engine.timezone
            ),
            "X-ClickHouse-Summary": json.dumps({k: str(v) for k, v in summary.items()}),
            "Content-Type": _CONTENT_TYPES.get(shown.lower(), "application/octet-stream")
            if shown
            else "text/plain; charset=UTF-8",
        }
        if shown:
            # Clients take this header as the sign that the statement has a result.
            headers["X-ClickHouse-Format"] = shown
        body = result.data
        if request.frames:
            body = encode_frames(body, request.frames)
        elif request.accepted and body:
            encoding, body = encode_content(request.accepted, body)
            if encoding:
                headers["Content-Encoding"] = encoding
        return Reply(200, headers, body)

    def _common(self, query_id: str) -> dict[str, str]:
        return {
            "X-ClickHouse-Query-Id": _header(query_id),
            "X-ClickHouse-Server-Display-Name": handshake.DISPLAY_NAME,
        }


def _header(text: str) -> str:
    return "".join(sign for sign in text if sign.isascii() and sign.isprintable())[:256]


def _limit(request: Request) -> int:
    asked = request.settings.get("max_result_bytes", "")
    # The engine has taken the setting by now, so it is in bounds; it reads more than digits.
    plain = asked.isascii() and asked.isdigit() and len(asked) < 20
    return int(asked) if plain else MAX_RESULT_BYTES


@contextmanager
def _with_request(handle: Handle, request: Request) -> Generator[None]:
    """Database and settings of the request, taken back where the handle outlives it."""
    lasting = bool(request.session) and not request.session_ends
    before = handle.database if lasting and request.database else ""
    if before and request.database != before:
        handle.use(request.database)
    if lasting:
        handle.apply(request.settings)
    else:
        handle.set(request.settings)
    try:
        yield
    finally:
        # A USE in this very request stands; one that its parameter only implied does not.
        if before and handle.database == request.database != before:
            handle.use(before)
