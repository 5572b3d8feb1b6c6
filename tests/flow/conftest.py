"""One embedded stack for all tests that send to it or ask it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from exectrail.receiver.state import State, read_state
from exectrail.storage.client import Client, connect


@dataclass(frozen=True)
class Stack:
    """A running `exectrail up`, a process of its own on ports of its own.

    Attributes:
        path: Its directory.
        otlp_endpoint: Where OTLP/HTTP is taken, without /v1/...
        clickhouse_url: Where the ClickHouse HTTP protocol is answered; the tables are there.
        state: What it says of itself.
    """

    path: Path
    otlp_endpoint: str
    clickhouse_url: str
    state: State


def exectrail(*arguments: str | int | Path) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    command = [sys.executable, "-m", "exectrail", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def start_stack(path: Path) -> Stack:
    """Start a stack in a directory, on free ports."""
    done = exectrail("up", "--detach", "--path", path, "--otlp-port", 0, "--clickhouse-port", 0)
    assert done.returncode == 0, done.stdout + done.stderr
    state = read_state(path)
    assert state is not None
    return Stack(path, state.otlp_endpoint, state.clickhouse_url, state)


def stop_stack(path: Path) -> None:
    """Stop it again."""
    done = exectrail("down", "--path", path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack that all tests of a session share. Its tables hold rows of other tests, too."""
    path = tmp_path_factory.mktemp("stack")
    started = start_stack(path)
    yield started
    stop_stack(path)


@pytest.fixture(scope="module")
def client(stack: Stack) -> Iterator[Client]:
    """A connection to its tables."""
    with connect(stack.clickhouse_url) as opened:
        yield opened
