"""The commands that keep, move and erase, for `exectrail.launch`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exectrail.retention import archive_command, forget_command, retention_command

if TYPE_CHECKING:
    from exectrail.cli.arguments import SubParsers


def register(subparsers: SubParsers) -> None:
    """Add `retention`, `archive` and `forget` to the command line."""
    for group in (retention_command, archive_command, forget_command):
        group.register(subparsers)
