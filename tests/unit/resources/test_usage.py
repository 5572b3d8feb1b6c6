"""What a whole process has used, looked at from outside."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from exectrail.resources import of_rusage, process_usage

MB = 1_000_000
WORK = """
import os, sys, time
block = bytearray(100_000_000)
del block
while time.process_time() < 0.3: pass
print("ready", flush=True)
sys.stdin.read()
"""


def test_a_living_process_a_zombie_and_one_that_is_gone() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WORK], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()

        living = process_usage(process.pid)
        assert living is not None
        assert 0.2 < (living.cpu_seconds or 0) < 5
        if sys.platform == "linux":
            assert 100 * MB < (living.memory_peak_bytes or 0) < 200 * MB
            assert living.disk_write_bytes is not None

        process.stdin.close()
        if hasattr(os, "waitid"):
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
            zombie = process_usage(process.pid)
            assert zombie is not None
            assert (zombie.cpu_seconds or 0) >= (living.cpu_seconds or 0)
        _, _, used = os.wait4(process.pid, 0)
        process.returncode = 0
        ended = of_rusage(used)
        assert (ended.cpu_seconds or 0) == pytest.approx(living.cpu_seconds or 0, abs=0.2)
        assert (ended.memory_peak_bytes or 0) > 100 * MB

        assert process_usage(process.pid) is None


def test_it_agrees_with_psutil() -> None:
    psutil = pytest.importorskip("psutil")
    process = psutil.Process()
    times = process.cpu_times()
    before = times.user + times.system + times.children_user + times.children_system
    mine = process_usage(os.getpid())

    assert mine is not None
    assert mine.cpu_seconds == pytest.approx(before, abs=0.1)
    if sys.platform == "linux":
        assert (mine.memory_peak_bytes or 0) >= process.memory_info().rss * 0.9
        assert mine.disk_write_bytes == process.io_counters().write_bytes


@pytest.mark.parametrize("pid", [2**22 + 1, -1, 2**40])
def test_what_is_no_process_has_no_usage(pid: int) -> None:
    assert process_usage(pid) is None


def test_asking_loads_no_opentelemetry_and_no_psutil() -> None:
    code = (
        "import os, sys; from exectrail.resources import process_usage\n"
        "assert process_usage(os.getpid())\n"
        "print([name for name in sys.modules if name.startswith(('opentelemetry', 'psutil'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)

    assert (done.stdout, done.stderr) == ("[]\n", "")
