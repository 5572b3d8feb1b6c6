"""YAML as text, of plain values: no parser is needed to write it, so none is depended on.

A text of several lines stands as a block, so that SQL can be read and compared; any other stands
in double quotes, as in JSON, whose escapes YAML has too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

_STEP = "  "


def document(value: Mapping[str, Any]) -> str:
    """The text of a document.

    Args:
        value: Mappings with words for keys, lists, texts, numbers, truth values.
    """
    return "\n".join(_lines(value, "")) + "\n"


def _lines(value: Mapping[str, Any] | Sequence[Any], indent: str) -> list[str]:
    if isinstance(value, Mapping):
        return [
            line for name, one in value.items() for line in _entry(f"{indent}{name}:", one, indent)
        ]
    made: list[str] = []
    for one in value:
        first, *rest = _entry(f"{indent}-", one, indent)
        if isinstance(one, Mapping) and one:
            # The first line of a mapping stands behind the dash.
            first, *rest = [f"{first} {rest[0].lstrip()}", *rest[1:]]
        made += [first, *rest]
    return made


def _entry(begin: str, value: Any, indent: str) -> list[str]:
    deeper = indent + _STEP
    if isinstance(value, Mapping | list) and value:
        return [begin, *_lines(cast("Mapping[str, Any] | list[Any]", value), deeper)]
    if isinstance(value, str) and _is_block(value):
        return [f"{begin} |-", *(f"{deeper}{line}" if line else "" for line in value.split("\n"))]
    return [f"{begin} {_scalar(value)}"]


def _is_block(text: str) -> bool:
    lines = text.split("\n")
    return (
        len(lines) > 1
        and not lines[0].startswith(" ")
        and all(line.isprintable() for line in lines)
        and all((lines[0], lines[-1]))
    )


def _scalar(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return "".join(one if one.isprintable() else _escape(one) for one in text)


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
