"""Where the OTEL_* variables send telemetry, and whether somebody takes it there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from exectrail.spool import Destination
from exectrail.spool.destination import SIGNALS, public

TIMEOUT: Final = 3.0
"""Seconds to wait for an answer."""
NOTHING: Final = b"{}"
"""An export request without anything in it."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where one signal goes."""

    signal: str
    exporter: str
    """`otlp`, `console` or `none`."""
    url: str
    """Without name, password and query; empty unless it is OTLP."""
    protocol: str


def places(environment: Mapping[str, str]) -> list[Place]:
    """Where each signal goes.

    Args:
        environment: Variables of the process.
    """
    targets = Destination.from_environment(environment).targets
    found: list[Place] = []
    for signal in SIGNALS:
        exporter = environment.get(f"OTEL_{signal.upper()}_EXPORTER", "otlp").split(",")[0]
        exporter = exporter.strip().lower()
        if exporter in ("console", "none"):
            found.append(Place(signal, exporter, "", ""))
            continue
        asked = _protocol(signal, environment)
        protocol = "http/protobuf" if targets[signal].protobuf else "http/json"
        url = public(targets[signal].url)
        found.append(Place(signal, "otlp", url, "grpc" if asked == "grpc" else protocol))
    return found


def _protocol(signal: str, environment: Mapping[str, str]) -> str:
    own = environment.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_PROTOCOL")
    return (own or environment.get("OTEL_EXPORTER_OTLP_PROTOCOL", "")).strip().lower()


def trouble(place: Place, environment: Mapping[str, str]) -> str:
    """Send an empty export, which stores nothing, as the spool would send a full one.

    Args:
        place: Where to.
        environment: Address, headers and certificates stand there.

    Returns:
        What is wrong, without secrets; empty if the export was taken, or is not OTLP.
    """
    if place.exporter != "otlp":
        return ""
    if place.protocol == "grpc":
        return "exectrail sends OTLP over HTTP; set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"
    if urlsplit(place.url).scheme not in ("http", "https"):
        return "is not an http address"
    destination = Destination.from_environment(environment)
    try:
        answer = destination.send(place.signal, NOTHING, TIMEOUT)
    finally:
        destination.close()
    return answer.problem.removeprefix(place.url).lstrip(": ")
