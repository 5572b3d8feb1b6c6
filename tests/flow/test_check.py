"""A program is killed, and the alert rule fires: from the process to the exit code."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import Stack, exectrail, start_stack, stop_stack

_PROGRAM = """
import time
import exectrail
with exectrail.workflow("doomed"):
    print("begun", flush=True)
    time.sleep(600)
"""
PATIENCE = 90.0
"""Seconds: a lease of 45 s, a fold each 15 s, and a busy machine."""


@pytest.fixture
def own_stack(tmp_path: Path) -> Iterator[Stack]:
    yield start_stack(tmp_path / "stack")
    stop_stack(tmp_path / "stack")


@pytest.mark.slow
def test_the_abandonment_rule_fires_after_a_program_was_killed(
    own_stack: Stack, tmp_path: Path
) -> None:
    program, settings = tmp_path / "doomed.py", tmp_path / "alerts.toml"
    settings.write_text("[abandonment_rate]\nleast = 1\n")
    asked = ["check", "--rule", "abandonment_rate", "--settings", settings, "--json"]
    asked += ["--url", own_stack.clickhouse_url]
    environment = os.environ | {"OTEL_EXPORTER_OTLP_ENDPOINT": own_stack.otlp_endpoint}
    pid = tmp_path / "pid"
    program.write_text(f"import os; open({str(pid)!r}, 'w').write(str(os.getpid()))\n{_PROGRAM}")
    with subprocess.Popen(
        [sys.executable, "-m", "exectrail", "run", sys.executable, str(program)],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "begun\n"
        assert exectrail(*asked).returncode == 0
        os.kill(int(pid.read_text()), signal.SIGKILL)
        killed = time.monotonic()
        running.wait(timeout=60)

    while (done := exectrail(*asked)).returncode == 0:
        assert time.monotonic() - killed < PATIENCE
    took = time.monotonic() - killed
    print(f"fired {took:.1f} s after the kill")

    assert done.returncode == 1, done.stderr
    [fired] = [json.loads(line) for line in done.stdout.splitlines()]
    assert (fired["rule"], fired["subject"], fired["value"]) == ("abandonment_rate", "doomed", 1)
    assert fired["summary"] == "100% of the runs of doomed died"
