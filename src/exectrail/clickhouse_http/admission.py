"""Which statements are let through to the engine: those that stay inside the tables.

The engine's own rights (users.xml) refuse most of what would leave them. They are not asked for
everything, and some of what they are not asked for moves or writes files, so a statement must
first be of a kind that is offered here, and name only engines and table functions that are.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Final

from exectrail.clickhouse_http.errors import ACCESS_DENIED, SYNTAX_ERROR, ClickHouseError
from exectrail.clickhouse_http.lexer import leading_words, tokens

_MADE: Final = frozenset({"TABLE", "VIEW", "DATABASE", "FUNCTION", "INDEX"})
_KINDS: Final[dict[str, frozenset[str] | None]] = {
    **dict.fromkeys(("SELECT", "WITH", "FROM", "VALUES", "SHOW", "DESC", "DESCRIBE", "EXPLAIN")),
    **dict.fromkeys(("EXISTS", "CHECK", "USE", "SET", "INSERT", "DELETE", "UPDATE", "OPTIMIZE")),
    **dict.fromkeys(("TRUNCATE", "RENAME", "EXCHANGE", "UNDROP")),
    "CREATE": _MADE,
    "REPLACE": _MADE,
    "DROP": _MADE,
    "ALTER": frozenset({"TABLE"}),
    "SYSTEM": frozenset(
        {
            *("START MERGES", "STOP MERGES", "START TTL", "STOP TTL", "FLUSH LOGS", "FLUSH ASYNC"),
            *("START VIEW", "STOP VIEW", "START VIEWS", "STOP VIEWS", "REFRESH VIEW", "WAIT VIEW"),
            "CANCEL VIEW",
        }
    ),
}
"""Statements that are offered; None is any of that name, else what must follow."""
_BETWEEN: Final = frozenset({"OR", "REPLACE", "TEMPORARY", "MATERIALIZED"})
"""Words that may stand before what is made or dropped."""
_ELSEWHERE: Final = frozenset(
    {
        *("ATTACH", "DETACH", "BACKUP", "RESTORE", "KILL", "GRANT", "REVOKE", "MOVE", "EXECUTE"),
        *("BEGIN", "COMMIT", "ROLLBACK", "WATCH"),
    }
)
"""Statements of ClickHouse that are not offered; any other word is taken for a slip."""
_NOT_SETTINGS: Final = frozenset({"ROLE", "DEFAULT", "TRANSACTION"})

# What reads or writes files of the machine, or objects of our own process, without a right that
# could be withheld: clauses of chDB's client layer, the scalar function file(), Python(), and the
# function that runs SQL out of a string. Refused wherever they are names.
_REFUSED: Final = frozenset(
    {"outfile", "infile", "file", "python", "arrowstream", "eval", "executable"}
)
OUTWARD: Final = frozenset(
    {
        *("azureblobstorage", "bigquery", "cluster", "clusterallreplicas", "cosn", "dictionary"),
        *("deltalake", "deltalakeazure", "deltalakelocal", "deltalakes3", "filesystem", "gcs"),
        *("hdfs", "hudi", "iceberg", "icebergazure", "iceberghdfs", "iceberglocal", "icebergs3"),
        *("jdbc", "mongodb", "mysql", "odbc", "oss", "paimon", "paimonazure", "paimonhdfs"),
        *("paimonlocal", "paimons3", "postgresql", "redis", "remote", "remotesecure", "s3"),
        *("sqlite", "url", "ytsaurus"),
        *("azureblobstoragecluster", "deltalakeazurecluster", "deltalakecluster", "filecluster"),
        *("deltalakes3cluster", "hdfscluster", "hudicluster", "icebergazurecluster"),
        *("icebergcluster", "iceberghdfscluster", "iceberglocalcluster", "icebergs3cluster"),
        *("paimonazurecluster", "paimoncluster", "paimonhdfscluster", "paimons3cluster"),
        *("s3cluster", "urlcluster"),
    }
)
"""Table functions, in small letters, that lead to files, hosts or other databases; the engine asks
for a right for each as well. A test holds this against the engine's own list."""
ENGINES: Final = {
    *("mergetree", "replacingmergetree", "aggregatingmergetree", "summingmergetree"),
    *("collapsingmergetree", "versionedcollapsingmergetree", "coalescingmergetree"),
    *("view", "materializedview", "memory", "null", "merge", "join", "set", "atomic"),
}
"""Engines of tables and databases: those that users.xml grants, and Atomic for databases. For
engines of databases the engine asks for no right before they reach out."""
# What may follow a column that is named engine, where a view is made.
_AFTER_COLUMN: Final = frozenset(
    {
        *("from", "as", "where", "and", "or", "is", "in", "not", "like", "ilike", "then", "else"),
        *("end", "asc", "desc", "group", "order", "limit", "having", "union", "format", "settings"),
    }
)
# ALTER moves parts by hard links and renames; those that leave the table's own directory.
_ALTERS: Final = frozenset({"freeze", "unfreeze", "fetch", "export"})
_PLACES: Final = frozenset({"disk", "volume", "shard"})

_SUSPECT: Final = re.compile(
    rf"""\b(?:{"|".join(sorted(_REFUSED | OUTWARD | _ALTERS | _PLACES))}
    |engine|attach|parallel)\b""",
    re.IGNORECASE | re.ASCII | re.VERBOSE,
)


