"""What has to be known of a statement before it runs: its kind, and where data begins.

The engine parses SQL; this module only splits an INSERT from its data, as ClickHouse's own HTTP
handler does, and lets nothing through that `admission` refuses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from exectrail.clickhouse_http.admission import admit
from exectrail.clickhouse_http.errors import BAD_ARGUMENTS, SYNTAX_ERROR, ClickHouseError
from exectrail.clickhouse_http.lexer import leading_words, tokens

_HEAD_LIMIT: Final = 256 * 1024
"""Bytes in which the FORMAT of an INSERT must stand, as in ClickHouse (`max_query_size`)."""

_READING: Final = frozenset(
    {
        *("SELECT", "WITH", "FROM", "SHOW", "DESC", "DESCRIBE", "EXISTS", "EXPLAIN"),
        *("VALUES", "CHECK"),
    }
)


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement that may run.

    Attributes:
        sql: The statement; of an INSERT with data, what stands before FORMAT.
        data: Data of an INSERT, or None where there is none apart from the statement.
        source: Format of that data.
        returns_rows: Whether a result belongs to it, even an empty one.
        changes_session: Whether it is a USE or a SET.
        only_reads: Whether it is of a kind that changes nothing but the session. The engine says
            so of most, but lets a reader stop merges and other people's queries.
    """

    sql: str | bytes
    data: bytes | None = None
    source: str = ""
    returns_rows: bool = False
    changes_session: bool = False
    only_reads: bool = False


def read_statement(query: str, body: bytes) -> Statement:
    """Take a request apart.

    Args:
        query: The parameter `query`; empty if the statement is in the body.
        body: The body of the request, plain.

    Raises:
        ClickHouseError: There is none, there are several, or it is one that is refused.
    """
    # ClickHouse reads the parameter and the body as one text with a line break between.
    whole = body if not query else query.encode() + (b"\n" + body if body else b"")
    head = whole[:_HEAD_LIMIT].decode("utf-8", "surrogateescape")
    first = next(iter(leading_words(head, 1)), "")
    if first == "INSERT":
        cut = _cut_insert(head, with_body=bool(query and body))
        if cut is not None:
            sql, source, place = cut
            data = whole[len(head[:place].encode("utf-8", "surrogateescape")) :]
            return Statement(admit(_plain(sql)), data, source)
    try:
        sql = admit(whole.decode())
    except UnicodeDecodeError:
        # A string may hold any bytes. One byte is one character then, and back.
        sql = admit(whole.decode("latin-1")).encode("latin-1")
    return Statement(
        sql,
        returns_rows=first in _READING,
        changes_session=first in ("USE", "SET"),
        only_reads=first in _READING or first in ("USE", "SET"),
    )


def trailing_format(sql: str | bytes) -> str | None:
    """The format that a statement names at its end, if it does."""
    text = sql[-_TAIL:] if isinstance(sql, str) else sql[-_TAIL:].decode("latin-1")
    found = _FORMAT.search(text)
    return found[1] if found else None


_TAIL: Final = 4096
_FORMAT: Final = re.compile(
    r"\bFORMAT\s+([A-Za-z]\w*)\s*(?:SETTINGS\s[^;]*)?;?\s*\Z", re.IGNORECASE
)


def _plain(sql: str) -> str:
    try:
        sql.encode()
    except UnicodeEncodeError as error:
        raise ClickHouseError(SYNTAX_ERROR, "The INSERT is not UTF-8.") from error
    return sql


def _cut_insert(head: str, *, with_body: bool) -> tuple[str, str, int] | None:
    """Where the data of an INSERT begins: the statement before it, the format, the place.

    None if there is no data apart from the statement: INSERT ... SELECT, and VALUES in one text.
    """
    depth = 0
    signs = tokens(head)
    for token in signs:
        if token[0] in ("(", ")"):
            depth += 1 if token[0] == "(" else -1
        if depth or token.lastgroup != "word":
            continue
        word = token[0].upper()
        if word in ("SELECT", "WITH", "FROM"):
            return None
        if word == "VALUES":
            return (head[: token.start()], "Values", token.end()) if with_body else None
        if word == "FORMAT":
            name = next((t for t in signs if t.lastgroup != "space"), None)
            if name is None or name.lastgroup != "word":
                raise ClickHouseError(SYNTAX_ERROR, "FORMAT needs the name of a format.")
            return head[: token.start()], name[0], _data_start(head, name.end())
    if len(head) >= _HEAD_LIMIT:
        raise ClickHouseError(
            BAD_ARGUMENTS, f"FORMAT must stand in the first {_HEAD_LIMIT} bytes of an INSERT."
        )
    raise ClickHouseError(SYNTAX_ERROR, "INSERT needs VALUES, SELECT or FORMAT.")


def _data_start(head: str, place: int) -> int:
    # As ParserInsertQuery.cpp: blanks, then one line break; binary data may begin with either sign.
    while head[place : place + 1] in (" ", "\t", "\f"):
        place += 1
    if head[place : place + 1] == "\r":
        place += 1
    if head[place : place + 1] == "\n":
        place += 1
    return place
