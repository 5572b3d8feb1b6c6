"""What clickhouse-go asks first, answered so that it then speaks what the engine speaks.

The Go driver asks in its own revision of the Native format and reads from the answer which
revision to go on with. chDB writes revision 0, so the answer is framed in the driver's revision and
says 0; every later block is then plain.
"""

from __future__ import annotations

import re
import struct
from typing import Final

_QUESTION: Final = re.compile(
    r"\s*SELECT\s+displayName\(\),\s*version\(\),\s*revision\(\),\s*timezone\(\)\s*;?\s*\Z",
    re.IGNORECASE,
)
_LONGEST: Final = 1000
"""Characters of the question, blanks and all; the pattern is slow on a great many of them."""
# src/Core/ProtocolDefines.h: from this revision on, a column says how it is serialised.
_CUSTOM_SERIALIZATION: Final = 54454
# BlockInfo: field 1 is_overflows = 0, field 2 bucket_num = -1, end.
_BLOCK_INFO: Final = b"\x01\x00\x02\xff\xff\xff\xff\x00"

DISPLAY_NAME: Final = "exectrail"


def is_handshake(sql: str | bytes) -> bool:
    """Whether a statement is the driver's first question."""
    return isinstance(sql, str) and len(sql) < _LONGEST and _QUESTION.match(sql) is not None


def answer(revision: int, version: str, timezone: str) -> bytes:
    """The block that answers it.

    Args:
        revision: `client_protocol_version` of the request; 0 for none.
        version: Version of the engine.
        timezone: Time zone of the engine.
    """
    columns = (
        ("displayName()", "String", _text(DISPLAY_NAME)),
        ("version()", "String", _text(version)),
        ("revision()", "UInt32", struct.pack("<I", 0)),
        ("timezone()", "String", _text(timezone)),
    )
    plain = b"\x00" if revision >= _CUSTOM_SERIALIZATION else b""
    block = _BLOCK_INFO if revision else b""
    block += bytes([len(columns), 1])
    for name, kind, value in columns:
        block += _text(name) + _text(kind) + plain + value
    return block


def _text(text: str) -> bytes:
    data = text.encode()
    return bytes([len(data)]) + data  # all of them are shorter than 128 bytes
