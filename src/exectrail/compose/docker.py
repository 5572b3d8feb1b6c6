"""Calls docker compose in a directory, and waits until the services answer."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from exectrail.compose import environment, files

_POLL: Final = 0.5
_LOCAL: Final = "127.0.0.1"


class DockerError(Exception):
    """docker compose cannot be called; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the services are reached from this machine."""

    otlp_grpc: str
    otlp_http: str
    clickhouse: str
    grafana: str
    collector_health: str

    def health(self) -> dict[str, str]:
        """What answers 200 once a service works, by its name."""
        return {
            "clickhouse": f"{self.clickhouse}/ping",
            "collector": f"{self.collector_health}/",
            "grafana": f"{self.grafana}/api/health",
        }


def endpoints(directory: Path) -> Endpoints:
    """The addresses by the .env of a directory; the environment wins, as with docker compose.

    Raises:
        DockerError: The directory has no .env, or it lacks a port.
    """
    settings = {**_settings(directory), **os.environ}
    host = settings.get("EXECTRAIL_BIND") or _LOCAL
    if host in ("0.0.0.0", "::", "[::]"):  # noqa: S104 - compared, not listened on
        host = _LOCAL

    def address(name: str, host: str = host) -> str:
        port = settings.get(f"EXECTRAIL_{name}_PORT")
        if not port:
            raise DockerError(
                f"{directory / environment.FILE} lacks EXECTRAIL_{name}_PORT."
                " `exectrail stack init` adds what is missing."
            )
        return f"http://{host}:{port}"

    return Endpoints(
        otlp_grpc=address("OTLP_GRPC"),
        otlp_http=address("OTLP_HTTP"),
        clickhouse=address("CLICKHOUSE_HTTP"),
        grafana=address("GRAFANA"),
        collector_health=address("COLLECTOR_HEALTH", _LOCAL),
    )


def compose(directory: Path, *words: str, quiet: bool = False) -> int:
    """Call docker compose as if by hand in a directory, and wait for its end.

    An override file and COMPOSE_FILE in the .env hold, as they do by hand.

    Args:
        directory: Where docker-compose.yml and .env are.
        words: What follows `docker compose`.
        quiet: What it prints goes to standard error.

    Returns:
        Its exit code.

    Raises:
        DockerError: There is no docker, it has no compose, or the directory was not prepared.
    """
    if not (directory / files.COMPOSE_FILE).is_file():
        raise DockerError(
            f"{directory} has no {files.COMPOSE_FILE}. Make it with:"
            f" exectrail stack init {directory}"
        )
    _settings(directory)
    docker = _docker()
    sys.stdout.flush()
    return subprocess.run(
        [docker, "compose", *words],
        cwd=directory,
        stdout=sys.stderr if quiet else None,
        check=False,
    ).returncode


def wait(health: Mapping[str, str], seconds: float) -> list[str]:
    """Wait until services answer.

    Args:
        health: Address of each service's health, by its name.
        seconds: How long, at most; 0 asks nothing.

    Returns:
        Names of those that did not answer in time.
    """
    if seconds <= 0:
        return []
    deadline = time.monotonic() + seconds
    silent = dict(health)
    while True:
        silent = {name: address for name, address in silent.items() if not _answers(address)}
        if not silent or time.monotonic() >= deadline:
            return list(silent)
        time.sleep(_POLL)


def _settings(directory: Path) -> dict[str, str]:
    file = directory / environment.FILE
    try:
        return environment.parse(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise DockerError(
            f"{file} cannot be read ({error.strerror}). Make it with:"
            f" exectrail stack init {directory}"
        ) from error


def _docker() -> str:
    found = shutil.which("docker")
    if found is None:
        raise DockerError(
            "There is no docker on the PATH. Install Docker Engine with its compose plugin"
            " (https://docs.docker.com/engine/install/), or use the embedded stack, which needs"
            " neither: exectrail up"
        )
    asked = subprocess.run([found, "compose", "version"], capture_output=True, check=False)
    if asked.returncode:
        raise DockerError(
            f"{found} has no compose plugin. Install it"
            " (https://docs.docker.com/compose/install/), or use the embedded stack, which needs"
            " no docker: exectrail up"
        )
    return found


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2) as answer:  # noqa: S310 - our own, http
            return answer.status == 200
    except OSError:
        return False
