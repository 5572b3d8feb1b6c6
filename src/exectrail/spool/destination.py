"""Where telemetry is sent: the OTEL_EXPORTER_OTLP_* variables, and one request to it.

https://opentelemetry.io/docs/specs/otel/protocol/exporter/ says what each variable means; those of
one signal win over the general ones. Lines are OTLP/JSON already and go as they are; they go as
protobuf where OTEL_EXPORTER_OTLP_PROTOCOL asks for `http/protobuf`.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Final
from urllib.parse import unquote, urlsplit, urlunsplit

from exectrail.config import DEFAULT_ENDPOINT
from exectrail.guard import guard
from exectrail.loading import LOADING

JSON: Final = "application/json"
PROTOBUF: Final = "application/x-protobuf"
TIMEOUT_S: Final = 10.0
"""The default of OTEL_EXPORTER_OTLP_TIMEOUT."""
_LATE: Final = ("encodings.idna", "netrc")
"""What is imported amid the first request."""
SIGNALS: Final = ("traces", "logs", "metrics")


@dataclass(frozen=True, slots=True)
class Target:
    """Where one signal goes."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    timeout_s: float = TIMEOUT_S
    gzip: bool = False
    protobuf: bool = False
    verify: bool | str = True
    """Whether the receiver's certificate is checked, or the file with those to trust."""
    client_certificate: tuple[str, str] | str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a request."""

    delivered: bool
    refused: bool = False
    """The receiver will never take it."""
    retry_after_s: float = 0.0
    problem: str = ""
    """In words for the user, without any secret."""


class Destination:
    """Where the signals go.

    Args:
        targets: By signal.
        session: The HTTP session to use; made when it is first needed if left out.
    """

    def __init__(self, targets: Mapping[str, Target], session: Any = None) -> None:
        self.targets = dict(targets)
        self._session = session

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Destination:
        """The one that the variables name; the embedded stack's address by default."""
        env = os.environ if environment is None else environment
        return cls({signal: _target(signal, env) for signal in SIGNALS})

    @property
    def endpoint(self) -> str:
        """What tells one destination from another: the address of its events, without secrets."""
        return public(self.targets["logs"].url)

    def send(self, signal: str, body: bytes, timeout_s: float = 0.0) -> Answer:
        """Send one request of OTLP/JSON.

        Args:
            signal: traces, logs or metrics.
            body: An export request.
            timeout_s: Seconds, where it must be less than the target's own.
        """
        target = self.targets[signal]
        headers = {**target.headers, "Content-Type": JSON}
        if target.protobuf:
            with LOADING:
                from exectrail.spool.protobuf import to_protobuf

            body = to_protobuf(signal, body)
            headers["Content-Type"] = PROTOBUF
        if target.gzip:
            body = gzip.compress(body, compresslevel=5)
            headers["Content-Encoding"] = "gzip"
        with LOADING:
            import requests

            for name in _LATE:
                import_module(name)
            if self._session is None:
                self._session = _session()
        limit = min(target.timeout_s, timeout_s) if timeout_s else target.timeout_s
        # A header that the user set goes as it is: without this, what ~/.netrc has for the host
        # would take its place.
        named = any(name.lower() == "authorization" for name in headers)
        own = getattr(self._session, "auth", None)
        try:
            response = self._session.post(
                target.url,
                data=body,
                headers=headers,
                timeout=limit,
                verify=target.verify,
                cert=target.client_certificate,
                auth=_as_it_is if named and own is None else None,
                allow_redirects=False,
                stream=False,
            )
        except requests.exceptions.RequestException as error:
            return Answer(False, problem=_in_words(error, public(target.url)))
        except (
            OSError,
            ValueError,
        ) as error:  # a certificate file that is not there, a bad address
            return Answer(False, problem=f"{public(target.url)}: {type(error).__name__}")
        return _answer(response, public(target.url))

    def close(self) -> None:
        """Close its connections."""
        if self._session is not None:
            with guard("spool.close"):
                self._session.close()


def public(url: str) -> str:
    """An address without the name and password, and the query, that may stand in it."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _as_it_is(request: Any) -> Any:
    return request


def _session() -> Any:
    import requests

    named = os.environ.get("OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER", "")
    if named:
        from importlib.metadata import entry_points

        with guard("spool.session"):
            for entry in entry_points(group="opentelemetry_otlp_credential_provider", name=named):
                return entry.load()()
    return requests.Session()


def _answer(response: Any, url: str) -> Answer:
    status = response.status_code
    kind = str(response.headers.get("Content-Type", "")).split(";")[0].strip().lower()
    if 200 <= status < 300:
        if not response.content or kind in (JSON, PROTOBUF):
            return Answer(True)
        # Something else answers there: a proxy's page, another service.
        return Answer(False, problem=f"{url} answered {status} with {kind or 'no content type'}")
    problem = f"{url} answered {status}"
    if status in (401, 403):
        problem += ": see OTEL_EXPORTER_OTLP_HEADERS for the token"
    if status in (400, 413, 415, 422):
        return Answer(False, refused=True, problem=problem)
    wait = 0.0
    with guard("spool.retry_after"):
        word = str(response.headers.get("Retry-After", "0"))
        wait = float(word) if word.isdecimal() else 0.0
    return Answer(False, retry_after_s=wait, problem=problem)


def _in_words(error: Exception, url: str) -> str:
    import requests

    if isinstance(error, requests.exceptions.SSLError):
        return f"{url}: TLS failed; OTEL_EXPORTER_OTLP_CERTIFICATE names the authority to trust"
    if isinstance(error, requests.exceptions.Timeout):
        return f"{url} did not answer in time"
    if isinstance(error, requests.exceptions.ConnectionError):
        return f"{url} cannot be reached"
    return f"{url}: {type(error).__name__}"


def _target(signal: str, env: Mapping[str, str]) -> Target:
    def setting(name: str) -> str:
        own = env.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_{name}", "").strip()
        return own or env.get(f"OTEL_EXPORTER_OTLP_{name}", "").strip()

    url = env.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT", "").strip()
    if not url:
        base = env.get("OTEL_EXPORTER_OTLP_ENDPOINT", "").strip() or DEFAULT_ENDPOINT
        url = f"{base.rstrip('/')}/v1/{signal}"
    if "://" not in url:
        url = f"http://{url}"
    certificate, key = setting("CLIENT_CERTIFICATE"), setting("CLIENT_KEY")
    return Target(
        url,
        _headers(setting("HEADERS")),
        _seconds(setting("TIMEOUT")),
        setting("COMPRESSION").lower() == "gzip",
        setting("PROTOCOL").lower() == "http/protobuf",
        setting("CERTIFICATE") or True,
        (certificate, key) if certificate and key else certificate or None,
    )


def _headers(text: str) -> dict[str, str]:
    """`name=value,name=value`, values URL-encoded, as the W3C baggage header has them."""
    headers: dict[str, str] = {}
    for part in text.split(","):
        name, equals, value = part.partition("=")
        if equals and name.strip():
            headers[unquote(name.strip())] = unquote(value.strip())
    return headers


def _seconds(text: str) -> float:
    """A time-out: seconds, as OpenTelemetry for Python reads the variable."""
    try:
        seconds = float(text)
    except ValueError:
        return TIMEOUT_S
    return seconds if 0 < seconds < 3600 else TIMEOUT_S
