"""Reports to the user's OpenTelemetry providers instead of our own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from opentelemetry import _logs, metrics, trace

from exectrail import runtime
from exectrail.config import Config
from exectrail.guard import logger

_PLACEHOLDERS: Final = ("opentelemetry.trace", "opentelemetry.metrics", "opentelemetry._logs")
"""Where the API keeps the providers that stand in until someone sets real ones."""


def use_providers(options: Mapping[str, Any], config: Config | None = None) -> bool:
    """Arm the runtime with the providers given, else the global ones, else our own.

    Under `opentelemetry-instrument` the global ones are set before instrumentors are loaded. Where
    neither is there, nobody set OpenTelemetry up, and our own report by the OTEL_* variables.

    Args:
        options: `tracer_provider`, `logger_provider`, `meter_provider`; others are ignored.
        config: Settings; read from the environment if left out.

    Returns:
        Whether exectrail is on.
    """
    providers = {
        "tracer_provider": options.get("tracer_provider") or _real(trace.get_tracer_provider()),
        "logger_provider": options.get("logger_provider") or _real(_logs.get_logger_provider()),
        "meter_provider": options.get("meter_provider") or _real(metrics.get_meter_provider()),
    }
    given = {name: provider for name, provider in providers.items() if provider is not None}
    if not given:
        return runtime.arm(config)
    if "logger_provider" not in given:
        logger.warning("exectrail: without a logger provider states and usage are not reported")
    return runtime.arm(config, providers=given)


def _real(provider: object) -> object | None:
    return None if type(provider).__module__.startswith(_PLACEHOLDERS) else provider
