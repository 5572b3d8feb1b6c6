"""The runtime of this process set up for a test, and programs that set one up themselves."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from exectrail import runtime
from exectrail.config import Config
from exectrail.conventions import names
from exectrail.execution import Executions
from exectrail.testing.sink import Sink

STATE = names.EVENT_EXECUTION_STATE_CHANGED


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """A process in which nothing was set up, and none of it stays."""
    restore = runtime.install(Executions())
    yield
    runtime.shutdown()
    restore()


@pytest.fixture
def armed(sink: Sink, monkeypatch: pytest.MonkeyPatch) -> Sink:
    """Switched on, with the sink as receiver."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", sink.url)
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.namespace=shop")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "orders")
    assert runtime.arm(Config())
    return sink


def run(
    code: str, *arguments: str, wait: float = 60, cwd: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a program that arms the runtime; it must end within `wait` seconds."""
    whole = "from exectrail import runtime\nimport exectrail\n" + textwrap.dedent(code)
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", whole, *arguments],
        capture_output=True,
        text=True,
        timeout=wait,
        cwd=cwd,
        env={"PATH": "/usr/bin:/bin", **environment},
    )


def told(sink: Sink, event: str = STATE) -> list[tuple[str, str]]:
    """Names and states of the events that came, in their order."""
    return [
        (str(log.attributes.get(names.EXECUTION_NAME)), str(log.attributes[names.EXECUTION_STATE]))
        for log in sink.logs
        if log.name == event
    ]
