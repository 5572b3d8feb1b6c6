"""What we take of providers of our own: the sampler that the user chose, and meters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.sampling import Sampler

from exectrail.export.exporters import quietly

_NO_LIMITS: Final = SpanLimits(
    max_attributes=SpanLimits.UNSET,
    max_events=SpanLimits.UNSET,
    max_links=SpanLimits.UNSET,
    max_span_attributes=SpanLimits.UNSET,
    max_event_attributes=SpanLimits.UNSET,
    max_link_attributes=SpanLimits.UNSET,
    max_attribute_length=SpanLimits.UNSET,
    max_span_attribute_length=SpanLimits.UNSET,
)
"""The provider gives us its sampler alone, and a wrong OTEL_SPAN_* variable must not stop it."""


def sampler(resource: Resource) -> Sampler:
    """The sampler that OTEL_TRACES_SAMPLER names."""
    with quietly():
        provider = TracerProvider(resource=resource, shutdown_on_exit=False, span_limits=_NO_LIMITS)
    return provider.sampler


def meters(readers: Sequence[MetricReader], resource: Resource) -> MeterProvider:
    """A meter provider of our own."""
    with quietly():
        return MeterProvider(readers, resource, shutdown_on_exit=False)
