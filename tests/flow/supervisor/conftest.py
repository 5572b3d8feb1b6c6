"""Programs in an environment of their own, none of which outlives its test."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from exectrail.testing.sink import Sink

from .bench import Bench
from .supervised import Running, settings


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return settings(tmp_path / "spool", "http://127.0.0.1:1")


@pytest.fixture
def run(environment: dict[str, str]) -> Iterator[Callable[..., Running]]:
    started: list[Running] = []

    def start(*words: str, options: tuple[str, ...] = ()) -> Running:
        started.append(Running(environment, *words, options=options))
        return started[-1]

    yield start
    for running in started:
        running.end()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Sink() as sink:
        bench = Bench(tmp_path, sink)
        yield bench
        for process in bench.started:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            if process.stdout is not None and not process.stdout.closed:
                process.communicate(timeout=20)
