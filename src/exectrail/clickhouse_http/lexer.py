"""The words and signs of SQL, as far as they must be known before a statement runs.

Follows src/Parsers/Lexer.cpp of ClickHouse: what is a comment or a string there is one here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

# Possessive, and with `open` for what is never closed, so that each sign is looked at a few times
# at most, whatever stands there.
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


def tokens(text: str) -> Iterator[re.Match[str]]:
    """All of a text in pieces; the group that matched tells of what kind each is."""
    return _TOKEN.finditer(text)


def leading_words(text: str, most: int) -> list[str]:
    """The words that a statement begins with, in capitals, up to the first that is no bare word.

    Args:
        text: The statement; brackets that open it are passed over.
        most: How many are wanted.
    """
    words: list[str] = []
    for token in tokens(text):
        if token.lastgroup == "word":
            words.append(token[0].upper())
            if len(words) == most:
                break
        elif token.lastgroup not in ("space", "comment") and (words or token[0] != "("):
            break
    return words
