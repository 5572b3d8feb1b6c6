"""`exectrail run` as the parent of real programs: what they, and whoever started us, can tell."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="signals and process groups of POSIX"),
]

PYTHON = sys.executable
RUN = [str(Path(sys.executable).with_name("exectrail")), "run"]
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")

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


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    ours = ("OTEL_", "EXECTRAIL_", "PYTHON", "COVERAGE")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    return kept | {
        "EXECTRAIL_SPOOL": str(tmp_path / "spool"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1",
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


@pytest.fixture
def run(environment: dict[str, str]) -> Iterator[Callable[..., Running]]:
    started: list[Running] = []

    def start(*words: str, options: tuple[str, ...] = ()) -> Running:
        started.append(Running(environment, *words, options=options))
        return started[-1]

    yield start
    for running in started:
        running.end()


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


# -- how it ends --------------------------------------------------------------------------------


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


# -- what the program sees ----------------------------------------------------------------------


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


# -- signals ------------------------------------------------------------------------------------

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


# -- a terminal ---------------------------------------------------------------------------------


class Terminal:
    """A shell on a pseudo-terminal of its own."""

    def __init__(self, environment: dict[str, str], *words: str) -> None:
        self.pid, self.descriptor = os.forkpty()
        if self.pid == 0:
            usual_signals()
            os.execvpe(words[0], list(words), environment)
        self.text = b""

    def say(self, data: bytes) -> None:
        os.write(self.descriptor, data)

    def wait_for(self, text: bytes, timeout: float = 15.0) -> bytes:
        """All that came up to and with a text; the next call looks behind it."""
        end = time.monotonic() + timeout
        while text not in self.text:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.descriptor], [], [], left)[0]:
                raise AssertionError(f"no {text!r} in {self.text!r}")
            try:
                self.text += os.read(self.descriptor, 4096)
            except OSError:
                raise AssertionError(f"ended without {text!r}: {self.text!r}") from None
        before, found, self.text = self.text.partition(text)
        return before + found

    def silent(self, seconds: float = 0.2) -> bytes:
        """What comes within that time."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if select.select([self.descriptor], [], [], left)[0]:
                with contextlib.suppress(OSError):
                    self.text += os.read(self.descriptor, 4096)
        return self.text

    def end(self) -> None:
        os.close(self.descriptor)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


@pytest.fixture
def terminal(environment: dict[str, str]) -> Iterator[Callable[..., Terminal]]:
    started: list[Terminal] = []

    def start(*words: str) -> Terminal:
        started.append(Terminal({**environment, "PS1": "$ ", "TERM": "dumb"}, *words))
        return started[-1]

    yield start
    for one in started:
        one.end()


@pytest.mark.parametrize("option", [(), ("--capture-output",)], ids=["plain", "captured"])
@pytest.mark.parametrize(("key", "name"), [(b"\x03", b"SIGINT"), (b"\x1c", b"SIGQUIT")])
def test_a_key_of_the_terminal_reaches_the_program_once(
    terminal: Callable[..., Terminal], key: bytes, name: bytes, option: tuple[str, ...]
):
    shown = terminal(*RUN, *option, PYTHON, "-c", SAYS_SIGNALS)
    us = int(shown.wait_for(b"\n").split()[1])

    for _ in range(3):
        shown.say(key)
        shown.wait_for(name + b"\r\n")
        assert name not in shown.silent()
    # And one to us alone is not taken for the terminal's.
    os.kill(us, getattr(signal, name.decode()))
    shown.wait_for(name + b"\r\n")


@LINUX
def test_a_key_reaches_the_program_once_without_our_second_process_too(
    terminal: Callable[..., Terminal],
):
    shown = terminal(*RUN, PYTHON, "-c", SAYS_SIGNALS)
    program, us = map(int, shown.wait_for(b"\n").split())
    (standby,) = children(us) - {program}
    os.kill(standby, signal.SIGKILL)
    assert until(lambda: state(standby) == "")

    shown.say(b"\x03")
    shown.wait_for(b"SIGINT\r\n")
    assert b"SIGINT" not in shown.silent()


def test_a_terminal_that_changes_its_size_tells_the_program_once(
    terminal: Callable[..., Terminal],
):
    shown = terminal(*RUN, PYTHON, "-c", SAYS_SIGNALS)
    shown.wait_for(b"\n")

    fcntl.ioctl(shown.descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 99, 0, 0))

    shown.wait_for(b"SIGWINCH\r\n")
    assert b"SIGWINCH" not in shown.silent()


def test_a_terminal_that_goes_away_ends_the_program(terminal: Callable[..., Terminal]):
    shown = terminal(
        *RUN, PYTHON, "-c", SAYS_SIGNALS.replace("SIGKILL,", "SIGKILL, signal.SIGHUP,")
    )
    program = int(shown.wait_for(b"\n").split()[0])

    os.close(shown.descriptor)
    gone = until(lambda: state(program) == "")
    shown.descriptor = os.open(os.devnull, os.O_RDONLY)

    assert gone


@LINUX
@pytest.mark.skipif(shutil.which("bash") is None, reason="needs a shell with job control")
def test_the_job_control_of_a_shell_works(terminal: Callable[..., Terminal]):
    shown = terminal("bash", "--norc", "--noprofile", "-i")
    code = SAYS_SIGNALS.replace("SIGKILL,", "SIGKILL, signal.SIGTSTP, signal.SIGCONT,")
    shown.wait_for(b"$ ")
    shown.say(f"cat > $EXECTRAIL_SPOOL.py <<'E'\n{code}\nE\n".encode())
    shown.wait_for(b"$ ")
    shown.say(f"{' '.join(RUN)} {PYTHON} $EXECTRAIL_SPOOL.py; echo code $?\n".encode())
    shown.wait_for(b"echo code $?\r\n")
    program, us = map(int, shown.wait_for(b"\n").split())

    shown.say(b"\x1a")
    shown.wait_for(b"Stopped")
    assert {state(program), state(us)} == {"T"}

    shown.wait_for(b"$ ")
    shown.say(b"bg\n")
    assert until(lambda: "T" not in (state(program), state(us)))

    shown.wait_for(b"$ ")
    shown.say(b"fg\n")
    shown.wait_for(b"\r\n")
    shown.silent()
    shown.say(b"\x03")
    shown.wait_for(b"SIGINT\r\n")
    assert b"SIGINT" not in shown.silent()

    shown.say(b"\x1a")
    shown.wait_for(b"Stopped")
    shown.wait_for(b"$ ")
    shown.say(b"kill -KILL %1; fg; echo killed\n")
    shown.wait_for(b"\r\nkilled")


# -- the first process of a container -----------------------------------------------------------

UNSHARE = ["unshare", "--pid", "--fork", "--mount-proc"]


def may_unshare() -> bool:
    if shutil.which("unshare") is None:
        return False
    return subprocess.run([*UNSHARE, "true"], capture_output=True).returncode == 0


IN_CONTAINER = pytest.mark.skipif(
    not may_unshare(), reason="no process id namespaces to be made here"
)


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
