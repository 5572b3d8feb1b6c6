"""Events as tests expect them, and a key that must never be told."""

from __future__ import annotations

from typing import Any

FAKE_KEY = "sk-" + "proj-FAKE0" * 4


def event(event: str, kind: str, name: str, sequence: int, **attributes: Any) -> dict[str, Any]:
    """An event as it is expected; `__` in a keyword stands for a dot."""
    whole = {"kind": kind, "name": name, "sequence": sequence, "attempt": 1}
    if kind in ("workflow", "agent", "tool"):
        whole[f"{kind}.name"] = name
    return {"event": event, **whole, **{k.replace("__", "."): v for k, v in attributes.items()}}
