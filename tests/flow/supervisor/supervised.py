"""Programs under `exectrail run`, and what can be seen of processes."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

PYTHON = sys.executable
RUN = [str(Path(sys.executable).with_name("exectrail")), "run"]
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="needs pidfd and /proc")
SAYS_SIGNALS = """
import os, signal, sys, time
out = os.dup(1)
def said(number, _):
    os.write(out, f"{signal.Signals(number).name}\\n".encode())
for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD}:
    if not hasattr(signal, "SIGRTMIN") or number < signal.SIGRTMIN:
        signal.signal(number, said)
os.write(out, f"{os.getpid()} {os.getppid()}\\n".encode())
while True:
    signal.pause()
"""
"""Writes its id and its parent's, then the name of each signal that it gets."""


def settings(spool: Path, endpoint: str) -> dict[str, str]:
    """The environment of this process, with settings of the test instead of any of ours."""
    ours = ("OTEL_", "EXECTRAIL_", "PYTHON", "COVERAGE")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    return kept | {
        "EXECTRAIL_SPOOL": str(spool),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
    }


def usual_signals() -> None:
    """Whoever runs the tests may ignore some, as a shell's background job does."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


class Running:
    """A supervised program, in a session and process group of its own."""

    def __init__(self, environment: dict[str, str], *words: str, options: tuple[str, ...] = ()):
        self.process = subprocess.Popen(
            [*RUN, *options, *words],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=usual_signals,
        )
        self.got = b""

    def line(self, timeout: float = 10.0) -> str:
        """The next line of its output; empty where none comes in that time."""
        assert self.process.stdout is not None
        end = time.monotonic() + timeout
        while b"\n" not in self.got:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                return ""
            part = os.read(self.process.stdout.fileno(), 4096)
            if not part:
                return ""
            self.got += part
        line, _, self.got = self.got.partition(b"\n")
        return line.decode()

    def end(self) -> int:
        """Kill what is left of it."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate(timeout=20)
        return self.process.returncode


def line(process: subprocess.Popen[str]) -> str:
    """The next line of a program's output."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def until(so: Callable[[], bool], timeout: float = 10.0) -> bool:
    """Whether something is so before long."""
    end = time.monotonic() + timeout
    while not so():
        if time.monotonic() > end:
            return False
        select.select([], [], [], 0.01)
    return True


def state(pid: int) -> str:
    """The state of a process, as one letter; empty once it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    return text[text.rindex(")") + 2]


def children(pid: int) -> set[int]:
    found = set[int]()
    for task in Path(f"/proc/{pid}/task").iterdir():
        found |= {int(word) for word in (task / "children").read_text().split()}
    return found


UNSHARE = ["unshare", "--pid", "--fork", "--mount-proc"]


def may_unshare() -> bool:
    if shutil.which("unshare") is None:
        return False
    return subprocess.run([*UNSHARE, "true"], capture_output=True).returncode == 0


IN_CONTAINER = pytest.mark.skipif(
    not may_unshare(), reason="no process id namespaces to be made here"
)
