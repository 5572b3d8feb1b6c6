"""Files and links that an execution made or changed: names and addresses, never contents."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file or link."""

    name: str
    url: str = ""
    """Path or URL; credentials in it are taken out before it is written."""
    action: str = "created"
    """created, changed, deleted or linked."""
    media_type: str = ""
    size: int | None = None
    """Bytes."""
