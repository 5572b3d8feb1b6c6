"""Errors of the engine and of the protocol, in ClickHouse's own form.

Codes are ClickHouse's (src/Common/ErrorCodes.cpp), statuses those its HTTP handler answers with
(src/Server/HTTPHandler.cpp), so that clients treat the embedded stack like a server.
"""

from __future__ import annotations

import re
from typing import Final

BAD_ARGUMENTS: Final = 36
CHECKSUM_DOES_NOT_MATCH: Final = 40
NOT_IMPLEMENTED: Final = 48
SYNTAX_ERROR: Final = 62
UNKNOWN_SETTING: Final = 115
TIMEOUT_EXCEEDED: Final = 159
READONLY: Final = 164
CANNOT_DECOMPRESS: Final = 271
SESSION_NOT_FOUND: Final = 372
SESSION_IS_LOCKED: Final = 373
TOO_MANY_ROWS_OR_BYTES: Final = 396
ACCESS_DENIED: Final = 497
AUTHENTICATION_FAILED: Final = 516
TOO_MANY_SESSIONS: Final = 202
REQUEST_TOO_LARGE: Final = 1003
"""Ours: ClickHouse has no code for a body over the limit; it answers 413 too."""
UNKNOWN_EXCEPTION: Final = 1002

_NAMES: Final = {
    BAD_ARGUMENTS: "BAD_ARGUMENTS",
    CHECKSUM_DOES_NOT_MATCH: "CHECKSUM_DOESNT_MATCH",
    NOT_IMPLEMENTED: "NOT_IMPLEMENTED",
    SYNTAX_ERROR: "SYNTAX_ERROR",
    UNKNOWN_SETTING: "UNKNOWN_SETTING",
    TIMEOUT_EXCEEDED: "TIMEOUT_EXCEEDED",
    READONLY: "READONLY",
    CANNOT_DECOMPRESS: "CANNOT_DECOMPRESS",
    SESSION_NOT_FOUND: "SESSION_NOT_FOUND",
    SESSION_IS_LOCKED: "SESSION_IS_LOCKED",
    TOO_MANY_ROWS_OR_BYTES: "TOO_MANY_ROWS_OR_BYTES",
    ACCESS_DENIED: "ACCESS_DENIED",
    AUTHENTICATION_FAILED: "AUTHENTICATION_FAILED",
    TOO_MANY_SESSIONS: "TOO_MANY_SIMULTANEOUS_QUERIES",
    REQUEST_TOO_LARGE: "REQUEST_TOO_LARGE",
    UNKNOWN_EXCEPTION: "UNKNOWN_EXCEPTION",
}
_STATUS: Final = {
    **dict.fromkeys((6, 26, 27, 36, 38, 41, 43, 53, 62, 69, 70, 72, 271, 321, 457), 400),
    **dict.fromkeys((46, 47, 50, 56, 60, 63, 73, 81, 115, 336, 511, SESSION_NOT_FOUND), 404),
    **dict.fromkeys((READONLY, 192, 193, 194, AUTHENTICATION_FAILED, ACCESS_DENIED), 403),
    TIMEOUT_EXCEEDED: 408,
    160: 408,
    REQUEST_TOO_LARGE: 413,
    NOT_IMPLEMENTED: 501,
    TOO_MANY_SESSIONS: 503,
}
_CODE: Final = re.compile(r"Code: (\d+)\. ")


class ClickHouseError(Exception):
    """A query, or a request around it, failed.

    Attributes:
        code: ClickHouse's error code.
        message: The text for the client, `Code: N. DB::Exception: ... (NAME)`.
    """

    def __init__(self, code: int, text: str) -> None:
        """Make an error of ours.

        Args:
            code: ClickHouse's error code.
            text: What happened and what to do.
        """
        self.code = code
        name = _NAMES.get(code, "UNKNOWN_EXCEPTION")
        self.message = f"Code: {code}. DB::Exception: {text} ({name})"
        super().__init__(self.message)

    @classmethod
    def from_engine(cls, error: Exception) -> ClickHouseError:
        """The error inside what chDB raised; it wraps the engine's text in words of its own."""
        text = str(error)
        if not text:
            return cls(
                BAD_ARGUMENTS,
                "The engine refused it, with a reason that is not UTF-8: the statement, or a value"
                " that the reason quotes, holds other bytes.",
            )
        found = _CODE.search(text)
        if found is None:
            return cls(UNKNOWN_EXCEPTION, text)
        made = cls(int(found[1]), "")
        made.message = text[found.start() :].strip()
        made.args = (made.message,)
        return made

    @property
    def status(self) -> int:
        """The HTTP status that goes with the code."""
        return _STATUS.get(self.code, 500)
