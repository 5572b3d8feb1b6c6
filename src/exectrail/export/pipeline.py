"""A pipeline: where spans, events and metrics go, and how to end it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from opentelemetry.metrics import Meter

from exectrail.signals.attributes import Attributes
from exectrail.signals.records import Records
from exectrail.signals.spans import Spans


def nothing() -> None:
    """Nothing to do: the providers are somebody else's."""


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
    close: Callable[[], None] = nothing
    """Hand over what is waiting, and end."""
    troubled: Callable[[], bool] = bool
    """Whether who takes it fails or refuses, as far as is known."""
    abort: Callable[[], None] = nothing
    """Stop trying: nobody takes it, and the program wants to end."""
