"""A pipeline: where spans, events and metrics go, and how to end it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from opentelemetry.metrics import Meter

from exectrail.signals.attributes import Attributes
from exectrail.signals.records import Records
from exectrail.signals.spans import Spans
from exectrail.spool import Spool


def nothing() -> None:
    """Nothing to do: the providers are somebody else's."""


def nothing_within(_wait: float) -> None:
    """Nothing to do, however long it may take."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Where signals go."""

    spans: Spans
    records: Records
    meter: Meter
    project: str
    """`service.namespace` of the resource."""
    always: Attributes
    """What has to stand on each event because the resource could not take it."""
    flush: Callable[[], None] = nothing
    """Hand over what is waiting."""
    close: Callable[[float], None] = nothing_within
    """Hand over what is waiting, and end. Seconds to try for, where it can be delivered later."""
    troubled: Callable[[], bool] = bool
    """Whether who takes it fails or refuses, as far as is known."""
    abort: Callable[[], None] = nothing
    """Stop trying: nobody takes it, and the program wants to end."""
    durable: Callable[[], bool] = bool
    """Whether what is not delivered yet outlives this process."""
    spool: Spool | None = None
    """Where it waits, where it does."""
