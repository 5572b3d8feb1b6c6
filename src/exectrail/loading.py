"""Modules that threads of ours load: a fork waits for that.

A child that began amid such an import would wait for the module's lock for ever, for the thread
that holds it is not there.
"""

from __future__ import annotations

import os
import threading
from typing import Final

FORK_WAIT: Final = 5.0
"""Seconds a fork waits, at most."""
_forking = threading.local()


class _Loading:
    """Held by a thread of ours while it loads modules; a context manager."""

    def __init__(self) -> None:
        self._lock = threading.RLock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_error: object) -> None:
        self._lock.release()

    def before_fork(self) -> None:
        _forking.held = self._lock.acquire(timeout=FORK_WAIT)

    def after_fork_in_parent(self) -> None:
        if _forking.held:
            self._lock.release()

    def after_fork_in_child(self) -> None:
        self._lock = threading.RLock()


LOADING: Final = _Loading()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=LOADING.before_fork,
        after_in_parent=LOADING.after_fork_in_parent,
        after_in_child=LOADING.after_fork_in_child,
    )
