"""What has to be known of a statement before it runs: its kind, where data begins, what it may not.

The engine parses SQL; this module only splits an INSERT from its data, as ClickHouse's own HTTP
handler does, and refuses what chDB would do in its client layer before any right is asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from exectrail.clickhouse_http.errors import (
    ACCESS_DENIED,
    BAD_ARGUMENTS,
    SYNTAX_ERROR,
    ClickHouseError,
)

_HEAD_LIMIT: Final = 256 * 1024
"""Bytes in which the FORMAT of an INSERT must stand, as in ClickHouse (`max_query_size`)."""

# Follows src/Parsers/Lexer.cpp as far as it is needed here. Possessive, and with `open` for what is
# never closed, so that each sign is looked at a few times at most, whatever stands there.
_TOKEN: Final = re.compile(
    r"""(?P<space>[ \t\n\r\f\v]+)
    |(?P<comment>--[^\n]*|//[^\n]*|\#[ !][^\n]*|/\*.*?\*/)
    |(?P<string>'(?:[^'\\]++|\\.|'')*+')
    |(?P<quoted>`(?:[^`\\]++|\\.|``)*+`|"(?:[^"\\]++|\\.|"")*+")
    |(?P<open>['`"].*|/\*.*)
    |(?P<word>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_READING: Final = frozenset(
    {
        *("SELECT", "WITH", "FROM", "SHOW", "DESC", "DESCRIBE", "EXISTS", "EXPLAIN"),
        *("VALUES", "CHECK", "KILL"),
    }
)
# What reads or writes files of the machine, or objects of our own process, without a right that
# could be withheld: clauses of chDB's client layer, the scalar function file(), Python(), and the
# function that runs SQL out of a string.
_REFUSED: Final = frozenset(
    {"outfile", "infile", "file", "python", "arrowstream", "eval", "executable"}
)
# A table may bring a disk of its own, disk(type = ..., path or endpoint = ...), for which no right
# is asked; and for engines of databases none is asked before they reach out. So there are no such
# disks, and these engines only. They are the granted ones of users.xml, and Atomic for databases.
_DISK: Final = "disk"
_ENGINES: Final = frozenset(
    {
        *("mergetree", "replacingmergetree", "aggregatingmergetree", "summingmergetree"),
        *("collapsingmergetree", "versionedcollapsingmergetree", "coalescingmergetree"),
        *("view", "materializedview", "memory", "null", "merge", "join", "set", "atomic"),
    }
)
_MAKING: Final = frozenset({"CREATE", "REPLACE", "RESTORE"})
# ATTACH TABLE ... FROM moves any directory of the machine that the process may move into the store,
# and no right is asked. Only parts of a table are attached. PARALLEL WITH would hide a statement
# behind another.
_ATTACHED: Final = frozenset({"part", "partition"})
_SUSPECT: Final = re.compile(
    rf"\b(?:{'|'.join(sorted(_REFUSED))}|{_DISK}|engine|attach|parallel)\b",
    re.IGNORECASE | re.ASCII,
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
    first = _first_word(head)
    if not first:
        raise ClickHouseError(SYNTAX_ERROR, "There is no statement in the request.")
    if first == "INSERT":
        cut = _cut_insert(head, with_body=bool(query and body))
        if cut is not None:
            sql, source, place = cut
            data = whole[len(head[:place].encode("utf-8", "surrogateescape")) :]
            return Statement(_admit(_plain(sql)), data, source)
    returns_rows = first in _READING
    only_reads = (returns_rows and first != "KILL") or first in ("USE", "SET")
    try:
        text = whole.decode()
    except UnicodeDecodeError:
        # A string may hold any bytes. One byte is one character then, and back.
        text = _admit(whole.decode("latin-1"))
        return Statement(text.encode("latin-1"), returns_rows=returns_rows, only_reads=only_reads)
    _refuse_several(text)
    return Statement(
        _admit(text),
        returns_rows=returns_rows,
        changes_session=first in ("USE", "SET"),
        only_reads=only_reads,
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


def _tokens(text: str) -> Iterator[re.Match[str]]:
    return _TOKEN.finditer(text)


def _plain(sql: str) -> str:
    try:
        sql.encode()
    except UnicodeEncodeError as error:
        raise ClickHouseError(SYNTAX_ERROR, "The INSERT is not UTF-8.") from error
    return sql


def _first_word(text: str) -> str:
    for token in _tokens(text):
        if token.lastgroup == "word":
            return token[0].upper()
        if token.lastgroup not in ("space", "comment") and token[0] != "(":
            break
    return ""


def _cut_insert(head: str, *, with_body: bool) -> tuple[str, str, int] | None:
    """Where the data of an INSERT begins: the statement before it, the format, the place.

    None if there is no data apart from the statement: INSERT ... SELECT, and VALUES in one text.
    """
    depth = 0
    tokens = _tokens(head)
    for token in tokens:
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
            name = next((t for t in tokens if t.lastgroup != "space"), None)
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


def _refuse_several(text: str) -> None:
    if ";" not in text:
        return
    ended = False
    for token in _tokens(text):
        if token[0] == ";":
            ended = True
        elif ended and token.lastgroup not in ("space", "comment"):
            raise ClickHouseError(
                SYNTAX_ERROR, "Multi-statements are not allowed. Send one statement per request."
            )


def _admit(text: str) -> str:
    """The statement if it stays inside the tables, as it may be sent on.

    Where a refused word stands, or could stand written with escapes, the engine is sent the text
    without its comments: then there is no way left to read it other than it was read here.
    """
    escaped = "\\" in text and ("`" in text or '"' in text)
    if not escaped and not _SUSPECT.search(text):
        return text
    making = _first_word(text) in _MAKING
    kept: list[str] = []
    before = ""
    for token in _tokens(text):
        kind, sign = token.lastgroup, token[0]
        if kind in ("space", "comment"):
            kept.append(" " if kind == "comment" else sign)
            continue
        name = sign.strip('`"').lower() if kind in ("word", "quoted") else ""
        if (
            name in _REFUSED
            or (kind == "quoted" and "\\" in sign)
            or kind == "open"
            or (kind == "other" and (sign == "$" or not sign.isascii()))
        ):
            raise ClickHouseError(
                ACCESS_DENIED,
                "Nothing here may read or write outside the tables, so the words"
                f" {', '.join(sorted(_REFUSED))} are refused except inside a plain string. A query"
                " parameter may hold any text.",
            )
        if before == "attach" and name not in _ATTACHED and not _is_mere_name(sign):
            raise ClickHouseError(
                ACCESS_DENIED,
                "ATTACH is offered for parts and partitions alone: for a table or a database it"
                " takes directories of the machine.",
            )
        if before == "parallel" and name == "with":
            raise ClickHouseError(
                ACCESS_DENIED, "PARALLEL WITH is not offered. Send one statement per request."
            )
        if before == _DISK and sign == "(":
            raise ClickHouseError(
                ACCESS_DENIED, "Tables are stored in the stack's own directory, on no other disk."
            )
        if making and before == "engine":
            if sign == "=":
                kept.append(sign)
                continue
            if name and name.removeprefix("replicated") not in _ENGINES:
                raise ClickHouseError(
                    ACCESS_DENIED,
                    f"The engine {sign[:80]} is not offered here; those of the MergeTree family"
                    " are, Memory, Null, Merge, Join and Set, and Atomic for databases.",
                )
        before = name or sign
        kept.append(sign)
    return "".join(kept)


def _is_mere_name(after: str) -> bool:
    """Whether what stands before this sign is a column of that name, and no clause."""
    return after in {",", ")", "=", ".", ";", "<", ">", "!", "+", "-", "*", "/", "%"}
