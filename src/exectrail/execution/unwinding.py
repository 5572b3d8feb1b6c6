"""What an exception that leaves code says of why."""

from __future__ import annotations

import signal
import sys
from typing import Final

_SHELL: Final = 128
"""What POSIX shells add to a signal's number to make an exit code of it."""
_SIGNALLED: Final = frozenset({_SHELL + signal.SIGINT, _SHELL + signal.SIGTERM})


def by_signal(error: BaseException) -> bool:
    """Whether a signal to end is behind an exception.

    KeyboardInterrupt is SIGINT's; a handler that leaves by `sys.exit(128 + number)` says so; and
    `asyncio.run` turns Ctrl-C into the cancellation of its main task, and of all others after it.
    """
    if isinstance(error, KeyboardInterrupt):
        return True
    if isinstance(error, SystemExit):
        return isinstance(error.code, int) and error.code in _SIGNALLED
    exceptions = sys.modules.get("asyncio.exceptions")
    cancelled = exceptions is not None and isinstance(error, exceptions.CancelledError)
    return cancelled and _runner_interrupted()


def _runner_interrupted() -> bool:
    """Whether an `asyncio.Runner` beneath the running code got a SIGINT.

    It keeps count of them in an attribute of its own, which need not be there in every Python.
    """
    runners = sys.modules.get("asyncio.runners")
    if runners is None:
        return False
    functions = (runners.Runner.run.__code__, runners.Runner.close.__code__)
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_code in functions:
            return bool(getattr(frame.f_locals.get("self"), "_interrupt_count", 0))
        frame = frame.f_back
    return False
