"""Which executions had a thread to themselves, so that its own clock tells their CPU time.

That is so where an execution and all beneath it began on one thread, where it ended there too, and
where nothing else was open there meanwhile but what is above it. Not in an event loop: there,
others take turns on the thread unseen.
"""

from __future__ import annotations

import sys
import threading

from exectrail.resources.shares import Account, Thread


class Threads:
    """The threads on which open executions began."""

    def __init__(self) -> None:
        self._local = threading.local()  # by its id a thread might be taken for one that is gone

    def here(self) -> Thread:
        """The running thread."""
        found: Thread | None = getattr(self._local, "thread", None)
        if found is None:
            found = self._local.thread = Thread()
        return found

    def began(self, account: Account, parent: Account | None) -> None:
        """An execution began on its thread."""
        here = account.thread
        # Where one is spread, all above it are.
        above = parent
        while above is not None and above.thread is not here and not above.spread:
            above.spread = True
            above = above.group.owner
        if here.open and next(reversed(here.open)) is not parent:
            here.mixed = True
        here.open[account] = None

    def ended(self, account: Account) -> None:
        """It ended, on whatever thread."""
        thread = account.thread
        thread.open.pop(account, None)
        if not thread.open:
            thread.mixed = False

    def alone(self, account: Account) -> bool:
        """Whether the running thread is the one it began on, and was its alone since.

        May say no where it was: after others came in between, the thread has to be left by all.
        To be asked before `ended`.
        """
        here = self.here()
        return account.thread is here and not (here.mixed or account.spread or account.loop)


def in_event_loop() -> bool:
    """Whether an event loop runs on the running thread."""
    events = sys.modules.get("asyncio.events")
    return events is not None and events._get_running_loop() is not None
