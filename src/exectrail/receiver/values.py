"""OTLP values as the text that stands in the tables.

The same text that the collector writes (pdata `Value.AsString`, Go's encoding/json without HTML
escapes), so that a query finds the same strings whichever of the two stored them.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable
from decimal import Decimal
from json.encoder import encode_basestring
from operator import itemgetter
from typing import Any, Final

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

_SMALLEST_FIXED: Final = 1e-6
_LARGEST_FIXED: Final = 1e21
_KEY: Final = itemgetter(0)
# OTLP has values of other kinds since (an index into a dictionary that only profiles have): they
# are nothing here.
_COMPOUND: Final = frozenset({"array_value", "kvlist_value"})
_PLAIN: Final = frozenset({"int_value", "double_value", "bool_value", "bytes_value"})
# Go escapes the two line separators that JavaScript once did not take, and gives up on bytes that
# are no UTF-8, which are lone surrogates here.
_ESCAPED: Final = {
    0x2028: "\\u2028",
    0x2029: "\\u2029",
    **dict.fromkeys(range(0xDC80, 0xDD00), "\\ufffd"),
}


class _NotFiniteError(Exception):
    """A number that JSON does not have; Go gives up on the whole value then."""


def to_text(value: AnyValue) -> str:
    """A value as text.

    Strings stay as they are; booleans are `true` and `false`; bytes are base64; lists and maps are
    JSON with sorted keys; nothing is the empty string.
    """
    text = value.string_value  # first, because most are strings, and asking for the kind costs more
    if text:
        return text
    kind = value.WhichOneof("value")
    if kind is None or kind == "string_value":
        return ""
    if kind == "int_value":
        return str(value.int_value)
    if kind == "double_value":
        return _double_text(value.double_value)
    if kind == "bool_value":
        return "true" if value.bool_value else "false"
    if kind == "bytes_value":
        return base64.b64encode(value.bytes_value).decode()
    if kind not in _COMPOUND:
        return ""
    try:
        return _json(value)
    except _NotFiniteError:
        return ""


def to_pairs(attributes: Iterable[KeyValue]) -> list[tuple[str, str]]:
    """Attributes as pairs sorted by key; equal keys, which OTLP forbids, stay in their order."""
    return sorted([(pair.key, to_text(pair.value)) for pair in attributes], key=_KEY)


def _double_text(number: float) -> str:
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    return _number(number)


def _number(number: float) -> str:
    """The shortest text that reads back as the number, as ES6 and Go's encoding/json write it."""
    if number == 0 or _SMALLEST_FIXED <= abs(number) < _LARGEST_FIXED:
        return format(Decimal(repr(number)), "f").removesuffix(".0")
    mantissa, _, exponent = repr(number).partition("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent):+d}"


def _json(value: AnyValue) -> str:
    kind = value.WhichOneof("value")
    if kind == "string_value":
        return _quoted(value.string_value)
    if kind == "array_value":
        return f"[{','.join(_json(item) for item in value.array_value.values)}]"
    if kind == "kvlist_value":
        items: dict[str, Any] = {pair.key: pair.value for pair in value.kvlist_value.values}
        return "{" + ",".join(f"{_quoted(k)}:{_json(items[k])}" for k in sorted(items)) + "}"
    if kind not in _PLAIN:
        return "null"
    if kind == "bytes_value":
        return f'"{to_text(value)}"'
    if kind == "double_value" and not math.isfinite(value.double_value):
        raise _NotFiniteError
    return to_text(value)


def _quoted(text: str) -> str:
    return encode_basestring(text).translate(_ESCAPED)
