"""Sends along what the program logs inside an execution (`EXECTRAIL_LOGS`).

Records are seen where a logger asks its own filters, after its level and before its handlers. No
handler is added: one on the root logger would make `logging.basicConfig` do nothing and silence the
handler of last resort. And nothing of ours is on the stack while the program's handlers run, where
it would show in what `logging` prints of a handler that fails.
"""

from __future__ import annotations

import logging
import threading
from typing import Any, Final

from exectrail.execution import ErrorInfo, Execution, Logged, current
from exectrail.guard import guard

_GUARD: Final = guard("autoload.logs")
_OURS: Final = ("exectrail", "opentelemetry")
"""Loggers of what sends them."""
_OUR_THREADS: Final = ("exectrail", "Otel")
"""How the names of threads begin that send."""
_LEVELS: Final = (
    (logging.CRITICAL, "FATAL"),
    (logging.ERROR, "ERROR"),
    (logging.WARNING, "WARN"),
    (logging.INFO, "INFO"),
    (logging.DEBUG, "DEBUG"),
)
"""As OpenTelemetry's own handler maps them:
https://opentelemetry.io/docs/specs/otel/logs/data-model-appendix/#appendix-b-severitynumber-example-mappings"""
_METHOD: Final = "filter"
_busy = threading.local()


class _Logs:
    """Whether they are sent, and what that replaced."""

    def __init__(self) -> None:
        self.on = False
        self._method: Any = None
        self._former: Any = None
        self._had_own = False

    def send(self) -> None:
        """Send them from now on."""
        if self.on:
            return
        former = logging.Logger.filter

        def look(logger: logging.Logger, record: logging.LogRecord) -> Any:
            passed: Any = former(logger, record)
            if passed and self.on:
                _note(logger, passed if isinstance(passed, logging.LogRecord) else record)
            return passed

        self.on = True
        self._method, self._former = look, former
        self._had_own = _METHOD in vars(logging.Logger)
        setattr(logging.Logger, _METHOD, look)

    def stop(self) -> None:
        """Send no more. Where somebody patched over ours, ours stays beneath it and idles."""
        if not self.on:
            return
        self.on = False
        if vars(logging.Logger).get(_METHOD) is not self._method:
            return
        if self._had_own:
            setattr(logging.Logger, _METHOD, self._former)
        else:
            delattr(logging.Logger, _METHOD)


logs: Final = _Logs()


def _note(logger: logging.Logger, record: logging.LogRecord) -> None:
    if getattr(_busy, "now", False):
        return
    _busy.now = True  # formatting and sending may log, too
    try:
        with _GUARD:
            execution = _wanted(logger, record)
            if execution is not None:
                execution.engine.recorder.logged(execution, _told(record))
    finally:
        _busy.now = False


def _wanted(logger: logging.Logger, record: logging.LogRecord) -> Execution | None:
    """The execution that a record belongs to; None if it is not to be sent."""
    if record.name.partition(".")[0] in _OURS:
        return None
    if (record.threadName or "").startswith(_OUR_THREADS):
        return None
    execution = current()
    if execution is None or execution.unrecorded or not logger.isEnabledFor(record.levelno):
        return None
    return execution


def _told(record: logging.LogRecord) -> Logged:
    error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
    return Logged(
        at_ns=int(record.created * 1e9),
        level=next((word for least, word in _LEVELS if record.levelno >= least), "TRACE"),
        text=_text(record),
        logger=record.name,
        file=record.pathname,
        line=record.lineno,
        function=record.funcName or "",
        error=None if error is None else ErrorInfo.of(error),
    )


def _text(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001  the program's arguments do not fit: what it meant to say
        return record.msg if isinstance(record.msg, str) else ""
