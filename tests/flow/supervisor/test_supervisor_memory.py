"""Where memory is short the supervisor is the last to go, and the program is no sooner gone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import os, pathlib, sys, time

def score(process):
    return pathlib.Path(f"/proc/{process}/oom_score_adj").read_text().strip()

until = time.monotonic() + 10
while score(os.getppid()) != sys.argv[1] and time.monotonic() < until:
    time.sleep(0.01)
print(score("self"), score(os.getppid()))
"""
LOWER = """
import pathlib
pathlib.Path("/proc/self/oom_score_adj").write_text("-998")
"""
SCORE = Path("/proc/self/oom_score_adj")
pytestmark = pytest.mark.skipif(not SCORE.exists(), reason="scores of processes are Linux's")


def test_the_kernel_takes_the_supervisor_last_where_that_is_allowed(tmp_path: Path) -> None:
    allowed = subprocess.run([sys.executable, "-c", LOWER], capture_output=True).returncode == 0
    ours = SCORE.read_text().strip()
    wanted = "-998" if allowed else ours
    done = subprocess.run(
        [sys.executable, "-m", "exectrail", "run", sys.executable, "-c", PROGRAM, wanted],
        env={**os.environ, "EXECTRAIL_SPOOL": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [ours, wanted]
    assert done.stderr == ""
