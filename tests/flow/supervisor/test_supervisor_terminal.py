"""`exectrail run` on a terminal: its keys, its size, its end, and the job control of a shell."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import shutil
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Iterator

import pytest

from .supervised import LINUX, PYTHON, RUN, SAYS_SIGNALS, children, state, until, usual_signals

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="signals and process groups of POSIX"),
]


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
