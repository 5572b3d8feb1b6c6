"""Events: log records, handed over at once. They carry the state."""

from __future__ import annotations

from exectrail.conventions import names
from exectrail.signals.attributes import Attributes
from exectrail.signals.records import Records
from exectrail.signals.spans import SpanHandle


class Events:
    """Writes events.

    Args:
        records: Where they go.
        always: What stands on each event: the worker, where its resource is not ours to set.
    """

    def __init__(self, records: Records, always: Attributes | None = None) -> None:
        self._records = records
        self._always = always or {}

    def emit(
        self,
        name: str,
        at_ns: int,
        attributes: Attributes,
        span: SpanHandle | None = None,
        severity: str = "",
    ) -> None:
        """Write an event.

        Args:
            name: Its name; stands as `event.name` too, since some paths drop the field.
            at_ns: Nanoseconds since the epoch.
            attributes: Taken over, the caller does not use them again.
            span: What the event belongs to; its base stands on the event too.
            severity: DEBUG, INFO, WARN or ERROR; what the conventions say of the event if empty.
        """
        attributes[names.EVENT_NAME] = name
        attributes.update(self._always)
        level = severity or names.EVENT_SEVERITY[name]
        self._records.write(name, at_ns, level, attributes, span)

    def log(
        self, text: str, at_ns: int, attributes: Attributes, span: SpanHandle | None, level: str
    ) -> None:
        """Write a log record, which is no event and has no name.

        Args:
            text: Its body, scrubbed.
            at_ns: Nanoseconds since the epoch.
            attributes: Taken over, the caller does not use them again.
            span: What it belongs to.
            level: TRACE, DEBUG, INFO, WARN, ERROR or FATAL.
        """
        attributes.update(self._always)
        self._records.write("", at_ns, level, attributes, span, text)
