"""What dead processes left: shipped by whoever comes next, and kept within bounds."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from exectrail.spool.destination import Destination
from exectrail.spool.folder import Folder, folders
from exectrail.spool.shipping import Shipped, Shipper
from exectrail.spool.spool import report_many
from exectrail.spool.streams import DROPPED_FIRST, file_name

LIMIT_BYTES: Final = 1024 * 1024 * 1024
"""What the spools of a host's processes may take together."""
LIMIT_AGE_S: Final = 7 * 86_400.0
"""How long a dead process's spool waits for somebody to ship it."""


@dataclass(frozen=True, slots=True)
class Leftover:
    """A dead process's folder, and what came of shipping it."""

    folder: Folder
    shipped: Shipped
    removed: bool
    """All of it was delivered, and the folder is gone."""


def ship_leftovers(
    root: Path,
    destination: Destination,
    *,
    everything: bool = False,
    deadline: float | None = None,
    wanted: Callable[[], bool] = lambda: True,
) -> Iterator[Leftover]:
    """Ship the folders of dead processes, oldest first; end where the receiver fails.

    Those of supervisors go last: they tell how the others ended, whose last words come before that.

    Args:
        root: The folder of all spools.
        destination: Where to.
        everything: Those too that were meant for another endpoint.
        deadline: `time.monotonic()` at which to stop.
        wanted: Asked before each one, and before each request, whether to go on.
    """
    dead = [(folder, folder.about()) for folder in folders(root) if not folder.alive()]
    dead.sort(key=lambda one: one[1].get("supervisor") == one[0].worker_id)
    for folder, about in dead:
        if not wanted():
            return
        if not everything and about.get("endpoint") != destination.endpoint:
            continue
        with folder.claimed() as ours:
            if not ours:
                continue
            shipped = Shipper(folder, destination).ship(deadline, wanted=wanted)
            yield Leftover(folder, shipped, folder.remove_if_done())
        if shipped.problem:
            return


def sweep(
    root: Path, limit_bytes: int = LIMIT_BYTES, limit_age_s: float = LIMIT_AGE_S
) -> list[Folder]:
    """Keep what dead processes left within bounds: the oldest go, spans first, states last.

    Args:
        root: The folder of all spools.
        limit_bytes: What all of them may take.
        limit_age_s: Seconds since a folder was written last.

    Returns:
        The folders that gave something up.
    """
    now = time.time()
    given: dict[Path, Folder] = {}
    dead = [folder for folder in folders(root) if not folder.alive()]
    for folder in [folder for folder in dead if _age(folder, now) > limit_age_s]:
        report_many("spool.expired", max(1, folder.left()))
        shutil.rmtree(folder.path, ignore_errors=True)
        given[folder.path] = folder
        dead.remove(folder)
    size = sum(folder.size() for folder in folders(root))
    for stream in DROPPED_FIRST:
        for folder in dead:
            for number in folder.numbers(stream):
                if size <= limit_bytes:
                    return list(given.values())
                file = folder.path / file_name(stream, number)
                size -= file.stat().st_size if file.exists() else 0
                file.unlink(missing_ok=True)
                report_many(f"spool.{stream.value}", 1)
                given[folder.path] = folder
    return list(given.values())


def _age(folder: Folder, now: float) -> float:
    try:
        return now - max(path.stat().st_mtime for path in folder.path.iterdir())
    except (OSError, ValueError):
        return 0.0