def admit(text: str) -> str:
    """The statement if it stays inside the tables, as it may be sent on.

    Where a suspect word stands, or could stand written with escapes, the engine is sent the text
    without its comments: then there is no way left to read it other than it was read here.

    Args:
        text: One statement.

    Raises:
        ClickHouseError: It is not offered, or there are several.
    """
    words = leading_words(text, 5)
    _check_kind(words)
    _refuse_several(text)
    escaped = "\\" in text and ("`" in text or '"' in text)
    if not escaped and not _SUSPECT.search(text):
        return text
    return _walk(text, kind=words[0])


def _check_kind(words: list[str]) -> None:
    first, after = (words[0] if words else ""), words[1:]
    if first not in _KINDS:
        alike = get_close_matches(first[:80], _KINDS, n=1) if first not in _ELSEWHERE else []
        raise ClickHouseError(
            ACCESS_DENIED if first in _ELSEWHERE else SYNTAX_ERROR,
            f"{first[:80] or 'This'} is no statement that is offered here."
            f"{f' Maybe you meant: {alike[0]}.' if alike else ''}"
            f" Offered are {', '.join(sorted(_KINDS))}.",
        )
    allowed = _KINDS[first]
    if first == "SYSTEM":
        what = " ".join(after[:2])
    elif allowed is not None:
        what = next((word for word in after if word not in _BETWEEN), "")
    else:
        what = after[0] if first == "SET" and after else ""
        if what not in _NOT_SETTINGS:
            return
    if allowed is None or what not in allowed:
        offered = f" Offered are {', '.join(sorted(allowed))}." if allowed else ""
        raise ClickHouseError(ACCESS_DENIED, f"{first} {what[:80]} is not offered here.{offered}")


def _refuse_several(text: str) -> None:
    if ";" not in text:
        return
    ended = False
    for token in tokens(text):
        if token[0] == ";":
            ended = True
        elif ended and token.lastgroup not in ("space", "comment"):
            raise ClickHouseError(
                SYNTAX_ERROR, "Multi-statements are not allowed. Send one statement per request."
            )


def _walk(text: str, *, kind: str) -> str:
    walk = _Walk(kind)
    kept: list[str] = []
    for token in tokens(text):
        if token.lastgroup == "comment":
            kept.append(" ")
            continue
        if token.lastgroup != "space":
            walk.step(str(token.lastgroup), token[0])
        kept.append(token[0])
    return "".join(kept)


class _Walk:
    """Looks at the signs of a statement one after the other, each beside what stood before it."""

    def __init__(self, kind: str) -> None:
        self._makes = kind in ("CREATE", "REPLACE")
        self._alters = kind == "ALTER"
        self._before = self._bare = ""
        self._engine = False

    def step(self, kind: str, sign: str) -> None:
        """Look at the next sign, which is neither a blank nor a comment.

        Raises:
            ClickHouseError: It is, or makes of those before it, what is not offered.
        """
        name = sign.strip('`"').lower() if kind in ("word", "quoted") else ""
        bare = name if kind == "word" else ""
        self._refuse_words(kind, sign, name)
        if sign == "(" and (self._before in OUTWARD or self._before == "disk"):
            raise _denied(
                f"{self._before}() is not offered: tables are stored in the stack's own"
                " directory alone, and nothing is read from elsewhere."
            )
        if self._bare == "parallel" and bare == "with":
            raise _denied("PARALLEL WITH is not offered. Send one statement per request.")
        if self._bare == "attach" and name not in ("part", "partition") and not _ends_name(sign):
            raise _denied("ATTACH is offered for parts and partitions alone.")
        if self._makes:
            self._check_engine(sign, name)
        if self._alters:
            self._check_alter(bare)
        self._before, self._bare = name or sign, bare

    def _refuse_words(self, kind: str, sign: str, name: str) -> None:
        if (
            name in _REFUSED
            or (kind == "quoted" and "\\" in sign)
            or kind == "open"
            or (kind == "other" and (sign == "$" or not sign.isascii()))
        ):
            raise _denied(
                "Nothing here may read or write outside the tables, so the words"
                f" {', '.join(sorted(_REFUSED))} are refused except inside a plain string. A query"
                " parameter may hold any text."
            )

    def _check_engine(self, sign: str, name: str) -> None:
        """After ENGINE, or ENGINE =, must come an engine that is offered, or what shows that a
        column of that name is meant."""
        if self._engine:
            # A comparison with a string or a number is none with an engine.
            wrong = name not in ENGINES if name else sign == "{"
            self._engine = False
        elif self._bare == "engine":
            self._engine = sign == "="
            wrong = bool(name) and name not in ENGINES | _AFTER_COLUMN
        else:
            return
        if wrong:
            raise _denied(
                f"The engine {sign[:80]} is not offered here; those of the MergeTree family are,"
                " Memory, Null, Merge, Join and Set, and Atomic for databases."
            )

    def _check_alter(self, bare: str) -> None:
        if bare in _ALTERS or (self._bare == "to" and bare in _PLACES):
            raise _denied(
                f"ALTER ... {bare.upper()} is not offered: parts stay in their tables. A column of"
                " that name wants quotes."
            )


def _denied(text: str) -> ClickHouseError:
    return ClickHouseError(ACCESS_DENIED, text)


def _ends_name(sign: str) -> bool:
    """Whether what stands before this sign is a column of that name, and no clause."""
    return sign in {",", ")", "=", ".", ";", "<", ">", "!", "+", "-", "*", "/", "%"}
