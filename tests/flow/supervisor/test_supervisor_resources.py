"""What a supervisor tells of what a process had used, where that could not tell it any more."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exectrail.conventions import names
from exectrail.testing.sink import Sink

from .supervised import RUN, line, settings

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="needs pidfd and /proc"),
]

MB = 1_000_000
BURNS = """
import os, signal, sys, time
import exectrail

def burn(seconds, megabytes=0):
    held = bytearray(megabytes * 1_000_000)
    del held
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
"""
FIGURES = (
    names.RESOURCE_CPU_TIME,
    names.RESOURCE_MEMORY_PEAK,
    names.RESOURCE_DISK_READ,
    names.RESOURCE_DISK_WRITE,
)


class Bench:
    def __init__(self, directory: Path, sink: Sink) -> None:
        self.directory = directory
        self.sink = sink
        self.started: list[subprocess.Popen[str]] = []

    def run(self, code: str, **environment: str) -> subprocess.Popen[str]:
        file = self.directory / "program.py"
        file.write_text(BURNS + code)
        process = subprocess.Popen(
            [*RUN, sys.executable, str(file)],
            env=settings(self.directory / "spool", self.sink.url) | environment,
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.started.append(process)
        return process

    def told(self, event: str, pid: int = 0) -> list[dict[str, Any]]:
        """What the supervisor said of a process, its figures alone, in order."""
        found = [
            log.attributes
            for log in list(self.sink.logs)
            if log.name == event
            and (not pid or log.resource[names.PROCESS_PID] == pid)
            and log.attributes[names.WORKER_SEQUENCE] >= 2**31
        ]
        found.sort(key=lambda told: told[names.WORKER_SEQUENCE])
        return [{name: told[name] for name in FIGURES if name in told} for told in found]

    def at_end(self, pid: int = 0) -> dict[str, Any]:
        self.sink.wait_for(lambda: bool(self.told(names.EVENT_WORKER_EXITED, pid)))
        return self.told(names.EVENT_WORKER_EXITED, pid)[-1]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Sink() as sink:
        bench = Bench(tmp_path, sink)
        yield bench
        for process in bench.started:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate(timeout=20)


def test_of_a_killed_program_all_that_it_used_is_told(bench: Bench) -> None:
    """Its parent is told exactly, however short its life and late its peak was."""
    bench.run("""
with exectrail.workflow("killed"):
    burn(0.4, 200)
    with open("written", "wb") as file:
        file.write(bytes(1_000_000))
        file.flush()
        os.fsync(file.fileno())
    os.kill(os.getpid(), signal.SIGKILL)
""")
    used = bench.at_end()
    assert 0.4 <= used[names.RESOURCE_CPU_TIME] < 5
    assert 200 * MB <= used[names.RESOURCE_MEMORY_PEAK] < 400 * MB
    assert names.RESOURCE_DISK_READ in used
    assert names.RESOURCE_DISK_WRITE in used


@pytest.mark.parametrize("parent", ["os.waitpid(child, 0)", "pass"])
def test_of_a_killed_process_that_another_one_started_the_last_look_is_told(
    bench: Bench, parent: str
) -> None:
    """It is looked at while it lives; and once more where its parent has not collected it."""
    process = bench.run(
        f"""
child = os.fork()
if child == 0:
    with exectrail.workflow("child"):
        burn(0.2, 100)
        print(os.getpid(), flush=True)
        burn(60)
{parent}
time.sleep(60)
""",
        EXECTRAIL_LEASE="1.5",
    )
    pid = int(line(process))

    def seen() -> dict[str, Any]:
        return (bench.told(names.EVENT_WORKER_HEARTBEAT, pid) or [{}])[-1]

    bench.sink.wait_for(lambda: seen().get(names.RESOURCE_MEMORY_PEAK, 0) >= 100 * MB)
    before = seen()
    os.kill(pid, signal.SIGKILL)
    used = bench.at_end(pid)
    # The kernel counts in ticks, and the first look may come before the 0.2 s are burned.
    assert used[names.RESOURCE_CPU_TIME] >= max(0.1, before[names.RESOURCE_CPU_TIME])
    assert used[names.RESOURCE_MEMORY_PEAK] >= 100 * MB
    assert names.RESOURCE_DISK_WRITE in used


def test_of_a_process_that_is_stuck_each_beat_tells_more(bench: Bench) -> None:
    """In one call of C that never lets Python go on."""
    process = bench.run(
        """
with exectrail.workflow("stuck"):
    print(os.getpid(), flush=True)
    10 ** 10 ** 9
""",
        EXECTRAIL_LEASE="1.5",
    )
    pid = int(line(process))

    def cpu() -> list[float]:
        beats = bench.told(names.EVENT_WORKER_HEARTBEAT, pid)
        return [beat[names.RESOURCE_CPU_TIME] for beat in beats]

    bench.sink.wait_for(lambda: len(cpu()) >= 4 and cpu()[-1] > cpu()[1] + 0.3)
    assert cpu() == sorted(cpu())


def test_what_is_not_to_be_measured_is_not(bench: Bench) -> None:
    bench.run('with exectrail.workflow("quiet"): pass', EXECTRAIL_RESOURCES="off")
    assert bench.at_end() == {}
    assert [*filter(None, bench.told(names.EVENT_WORKER_HEARTBEAT))] == []


def test_a_program_that_stops_and_goes_on_is_waited_for_until_it_ends(bench: Bench) -> None:
    """What is read of an end leaves stops as they were."""
    process = bench.run("""
with exectrail.workflow("stops"):
    print(os.getpid(), flush=True)
    for _ in range(3):
        os.kill(os.getpid(), signal.SIGSTOP)
    burn(0.2)
sys.exit(7)
""")
    pid = int(line(process))
    while process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
    assert process.returncode == 7
    assert bench.at_end()[names.RESOURCE_CPU_TIME] >= 0.2
