"""Splits a migration file into statements, and tells code from text and comments."""

from __future__ import annotations

import re

# What may hide a semicolon, in ClickHouse's lexer (src/Parsers/Lexer.cpp): comments, strings and
# quoted names with backslash or doubled quotes, and heredocs. Anything else passes one by one.
_TOKEN = re.compile(
    r"""
      (?P<comment> --[^\n]* | \#[\ !][^\n]* | /\*.*?\*/ )
    | (?P<quoted> '(?:[^'\\]|\\.|'')*' | "(?:[^"\\]|\\.|"")*" | `(?:[^`\\]|\\.|``)*`
                | \$(?P<tag>\w*)\$.*?\$(?P=tag)\$ )
    | (?P<open> ['"`] | /\* )
    | (?P<end> ; )
    """,
    re.VERBOSE | re.DOTALL,
)


def split_statements(text: str) -> list[str]:
    """The statements of a file, without their semicolons, comments kept.

    Args:
        text: SQL in ClickHouse's dialect.

    Raises:
        ValueError: A string, quoted name or comment does not end.
    """
    statements: list[str] = []
    start = 0
    has_code = False
    position = 0
    for token in _TOKEN.finditer(text):
        has_code = has_code or bool(text[position : token.start()].strip())
        position = token.end()
        if token["open"]:
            line = text.count("\n", 0, token.start()) + 1
            raise ValueError(f"line {line}: {token['open']} is never closed")
        if token["quoted"]:
            has_code = True
        if token["end"]:
            if has_code:
                statements.append(text[start : token.start()].strip())
            start, has_code = token.end(), False
    if has_code or text[position:].strip():
        statements.append(text[start:].strip())
    return statements


def masked(statement: str) -> str:
    """The statement with all that is no code blotted out, character by character.

    Comments become blanks, and what stands in strings and quoted names becomes `?`, so that
    positions in it are positions in the statement.

    Args:
        statement: One that `split_statements` gave.
    """

    def blot(token: re.Match[str]) -> str:
        text = token[0]
        if token["comment"]:
            return re.sub(r"[^\n]", " ", text)
        if token["quoted"]:
            return text[0] + "?" * (len(text) - 2) + text[-1]
        return text

    return _TOKEN.sub(blot, statement)
