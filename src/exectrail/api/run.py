"""One execution that the API drives: begin, attach, detach, end. Never raises of itself."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from exectrail.conventions.names import Kind, Reason, State
from exectrail.execution import About, Execution, Executions
from exectrail.execution.executions import Attachment
from exectrail.execution.unwinding import by_signal
from exectrail.guard import guard
from exectrail.runtime import executions

_BEGIN: Final = guard("api.begin")
_ATTACH: Final = guard("api.attach")
_END: Final = guard("api.end")
_SILENT: Final = Executions()
"""Gives an execution that records nothing, where starting a real one failed."""


class Run:
    """An execution and whether it is attached."""

    __slots__ = ("_attachment", "execution")

    def __init__(self, kind: Kind, name: str, about: About, options: dict[str, Any]) -> None:
        self._attachment: Attachment | None = None
        self.execution: Execution = started(kind, name, about, options)

    def attach(self) -> None:
        """Make it current. Never leave it so across a `yield`."""
        with _ATTACH:
            self._attachment = self.execution.engine.attach(self.execution)

    def detach(self) -> None:
        """Take that back."""
        attachment, self._attachment = self._attachment, None
        if attachment is not None:
            with _ATTACH:
                self.execution.engine.detach(attachment)

    def end(self, error: BaseException | None) -> None:
        """End it as what left its code says: None for a value, else the exception."""
        with _END:
            finish(self.execution, error)


def started(kind: Kind | str, name: str, about: About, options: dict[str, Any]) -> Execution:
    """Start an execution; one that records nothing where that failed."""
    with _BEGIN:
        return executions().start(kind, str(name), about=about, **options)
    return _SILENT.start(Kind.STEP, "")


def finish(execution: Execution, error: BaseException | None) -> None:
    """End an execution by the exception that left its code, or by none."""
    if execution.closed:
        return
    match error:
        case None:
            if execution.state is State.RUNNING:
                execution.complete()
            elif execution.state is State.BLOCKED and execution.kind in (Kind.STEP, Kind.TASK):
                # The last word of a step: a review that stops what comes after it.
                execution.fail(None, Reason.REVIEW)
            else:
                execution.leave()
        case _ if by_signal(error):
            execution.cancel(Reason.SIGNAL)
        case asyncio.CancelledError():
            execution.cancel(Reason.USER_REQUEST)
        case GeneratorExit():
            execution.cancel(Reason.STREAM_CLOSED)
        case SystemExit(code=None | 0):
            execution.cancel(Reason.USER_REQUEST)
        case TimeoutError():
            execution.fail(error, Reason.TIMEOUT)
        case _:
            execution.fail(error)
