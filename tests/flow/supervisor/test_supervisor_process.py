"""`exectrail run` as the parent of real programs: what they, and whoever started us, can tell."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .supervised import (
    IN_CONTAINER,
    LINUX,
    PYTHON,
    RUN,
    UNSHARE,
    Running,
    children,
    state,
    until,
    usual_signals,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="signals and process groups of POSIX"),
]


@pytest.mark.parametrize("code", [0, 1, 3, 42, 127, 255])
def test_the_exit_code_is_the_programs(environment: dict[str, str], code: int):
    done = subprocess.run([*RUN, "sh", "-c", f"exit {code}"], env=environment, capture_output=True)

    assert (done.returncode, done.stdout, done.stderr) == (code, b"", b"")


@pytest.mark.parametrize("name", ["HUP", "INT", "QUIT", "ABRT", "KILL", "SEGV", "PIPE", "TERM"])
def test_a_program_that_was_killed_gives_128_and_the_signal(
    environment: dict[str, str], name: str, tmp_path: Path
):
    words = ["sh", "-c", f"ulimit -c 0; kill -{name} $$; sleep 9"]
    done = subprocess.run(
        [*RUN, *words], env=environment, cwd=tmp_path, timeout=20, preexec_fn=usual_signals
    )

    assert done.returncode == 128 + getattr(signal, f"SIG{name}")


@LINUX
def test_no_process_of_ours_is_left(run: Callable[..., Running]):
    running = run("sh", "-c", "true & sleep 0.1; echo $$; wait")
    program = int(running.line())

    def of_the_session() -> list[str]:
        stats: list[str] = []
        for path in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):  # it ended meanwhile
                stats.append(path.read_text())
        session = str(running.process.pid)
        return [text for text in stats if text.rpartition(")")[2].split()[3] == session]

    assert running.process.wait(20) == 0
    assert state(program) == ""
    assert until(lambda: of_the_session() == [])


def test_input_output_and_errors_pass(environment: dict[str, str]):
    data = os.urandom(300_000)
    done = subprocess.run(
        [*RUN, "sh", "-c", "cat; echo oops >&2"], input=data, env=environment, capture_output=True
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, data, b"oops\n")


SEES = """
import json, os, signal, sys
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(json.dumps({
    "group": os.getpgrp() == os.getpgid(os.getppid()),
    "session": os.getsid(0) == os.getsid(os.getppid()),
    "blocked": status["SigBlk"].strip(),
    "ignored": status["SigIgn"].strip(),
    "descriptors": sorted(int(n) for n in os.listdir("/proc/self/fd")),
    "environment": sorted(set(os.environ) - {"_", "PWD", "SHLVL", "OLDPWD"}),
    "umask": os.umask(0),
    "nice": os.nice(0),
}, sort_keys=True))
"""


@LINUX
def test_a_program_sees_two_variables_more_and_another_parent(
    environment: dict[str, str], tmp_path: Path
):
    (tmp_path / "sees.py").write_text(SEES)
    held = os.open(os.devnull, os.O_RDONLY)

    def unusual() -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGUSR2, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])

    def seen(*before: str) -> dict[str, Any]:
        done = subprocess.run(
            [*before, PYTHON, "-S", str(tmp_path / "sees.py")],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            preexec_fn=unusual,
            pass_fds=[held],
        )
        assert done.stderr == ""
        return json.loads(done.stdout)

    without, with_us = seen(), seen(*RUN)
    os.close(held)

    assert held in without["descriptors"]
    more = {"EXECTRAIL_SUPERVISOR", "PYTHONPATH"}
    assert with_us == without | {"environment": sorted({*without["environment"], *more})}


def test_a_reader_sees_that_the_program_closed_its_output(run: Callable[..., Running]):
    running = run(PYTHON, "-c", "import os, time; os.close(1); time.sleep(60)")
    assert running.process.stdout is not None

    assert select.select([running.process.stdout], [], [], 10)[0]
    assert running.process.stdout.read(1) == b""
    assert running.process.poll() is None


@IN_CONTAINER
def test_the_first_process_of_a_container_reaps_orphans_and_exits_as_the_program(
    environment: dict[str, str],
):
    script = "(sh -c 'sleep 0.2 & echo $!' &) ; sleep 0.6; ps -e -o stat= | grep -c Z; exit 5"
    done = subprocess.run(
        [*UNSHARE, *RUN, "sh", "-c", script], env=environment, capture_output=True, timeout=30
    )

    assert done.stdout.split()[-1] == b"0", "a zombie was left"
    assert (done.returncode, done.stderr) == (5, b"")


@IN_CONTAINER
@pytest.mark.parametrize("name", ["TERM", "INT"])
def test_the_first_process_of_a_container_passes_the_signal_to_stop(
    environment: dict[str, str], name: str
):
    process = subprocess.Popen(
        [*UNSHARE, *RUN, PYTHON, "-c", "print('up', flush=True); import time; time.sleep(60)"],
        env=environment,
        stdout=subprocess.PIPE,
        preexec_fn=usual_signals,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"up\n"
    (first,) = children(process.pid)
    os.kill(first, getattr(signal, f"SIG{name}"))

    assert process.wait(20) == (143 if name == "TERM" else 130)
    process.stdout.close()
