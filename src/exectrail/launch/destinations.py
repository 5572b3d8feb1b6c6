"""Where the OTEL_* variables send telemetry, and whether somebody takes it there.

https://opentelemetry.io/docs/specs/otel/protocol/exporter/
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit, urlunsplit
from urllib.request import Request, urlopen

from exectrail.config import DEFAULT_ENDPOINT

SIGNALS: Final = ("traces", "logs", "metrics")
TIMEOUT: Final = 3.0
"""Seconds to wait for an answer."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where one signal goes."""

    signal: str
    exporter: str
    """`otlp`, `console` or `none`."""
    url: str
    """Empty unless it is OTLP."""
    protocol: str


def destinations(environment: Mapping[str, str]) -> list[Destination]:
    """Where each signal goes.

    Args:
        environment: Variables of the process.
    """
    return [_destination(signal, environment) for signal in SIGNALS]


def _destination(signal: str, environment: Mapping[str, str]) -> Destination:
    def setting(name: str) -> str:
        own = environment.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_{name}")
        return own or environment.get(f"OTEL_EXPORTER_OTLP_{name}") or ""

    wanted = (
        environment.get(f"OTEL_{signal.upper()}_EXPORTER", "otlp").split(",")[0].strip().lower()
    )
    if wanted in ("console", "none"):
        return Destination(signal, wanted, "", "")
    url = environment.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT")
    if not url:
        base = environment.get("OTEL_EXPORTER_OTLP_ENDPOINT") or DEFAULT_ENDPOINT
        url = f"{base.rstrip('/')}/v1/{signal}"
    return Destination(signal, "otlp", url, setting("PROTOCOL") or "http/protobuf")


def trouble(destination: Destination, environment: Mapping[str, str]) -> str:
    """Send an empty export, which stores nothing.

    Args:
        destination: Where to.
        environment: Headers and certificates stand there.

    Returns:
        What is wrong, without secrets; empty if the export was taken, or is not OTLP.
    """
    if destination.exporter != "otlp":
        return ""
    if destination.protocol == "grpc":
        return "exectrail sends OTLP over HTTP; set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"
    if urlsplit(destination.url).scheme not in ("http", "https"):
        return "not an http address"
    headers = {
        "Content-Type": "application/x-protobuf",
        **_headers(destination.signal, environment),
    }
    request = Request(destination.url, b"", headers, method="POST")  # noqa: S310  checked above
    try:
        with urlopen(request, timeout=TIMEOUT, context=_tls(environment)):  # noqa: S310
            return ""
    except HTTPError as error:
        error.close()
        return f"answers {error.code} {error.reason}"
    except URLError as error:
        return f"not reachable: {getattr(error.reason, 'strerror', None) or error.reason}".lower()
    except (OSError, ValueError) as error:
        return f"not reachable: {type(error).__name__}"


def without_password(url: str) -> str:
    """An address without user, password and query, where tokens tend to stand."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def _headers(signal: str, environment: Mapping[str, str]) -> dict[str, str]:
    from opentelemetry.util.re import parse_env_headers

    text = environment.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_HEADERS") or environment.get(
        "OTEL_EXPORTER_OTLP_HEADERS", ""
    )
    return dict(parse_env_headers(text, liberal=True))


def _tls(environment: Mapping[str, str]) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=environment.get("OTEL_EXPORTER_OTLP_CERTIFICATE"))
    certificate = environment.get("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE")
    if certificate:
        context.load_cert_chain(certificate, environment.get("OTEL_EXPORTER_OTLP_CLIENT_KEY"))
    return context
