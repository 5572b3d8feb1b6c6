"""Programs under a supervisor that sends to a sink, and what it told of their ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from exectrail.conventions import names
from exectrail.testing.sink import SentLog, Sink

from .supervised import PYTHON, RUN, settings

WORKS = """
import os, signal, sys, time, exectrail
def work():
    with exectrail.workflow("work"):
        print(os.getpid(), flush=True)
        time.sleep(60)
"""


class Bench:
    """Runs programs under a supervisor that sends to a sink."""

    def __init__(self, directory: Path, sink: Sink) -> None:
        self.directory = directory
        self.sink = sink
        self.root = directory / "spool"
        self.environment = settings(self.root, sink.url)
        self.started: list[subprocess.Popen[str]] = []

    def run(self, code: str, *options: str, **environment: str) -> subprocess.Popen[str]:
        """A program that announces itself, prints its id and then does as told."""
        file = self.directory / "program.py"
        file.write_text(WORKS + code)
        return self.start(*RUN, *options, PYTHON, str(file), **environment)

    def start(self, *words: str, **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            words,
            env={**self.environment, **environment},
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.started.append(process)
        return process

    def logs(self, event: str, pid: int = 0) -> list[SentLog]:
        """Events of a process, the supervisor's last."""
        return sorted(
            (
                log
                for log in list(self.sink.logs)
                if log.name == event and (not pid or log.resource[names.PROCESS_PID] == pid)
            ),
            key=lambda log: log.attributes.get(names.WORKER_SEQUENCE, 0),
        )

    def exited(self, pid: int = 0) -> list[dict[str, Any]]:
        """What the supervisor told of ends."""
        return [
            {
                name: log.attributes.get(name)
                for name in (names.WORKER_EXIT_CODE, names.WORKER_SIGNAL, names.WORKER_OOM)
            }
            for log in self.logs(names.EVENT_WORKER_EXITED, pid)
            if log.attributes[names.WORKER_SEQUENCE] >= 2**31
        ]

    def wait_exited(self, pid: int, seconds: float = 10.0) -> dict[str, Any]:
        self.sink.wait_for(lambda: bool(self.exited(pid)), seconds)
        return self.exited(pid)[-1]


def how(code: int | None = None, killed_by: str | None = None, oom: bool | None = False):
    return {
        names.WORKER_EXIT_CODE: code,
        names.WORKER_SIGNAL: killed_by,
        names.WORKER_OOM: oom if sys.platform == "linux" else None,
    }
