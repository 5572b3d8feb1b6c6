"""The examples, and other programs, under `exectrail run` with a receiver of the test's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).parents[3] / "examples"
PROGRAMS = Path(__file__).parents[1] / "programs"
LEASE = 2.0


def environment(endpoint: str, project: str, **more: str) -> dict[str, str]:
    """Variables of a program that reports to an endpoint."""
    return {
        **os.environ,
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_RESOURCE_ATTRIBUTES": f"service.namespace={project}",
        "EXECTRAIL_LEASE": str(LEASE),
        **more,
    }


def under_exectrail(program: Path, *words: str, options: Sequence[str] = ()) -> list[str]:
    command = [sys.executable, "-m", "exectrail", "run", *options]
    return [*command, sys.executable, str(program), *words]


def run(variables: Mapping[str, str], program: Path, *words: str) -> str:
    """Run a program to its end; what it prints."""
    done = subprocess.run(
        under_exectrail(program, *words),
        env=dict(variables),
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout


def kill_in_second_step(variables: Mapping[str, str], seen: Callable[[], bool]) -> None:
    """Start the long job, and kill it when its second step was seen, with nobody to tell of it."""
    with subprocess.Popen(
        under_exectrail(EXAMPLES / "nightly_index.py", "600", options=["--exec"]),
        env=dict(variables),
        stdout=subprocess.PIPE,
    ) as job:
        wait_until(seen)
        job.send_signal(signal.SIGKILL)


def wait_until(true: Callable[[], Any], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)
