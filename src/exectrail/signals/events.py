"""Events: log records of the Logs API, handed over at once. They carry the state."""

from __future__ import annotations

from typing import Final

from opentelemetry._logs import Logger, SeverityNumber
from opentelemetry.context import Context

from exectrail.conventions import names
from exectrail.signals.attributes import Attributes

_SEVERITIES: Final = {
    "DEBUG": SeverityNumber.DEBUG,
    "INFO": SeverityNumber.INFO,
    "WARN": SeverityNumber.WARN,
    "ERROR": SeverityNumber.ERROR,
}


class Events:
    """Writes events on a logger.

    Args:
        logger: Where they go.
        always: What stands on each event: the worker, where its resource is not ours to set.
    """

    def __init__(self, logger: Logger, always: Attributes | None = None) -> None:
        self._logger = logger
        self._always = always or {}

    def emit(
        self,
        name: str,
        at_ns: int,
        attributes: Attributes,
        context: Context | None = None,
        severity: str = "",
    ) -> None:
        """Write an event.

        Args:
            name: Its name; stands as `event.name` too, since some paths drop the field.
            at_ns: Nanoseconds since the epoch.
            attributes: Taken over, the caller does not use them again.
            context: Carries the span that the event belongs to.
            severity: DEBUG, INFO, WARN or ERROR; what the conventions say of the event if empty.
        """
        attributes[names.EVENT_NAME] = name
        attributes.update(self._always)
        level = severity or names.EVENT_SEVERITY[name]
        self._logger.emit(
            timestamp=at_ns,
            observed_timestamp=at_ns,
            context=context if context is not None else Context(),
            severity_number=_SEVERITIES[level],
            severity_text=level,
            attributes=attributes,
            event_name=name,
        )
