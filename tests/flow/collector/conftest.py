"""The real collector with our configuration, before a database of the embedded stack."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from exectrail.receiver.state import read_state
from exectrail.storage.client import Client, connect
from exectrail.storage.runner import Runner

ROOT = Path(__file__).parents[3]
SETTINGS = ROOT / "collector"
BINARY = ROOT / ".tools" / "collector" / "otelcol-exectrail"
PROTOBUF = "application/x-protobuf"


def until(true: Callable[[], object], seconds: float = 60, what: str = "") -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, what or "it did not come to pass in time"
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass
class Collector:
    """A collector of our own, in a directory of its own.

    Attributes:
        binary: What to run.
        directory: Holds its queue and its log; a restart finds both again.
        database: Where it writes.
        url: Of the ClickHouse HTTP protocol.
        configs: What to lay over `base`.
        environment: Variables beside those that ports and places need.
        base: What is laid over.
    """

    binary: Path
    directory: Path
    database: str
    url: str
    configs: tuple[Path, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    base: Path = SETTINGS / "config.yaml"

    def __post_init__(self) -> None:
        self.grpc, self.http, self.own, self.health = (free_port() for _ in range(4))
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        return (self.directory / "log").read_text()

    def variables(self) -> dict[str, str]:
        return {
            "EXECTRAIL_CLICKHOUSE_URL": self.url,
            "EXECTRAIL_CLICKHOUSE_DATABASE": self.database,
            "EXECTRAIL_COLLECTOR_QUEUE": str(self.directory / "queue"),
            "EXECTRAIL_COLLECTOR_GRPC_PORT": str(self.grpc),
            "EXECTRAIL_COLLECTOR_HTTP_PORT": str(self.http),
            "EXECTRAIL_COLLECTOR_OWN_PORT": str(self.own),
            "EXECTRAIL_COLLECTOR_HEALTH_PORT": str(self.health),
            "PATH": os.environ["PATH"],
            **self.environment,
        }

    def command(self, verb: str | None = None) -> list[str]:
        words = [str(self.binary), *([verb] if verb else [])]
        for config in (self.base, *self.configs):
            words += ["--config", str(config)]
        return words

    def start(self) -> None:
        """Start, and wait until it takes requests."""
        self.directory.mkdir(parents=True, exist_ok=True)
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command(), env=self.variables(), stdout=log, stderr=log
            )
        until(lambda: self.ended or self.healthy(), what=f"not healthy: {self.log[-2000:]}")
        assert not self.ended, self.log[-2000:]

    @property
    def ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.health}/", timeout=2) as answer:
                return answer.status == 200
        except OSError:
            return False

    def kill(self) -> None:
        """As the kernel does when memory runs out."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        if not self.ended:
            assert self.process is not None
            self.process.terminate()
            self.process.wait(timeout=60)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.http}"


Start = Callable[..., Collector]


def send(
    endpoint: str, signal: str, body: bytes, content_type: str = PROTOBUF, encoding: str = ""
) -> int:
    """Send a request by OTLP/HTTP, and say the status of the answer."""
    headers = {"Content-Type": content_type}
    if encoding:
        headers["Content-Encoding"] = encoding
    request = urllib.request.Request(f"{endpoint}/v1/{signal}", data=body, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def with_ours(theirs: dict[str, Any], ours: dict[str, Any]) -> dict[str, Any]:
    """The two in one, as by hand: no name of theirs is overwritten, lists become longer."""
    merged = dict(theirs)
    for key, value in ours.items():
        if isinstance(value, dict) and key in merged:
            merged[key] = with_ours(merged[key], value)
        elif isinstance(value, list) and key in merged:
            merged[key] = [*merged[key], *value]
        else:
            assert key not in merged
            merged[key] = value
    return merged


@dataclass(frozen=True)
class Stack:
    """A running `exectrail up` that the tests of this folder have for themselves."""

    otlp_endpoint: str
    clickhouse_url: str


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    path = tmp_path_factory.mktemp("stack")
    exectrail("up", "--detach", "--path", path, "--otlp-port", 0, "--clickhouse-port", 0)
    state = read_state(path)
    assert state is not None
    yield Stack(state.otlp_endpoint, state.clickhouse_url)
    exectrail("down", "--path", path)


def exectrail(*arguments: object) -> str:
    """Run a command to its end, and give what it printed."""
    command = [sys.executable, "-m", "exectrail", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def binary() -> Path:
    """The lean distribution, built if it is not there yet."""
    if shutil.which("go") is None and not BINARY.exists():
        pytest.skip("the collector is not built here: make collector needs Go")
    BINARY.parent.mkdir(parents=True, exist_ok=True)
    # Tests may run in several processes; one of them builds.
    with (BINARY.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = subprocess.run(["make", "collector"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return BINARY


@pytest.fixture
def start(binary: Path, collected: Client, stack, tmp_path: Path) -> Iterator[Start]:
    """Starts collectors; they end with the test."""
    with ExitStack() as held:

        def make(*configs: Path, run: bool = True, **environment: str) -> Collector:
            collector = Collector(
                binary,
                tmp_path / f"collector-{uuid.uuid4().hex[:8]}",
                collected.database,
                stack.clickhouse_url,
                configs,
                environment,
            )
            held.callback(collector.stop)
            if run:
                collector.start()
            return collector

        yield make


@pytest.fixture
def collected(stack) -> Iterator[Client]:
    """A database that only a collector fills."""
    name = f"collected_{uuid.uuid4().hex[:8]}"
    with connect(stack.clickhouse_url, database=name) as client:
        Runner(client).apply()
        yield client
        client.command(f"DROP DATABASE {name}")


@pytest.fixture
def received(stack) -> Iterator[Client]:
    """The database that the embedded receiver fills; others fill it, too."""
    with connect(stack.clickhouse_url) as client:
        yield client
