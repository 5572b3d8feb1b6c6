"""Switches hand-down on and off for this process."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Final

from exectrail.execution.current import hand_down_with
from exectrail.guard import guard
from exectrail.propagation import children, pools, threads
from exectrail.propagation.handed import find, process
from exectrail.propagation.patches import Patches


class Switch:
    """On at most once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._patches: Patches | None = None
        self._forget: Callable[[], None] | None = None

    def on(self, when_imported: Callable[[str, Callable[[], None]], None]) -> None:
        """Patch what starts processes, threads and tasks; what cannot be patched is left out."""
        with self._lock:
            if self._patches is not None:
                return
            patches = self._patches = Patches()
            _ = process.environment  # read before the program changes it
            self._forget = hand_down_with(find)
            for part in (children, threads, pools):
                with guard(f"propagation.{part.__name__.rpartition('.')[2]}.patch"):
                    part.patch(patches, _while_active(patches, when_imported))

    def after_fork_in_child(self) -> None:
        """Another thread of the parent may have held it."""
        self._lock = threading.Lock()

    def off(self) -> None:
        """Put it all back."""
        with self._lock:
            patches, self._patches = self._patches, None
            forget, self._forget = self._forget, None
            if forget is not None:
                forget()
            if patches is not None:
                patches.undo()


def _while_active(
    patches: Patches, when_imported: Callable[[str, Callable[[], None]], None]
) -> Callable[[str, Callable[[], None]], None]:
    def watch(module: str, call: Callable[[], None]) -> None:
        when_imported(module, lambda: call() if patches.active() else None)

    return watch


switch: Final = Switch()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=switch.after_fork_in_child)
