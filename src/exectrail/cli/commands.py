"""The commands that read, for `exectrail.launch`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exectrail.cli import cost, prices, runs, show, sql, tree

if TYPE_CHECKING:
    from exectrail.cli.arguments import SubParsers


def register(subparsers: SubParsers) -> None:
    """Add `runs`, `tree`, `show`, `cost`, `prices` and `sql` to the command line."""
    for group in (runs, tree, show, cost, prices, sql):
        group.register(subparsers)
