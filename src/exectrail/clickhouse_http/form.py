"""Fields of a `multipart/form-data` body (RFC 7578), in which clients send long parameters.

Only what forms of query parameters have: names and text. Parts within parts and files are not read.
"""

from __future__ import annotations

import re
from typing import Final

from exectrail.clickhouse_http.errors import BAD_ARGUMENTS, NOT_IMPLEMENTED, ClickHouseError

MAX_FIELDS: Final = 10_000
_HEAD: Final = 8192
"""Bytes of the headers of one part."""
_BOUNDARY: Final = re.compile(r';\s*boundary="?([0-9A-Za-z\'()+_,./:=? -]{1,70})"?', re.IGNORECASE)
_NAME: Final = re.compile(rb'^content-disposition:[^\r\n]*;\s*name="([^"\r\n]*)"', re.I | re.M)
_FILE: Final = re.compile(rb"^content-disposition:[^\r\n]*;\s*filename", re.I | re.M)


def form_fields(content_type: str, body: bytes) -> dict[str, str]:
    """The fields by name; of fields with one name the last.

    Args:
        content_type: Value of the header, which names the boundary.
        body: The body, plain.

    Raises:
        ClickHouseError: It is no such form, has too many fields, or a file in it.
    """
    found = _BOUNDARY.search(content_type)
    if found is None:
        raise ClickHouseError(BAD_ARGUMENTS, "The form names no boundary between its fields.")
    # Each boundary but one that opens the body stands on a line of its own.
    line = b"\r\n--" + found[1].strip().encode()
    parts = (b"\r\n" + body).split(line, MAX_FIELDS + 2)
    if len(parts) > MAX_FIELDS + 2:
        raise ClickHouseError(BAD_ARGUMENTS, f"The form has more than {MAX_FIELDS} fields.")
    if len(parts) < 2 or not parts[-1].startswith(b"--"):
        raise ClickHouseError(BAD_ARGUMENTS, "The form is cut off, or has another boundary.")
    return dict(_field(part) for part in parts[1:-1])


def _field(part: bytes) -> tuple[str, str]:
    end = part.find(b"\r\n\r\n", 0, _HEAD)
    head, value = part[: max(end, 0)], part[end + 4 :]
    if _FILE.search(head):
        raise ClickHouseError(
            NOT_IMPLEMENTED,
            "External tables are not offered. Insert into a temporary table in a session.",
        )
    name = _NAME.search(head)
    try:
        if name is None:
            raise ClickHouseError(BAD_ARGUMENTS, "A part of the form has no name.")
        return name[1].decode(), value.decode()
    except UnicodeDecodeError as error:
        raise ClickHouseError(BAD_ARGUMENTS, "A field of the form is not UTF-8.") from error
