"""A stack that asks for tokens and speaks TLS, beside the one that all tests share."""

from __future__ import annotations

import http.client
import os
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest

from exectrail.receiver.state import State, read_state

FULL = "not-a-real-token-for-everything"
INGEST = "not-a-real-token-for-ingest-only"
READ = "not-a-real-token-for-reading-only"


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def code(self) -> str:
        """ClickHouse's code of the error; empty for none."""
        return self.headers.get("X-ClickHouse-Exception-Code", "")


def ask(
    url: str,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    *,
    method: str = "POST",
    path: str = "/",
    trust: str = "",
    **parameters: str,
) -> Answer:
    """Send one request as it is; nothing in the path is changed on the way."""
    address = urlsplit(url)
    host, port = address.hostname or "", address.port
    if address.scheme == "https":
        context = ssl.create_default_context(cafile=trust)
        connection = http.client.HTTPSConnection(host, port, timeout=60, context=context)
    else:
        connection = http.client.HTTPConnection(host, port, timeout=60)
    try:
        where = f"{path}?{urlencode(parameters)}" if parameters else path
        connection.request(method, where, body or None, dict(headers or {}))
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read())
    finally:
        connection.close()


def exectrail(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    command = [sys.executable, "-m", "exectrail", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=120, env={**os.environ, **environment}
    )


@dataclass(frozen=True)
class Certificates:
    """An authority, and a certificate of it for 127.0.0.1 and localhost."""

    authority: Path
    chain: Path
    key: Path
    stranger: Path
    """Another authority, which has nothing to do with it."""


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    at = tmp_path_factory.mktemp("certificates")
    new = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1"
    for command in (
        f"{new} -keyout ca.key -out ca.crt -subj /CN=authority",
        f"{new} -keyout stranger.key -out stranger.crt -subj /CN=stranger",
        f"{new} -keyout one.key -out one.crt -subj /CN=one -CA ca.crt -CAkey ca.key"
        " -addext subjectAltName=IP:127.0.0.1,DNS:localhost -addext basicConstraints=CA:FALSE",
    ):
        try:
            done = subprocess.run(command.split(), cwd=at, capture_output=True, text=True)
        except FileNotFoundError:
            pytest.skip("there is no openssl to make certificates with")
        assert done.returncode == 0, done.stderr
    return Certificates(at / "ca.crt", at / "one.crt", at / "one.key", at / "stranger.crt")


@dataclass(frozen=True)
class Guarded:
    """A stack behind tokens and TLS, that was started in the background.

    Attributes:
        path: Its directory.
        state: What it says of itself.
        authority: Whom to trust.
        said: What the command that started it printed.
    """

    path: Path
    state: State
    authority: str
    said: str

    def send(
        self, signal: str, body: bytes, token: str = "", content_type: str = "application/json"
    ) -> Answer:
        headers = {"Content-Type": content_type}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        return ask(
            self.state.otlp_endpoint,
            body,
            headers,
            path=f"/v1/{signal}",
            trust=self.authority,
        )

    def sql(self, statement: str, headers: Mapping[str, str], **parameters: str) -> Answer:
        return ask(
            self.state.clickhouse_url,
            statement.encode(),
            headers,
            trust=self.authority,
            **parameters,
        )


@pytest.fixture(scope="session")
def guarded(
    tmp_path_factory: pytest.TempPathFactory, certificates: Certificates
) -> Iterator[Guarded]:
    path = tmp_path_factory.mktemp("guarded")
    file = path / "the token"
    file.write_text(f"{FULL}\n")
    started = subprocess.run(
        [
            *(sys.executable, "-m", "exectrail", "up", "--detach", "--path", str(path / "data")),
            *("--otlp-port", "0", "--clickhouse-port", "0", "--host", "0.0.0.0"),
            *("--tls-cert", str(certificates.chain), "--tls-key", str(certificates.key)),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=path,
        env={
            **os.environ,
            "EXECTRAIL_TOKEN_FILE": "the token",
            "EXECTRAIL_INGEST_TOKEN": INGEST,
            "EXECTRAIL_READ_TOKEN": READ,
        },
    )
    assert started.returncode == 0, started.stdout + started.stderr
    state = read_state(path / "data")
    assert state is not None
    said = started.stdout + started.stderr
    yield Guarded(path / "data", state, str(certificates.authority), said)
    done = exectrail("down", "--path", path / "data")
    assert done.returncode == 0, done.stdout + done.stderr
