"""Signals to `exectrail run`, to its program or to both: each reaches the program once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from .supervised import LINUX, PYTHON, RUN, SAYS_SIGNALS, Running, children, state, until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="signals and process groups of POSIX"),
]

FORWARDED = ["HUP", "INT", "QUIT", "ABRT", "USR1", "USR2", "PIPE", "ALRM", "TERM", "URG", "WINCH"]


@pytest.mark.parametrize("name", FORWARDED)
def test_a_signal_to_us_alone_reaches_the_program_once(run: Callable[..., Running], name: str):
    running = run(PYTHON, "-c", SAYS_SIGNALS)
    running.line()

    running.process.send_signal(getattr(signal, f"SIG{name}"))

    assert running.line() == f"SIG{name}"
    running.process.send_signal(signal.SIGTTIN)
    assert running.line() == "SIGTTIN", "it came twice"


@LINUX
@pytest.mark.parametrize("name", ["INT", "TERM", "HUP", "USR1"])
def test_a_signal_to_the_group_reaches_the_program_once(run: Callable[..., Running], name: str):
    running = run(PYTHON, "-c", SAYS_SIGNALS)
    running.line()

    for _ in range(5):
        os.killpg(running.process.pid, getattr(signal, f"SIG{name}"))
        assert running.line() == f"SIG{name}"
        assert running.line(0.1) == ""
    running.process.send_signal(getattr(signal, f"SIG{name}"))
    assert running.line() == f"SIG{name}"
    assert running.line(0.1) == ""


@LINUX
def test_a_service_manager_that_signals_every_process_is_heard_once(run: Callable[..., Running]):
    running = run(PYTHON, "-c", SAYS_SIGNALS)
    program = int(running.line().split()[0])
    standby = children(running.process.pid) - {program}
    assert len(standby) == 1

    for pid in (running.process.pid, program, *standby):
        os.kill(pid, signal.SIGTERM)

    assert running.line() == "SIGTERM"
    assert running.line(0.1) == ""


def test_a_program_that_signals_its_group_does_not_get_it_back(run: Callable[..., Running]):
    running = run("sh", "-c", "trap 'echo got' TERM; kill -TERM 0; sleep 0.2; echo end")

    assert running.process.communicate(timeout=20) == (b"got\nend\n", b"")
    assert running.process.returncode == 0


def test_a_signal_that_was_ignored_at_our_start_still_reaches_a_program_that_handles_it(
    environment: dict[str, str],
):
    process = subprocess.Popen(
        [*RUN, PYTHON, "-c", SAYS_SIGNALS],
        env=environment,
        stdout=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)

    assert process.stdout.readline() == b"SIGINT\n"
    process.kill()
    process.stdout.close()
    process.wait(10)


@LINUX
def test_who_ends_all_that_are_called_as_we_are_ends_the_program(run: Callable[..., Running]):
    running = run(PYTHON, "-c", SAYS_SIGNALS)
    program, us = map(int, running.line().split())
    called = [
        pid
        for pid in {us, program, *children(us)}
        if b"exectrail" in Path(f"/proc/{pid}/cmdline").read_bytes()
        or "exectrail" in Path(f"/proc/{pid}/comm").read_text()
    ]
    for pid in called:
        os.kill(pid, signal.SIGTERM)

    assert called == [us]
    assert running.line() == "SIGTERM"


@LINUX
def test_stopped_and_continued_alone_the_program_goes_on(run: Callable[..., Running]):
    running = run(PYTHON, "-c", SAYS_SIGNALS)
    program, us = map(int, running.line().split())

    os.kill(program, signal.SIGSTOP)
    assert until(lambda: state(program) == "T")
    assert state(us) != "T", "nobody would continue us"
    os.kill(us, signal.SIGCONT)

    assert running.line() == "SIGCONT"
    os.kill(us, signal.SIGUSR1)
    assert running.line() == "SIGUSR1"


@LINUX
def test_the_program_runs_on_to_its_end_when_we_are_killed(run: Callable[..., Running]):
    running = run(PYTHON, "-c", SAYS_SIGNALS + "\n")
    program, us = map(int, running.line().split())
    standby = children(us) - {program}

    os.kill(us, signal.SIGKILL)
    assert running.process.wait(10) == -signal.SIGKILL
    assert until(lambda: all(state(pid) == "" for pid in standby))

    os.kill(program, signal.SIGUSR1)
    assert running.line() == "SIGUSR1"
    os.kill(program, signal.SIGKILL)


@LINUX
def test_when_our_second_process_is_killed_signals_still_pass(run: Callable[..., Running]):
    running = run(PYTHON, "-c", SAYS_SIGNALS)
    program, us = map(int, running.line().split())
    (standby,) = children(us) - {program}
    os.kill(standby, signal.SIGKILL)
    assert until(lambda: state(standby) == "")

    os.kill(us, signal.SIGTERM)

    assert running.line() == "SIGTERM"
