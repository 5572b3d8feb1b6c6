"""The lists in docs/cluster.md: where each table stands, and every statement of a cluster.

python tests/unit/storage/cluster_page.py     writes them; a test says when they are old
"""

from __future__ import annotations

import re
from pathlib import Path

from exectrail.storage.placement import PLACEMENTS, Group, Placement
from exectrail.storage.runner import TABLE, load_migrations
from exectrail.storage.statements import masked

PAGE = Path(__file__).parents[3] / "docs" / "cluster.md"

_TOGETHER = {
    Group.TREE: "root execution",
    Group.SERIES: "series",
    Group.WORKER: "process",
    Group.SEGMENT: "segment",
    Group.EVERYWHERE: "whole on every server",
}
_KINDS = {
    "Replicated tables": "ENGINE = Replicated",
    "Tables that stand for those of all shards": "ENGINE = Distributed",
    "Tables that keep nothing": "ENGINE = Null",
    "Materialized views": "CREATE MATERIALIZED VIEW",
    "Views": "CREATE OR REPLACE VIEW",
}
_NAME = re.compile(r"(?:EXISTS|VIEW)\s+(\w+)\s+ON CLUSTER")


def placements() -> str:
    """A table of the tables, those with the same reason in one row."""
    rows: dict[Placement, list[str]] = {}
    for name, place in PLACEMENTS.items():
        rows.setdefault(place, []).append(f"`{name}`")
    lines = [
        f"| {', '.join(names)} | {_TOGETHER[place.group]} | {place.why} |"
        for place, names in rows.items()
    ]
    return "\n".join(["| table | by | because |", "|---|---|---|", *lines])


def statements() -> str:
    """The names of what is made on a cluster, by kind of statement."""
    found: dict[str, list[str]] = {kind: [] for kind in _KINDS}
    found["Replicated tables"].append(TABLE)
    for migration in load_migrations():
        for text in migration.statements("main"):
            code = masked(text)
            for kind, mark in _KINDS.items():
                if mark in code:
                    found[kind] += _NAME.findall(code)
    return "\n".join(
        f"* {kind} ({len(names)}): {', '.join(f'`{name}`' for name in names)}."
        for kind, names in found.items()
    )


def filled(page: str) -> str:
    """The page with its lists as they should be."""
    for marker, text in (("placements", placements()), ("statements", statements())):
        place = re.compile(rf"(<!-- {marker} -->\n).*?(\n?<!-- end -->)", re.DOTALL)
        page = place.sub(lambda found, text=text: f"{found[1]}{text}\n<!-- end -->", page)
    return page


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text()))
