"""The only place that swallows our own errors.

exectrail runs inside other people's programs, so its failures end here: a guarded block catches
`Exception` (never `BaseException`: cancellation and exit are not ours to stop), logs once per site
and counts what was dropped. The block holds our code only, never the program's.

    with guard("langgraph.on_chain_start"):
        ...                                  # ours
"""

from __future__ import annotations

import logging
import threading
from types import TracebackType

logger = logging.getLogger("exectrail")
# Without a handler Python prints warnings to the program's stderr.
logger.addHandler(logging.NullHandler())

# Re-entrant: a signal handler or the garbage collector may come in while it is held.
_lock = threading.RLock()
_dropped: dict[str, int] = {}
_guards: dict[str, Guard] = {}
_MAX_SITES = 512


class Guard:
    """A context manager without state, made once per site and shared by threads."""

    __slots__ = ("site",)

    def __init__(self, site: str) -> None:
        self.site = site

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if error is None or not isinstance(error, Exception):
            return False
        report(self.site, error)
        return True


def guard(site: str) -> Guard:
    """The guard of a site.

    Args:
        site: Low-cardinality name of the place, for the log and the count.
    """
    found = _guards.get(site)
    if found is None:
        if len(_guards) >= _MAX_SITES:
            return Guard("other")
        found = _guards.setdefault(site, Guard(site))
    return found


def report(site: str, error: BaseException | None = None) -> None:
    """Count a drop at a site, and log its first one: the error's type, never its text."""
    try:
        with _lock:
            count = _dropped.get(site, 0) + 1
            _dropped[site] = count
        if count == 1:
            kind = type(error).__name__ if error is not None else "dropped"
            logger.warning(
                "exectrail: %s at %s; the program is not affected. Said once, counted from here.",
                kind,
                site,
            )
            logger.debug("exectrail: %s", site, exc_info=error)
    except Exception:
        return


def dropped() -> dict[str, int]:
    """What was dropped so far in this process, by site."""
    with _lock:
        return dict(_dropped)


def reset() -> None:
    """Forget the counts: a forked child, whose parent may have held the lock, and tests."""
    global _lock
    _lock = threading.RLock()
    _dropped.clear()
