"""What becomes of one request: blocks for tables, and what could not be taken."""

from __future__ import annotations

from dataclasses import dataclass, field

from exectrail.conventions import names
from exectrail.receiver.native import Column, encode_block


@dataclass(slots=True)
class Batch:
    """Rows of one request.

    Attributes:
        blocks: Per table its name, its columns and one block of the Native format.
        rejected: Spans, log records or points that were not taken.
        reason: Why, in words for whoever sent them.
    """

    blocks: list[tuple[str, tuple[str, ...], bytes]] = field(
        default_factory=list[tuple[str, tuple[str, ...], bytes]]
    )
    rejected: int = 0
    reason: str = ""

    def add(self, table: str, rows: int, columns: dict[str, Column]) -> None:
        """Add rows for a table, unless there are none.

        Raises:
            RequestError: 413, they are more bytes than a request may become.
        """
        if rows:
            self.blocks.append((table, tuple(columns), encode_block(rows, columns)))

    def reject(self, reason: str, count: int = 1) -> None:
        """Leave spans, records or points out; the first reason is told."""
        if not count:
            return
        self.rejected += count
        self.reason = self.reason or reason


def service_name(resource: list[tuple[str, str]]) -> str:
    """`service.name` of a resource, empty if it has none."""
    return next((value for key, value in resource if key == names.SERVICE_NAME), "")
