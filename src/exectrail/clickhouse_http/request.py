"""A request of a ClickHouse client, read: who asks, what, in which session, with which settings."""

from __future__ import annotations

import base64
import binascii
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl

from exectrail.clickhouse_http.compression import (
    MalformedError,
    TooLargeError,
    UnknownEncodingError,
    decode_content,
    decode_frames,
)
from exectrail.clickhouse_http.errors import (
    AUTHENTICATION_FAILED,
    BAD_ARGUMENTS,
    CANNOT_DECOMPRESS,
    NOT_IMPLEMENTED,
    REQUEST_TOO_LARGE,
    UNKNOWN_SETTING,
    ClickHouseError,
)
from exectrail.clickhouse_http.form import form_fields

MAX_BODY: Final = 256 * 1024 * 1024
"""Most bytes of a body, plain."""
WRITER: Final = "default"
READER: Final = "reader"

# Parameters that the HTTP handler takes for itself (src/Server/HTTPHandler.cpp); the rest are
# settings. Those that steer progress headers and the like have no meaning here and are let go.
_OWN: Final = frozenset(
    {
        *("query", "database", "user", "password", "quota_key", "role", "query_id", "internal"),
        *("session_id", "session_timeout", "session_check", "close_session", "readonly"),
        *("default_format", "compress", "decompress", "client_protocol_version", "stacktrace"),
        *("wait_end_of_query", "buffer_size", "http_write_exception_in_output_format"),
        *("enable_http_compression", "http_zlib_compression_level", "network_compression_method"),
        *("send_progress_in_http_headers", "http_headers_progress_interval_ms"),
        *("cancel_http_readonly_queries_on_client_close", "add_http_cors_header"),
    }
)
# The bounds of users.xml. Clients send 0 for as much as may be had; the engine would read it as no
# bound, and refuse it.
_BOUNDS: Final = {
    "max_execution_time": "3600",
    "max_result_bytes": str(2 << 30),
    "max_result_rows": "1000000000",
}
_SETTING: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
_FORMAT: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks for.

    Attributes:
        query: The parameter `query`, the statement or its beginning.
        body: The body, plain.
        query_id: Its own id, or one made here.
        database: Where unqualified names lead; empty for the default.
        readonly: Whether it may only read: the user `reader`, GET and HEAD, `readonly` = 1 or 2.
        output: Format of the result unless the statement names one; empty for the default.
        settings: Settings of the engine, for this request.
        parameters: Values of query parameters by name.
        session: Id of its session; empty for none.
        session_timeout: Seconds that the session lives on unused.
        session_must_exist: Whether an unknown session is an error.
        session_ends: Whether the session ends with this request.
        frames: Method of ClickHouse's own compression for the result; empty for none.
        accepted: Value of Accept-Encoding, empty unless the client switched compression on.
        revision: The client's revision of the Native format; 0 for none.
    """

    query: str
    body: bytes
    query_id: str
    database: str = ""
    readonly: bool = False
    output: str = ""
    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    parameters: Mapping[str, str] = field(default_factory=dict[str, str])
    session: str = ""
    session_timeout: float = 60.0
    session_must_exist: bool = False
    session_ends: bool = False
    frames: str = ""
    accepted: str = ""
    revision: int = 0


def read_request(
    method: str,
    url_query: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    may_write: bool = True,
) -> Request:
    """Read a request.

    Args:
        method: GET, HEAD or POST.
        url_query: The part of the URL after `?`.
        headers: Headers by lower-case name.
        body: The body as it came.
        may_write: Whether it may do more than read, if it asks to.

    Raises:
        ClickHouseError: It cannot be understood, is too large, or asks for what is not offered.
    """
    given = dict(parse_qsl(url_query, keep_blank_values=True))
    plain = _plain_body(headers, body, framed=given.get("decompress") == "1")
    content_type = headers.get("content-type", "")
    if content_type.lower().startswith("multipart/form-data"):
        given.update(form_fields(content_type, plain))
        plain = b""
    settings = {
        name: _BOUNDS.get(name, value) if value == "0" else value
        for name, value in given.items()
        if name not in _OWN and not name.startswith("param_")
    }
    for name in settings:
        if not _SETTING.fullmatch(name):
            raise ClickHouseError(UNKNOWN_SETTING, f"{name[:80]!r} is not the name of a setting.")
    output = given.get("default_format") or headers.get("x-clickhouse-format", "")
    if output and not _FORMAT.fullmatch(output):
        raise ClickHouseError(BAD_ARGUMENTS, f"{output[:80]!r} is not the name of a format.")
    compressed = given.get("enable_http_compression") == "1"
    return Request(
        query=given.get("query", ""),
        body=plain,
        query_id=given.get("query_id") or str(uuid.uuid4()),
        database=given.get("database") or headers.get("x-clickhouse-database", ""),
        readonly=_user(given, headers) == READER
        or not may_write
        or method != "POST"
        or given.get("readonly", "0") not in ("", "0"),
        output=output,
        settings=settings,
        parameters={
            name.removeprefix("param_"): value
            for name, value in given.items()
            if name.startswith("param_")
        },
        session=given.get("session_id", ""),
        session_timeout=_number(given, "session_timeout", 60),
        session_must_exist=given.get("session_check") == "1",
        session_ends=given.get("close_session") == "1",
        frames=_frames(given),
        accepted=headers.get("accept-encoding", "") if compressed else "",
        revision=_number(given, "client_protocol_version", 0),
    )


def _plain_body(headers: Mapping[str, str], body: bytes, *, framed: bool) -> bytes:
    try:
        plain = decode_content(headers.get("content-encoding", ""), body, MAX_BODY)
        return decode_frames(plain, MAX_BODY) if framed else plain
    except TooLargeError as error:
        raise too_large() from error
    except MalformedError as error:
        raise ClickHouseError(CANNOT_DECOMPRESS, f"Cannot decompress: {error}.") from error
    except UnknownEncodingError as error:
        raise ClickHouseError(NOT_IMPLEMENTED, f"{error}.") from error


def too_large() -> ClickHouseError:
    """The error for a body over the limit."""
    return ClickHouseError(
        REQUEST_TOO_LARGE,
        f"The body has more than {MAX_BODY} bytes. Insert in smaller batches.",
    )


def _user(given: Mapping[str, str], headers: Mapping[str, str]) -> str:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    basic = ""
    if scheme.lower() == "basic":
        try:
            basic = base64.b64decode(token, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError) as error:
            raise ClickHouseError(
                AUTHENTICATION_FAILED, "The Authorization header cannot be read."
            ) from error
    user = given.get("user") or headers.get("x-clickhouse-user") or basic or WRITER
    if user not in (WRITER, READER):
        raise ClickHouseError(
            AUTHENTICATION_FAILED,
            f"There is no user {user[:80]!r} here. Use {WRITER!r}, or {READER!r} to read only.",
        )
    return user


def frames_of_refusal(url_query: str) -> str:
    """Method of ClickHouse's own compression for an error; empty for none.

    An error is packed like a result: who asked for frames, as clickhouse-go does, unpacks both.
    """
    try:
        return _frames(dict(parse_qsl(url_query, keep_blank_values=True)))
    except ClickHouseError:
        return ""


def _frames(given: Mapping[str, str]) -> str:
    if given.get("compress") != "1":
        return ""
    method = given.get("network_compression_method", "lz4").lower()
    if method not in ("lz4", "zstd", "none"):
        raise ClickHouseError(
            NOT_IMPLEMENTED, f"Compression method {method[:40]!r} is not offered; use LZ4 or ZSTD."
        )
    return method


def _number(given: Mapping[str, str], name: str, default: int) -> int:
    value = given.get(name) or str(default)
    if not value.isascii() or not value.isdigit() or len(value) > 9:
        raise ClickHouseError(BAD_ARGUMENTS, f"{name} must be a whole number, not {value[:40]!r}.")
    return int(value)
