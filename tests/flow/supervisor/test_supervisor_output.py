"""`exectrail run --capture-output`: what passes through, and what is kept of it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from exectrail.conventions import names
from exectrail.testing.sink import SentLog, Sink

from .supervised import PYTHON, RUN, settings

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals and processes of POSIX"),
]

CAPTURED = [*RUN, "--capture-output"]


class Line(NamedTuple):
    """A line that was kept."""

    stream: str
    level: str
    text: str


class Bench:
    """Runs programs whose output is captured."""

    def __init__(self, directory: Path, sink: Sink) -> None:
        self.directory = directory
        self.sink = sink
        self.environment = settings(directory / "spool", sink.url)
        self.started: list[subprocess.Popen[bytes]] = []

    def start(self, *words: str, **more: Any) -> subprocess.Popen[bytes]:
        """A program in a session of its own, so that nothing of it outlives the test."""
        process = subprocess.Popen(
            [*CAPTURED, *words],
            env=self.environment,
            cwd=self.directory,
            stdout=subprocess.PIPE,
            start_new_session=True,
            **more,
        )
        self.started.append(process)
        return process

    def end(self) -> None:
        """Kill what is left, whose supervisor may be dead."""
        for process in self.started:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(20)
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    stream.close()

    def run(self, *words: str, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [*CAPTURED, *words],
            input=data,
            env=self.environment,
            cwd=self.directory,
            capture_output=True,
            timeout=60,
        )

    @property
    def records(self) -> list[SentLog]:
        return [log for log in list(self.sink.logs) if names.LOG_IOSTREAM in log.attributes]

    @property
    def lines(self) -> list[Line]:
        return [
            Line(
                log.attributes[names.LOG_IOSTREAM],
                log.record.severity_text,
                log.record.body.string_value,
            )
            for log in self.records
        ]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Sink() as sink:
        bench = Bench(tmp_path, sink)
        yield bench
        bench.end()


def test_lines_pass_and_are_kept_with_their_stream(bench: Bench):
    done = bench.run("sh", "-c", "echo one; echo two >&2; printf three; exit 3")

    assert (done.returncode, done.stdout, done.stderr) == (3, b"one\nthree", b"two\n")
    assert sorted(bench.lines) == [
        Line("stderr", "ERROR", "two"),
        Line("stdout", "INFO", "one"),
        Line("stdout", "INFO", "three"),
    ]


def test_without_the_option_nothing_is_kept(bench: Bench):
    code = "import exectrail\nwith exectrail.workflow('w'): print('secret')"
    subprocess.run([*RUN, PYTHON, "-c", code], env=bench.environment, check=True)

    assert bench.sink.logs != []
    assert bench.lines == []


def test_bytes_pass_as_they_are(bench: Bench):
    data = os.urandom(2_000_000)
    done = bench.run("sh", "-c", "cat; echo end >&2", data=data)

    assert done.stdout == data
    assert done.stderr == b"end\n"


def test_secrets_in_kept_lines_are_scrubbed_and_pass_through(bench: Bench):
    secret = "AKIA" + "Z" * 12 + "FAKE"
    done = bench.run("echo", f"key {secret}")

    assert done.stdout == f"key {secret}\n".encode()
    assert len(bench.lines) == 1
    assert secret not in bench.lines[0].text
    assert bench.lines[0].text.startswith("key [redacted:")


def test_lines_belong_to_the_process_that_announced_itself(bench: Bench):
    code = (
        "import exectrail, time\n"
        "print('before', flush=True)\n"
        "with exectrail.workflow('w'): print('within', flush=True)\n"
    )
    done = bench.run("sh", "-c", f'{PYTHON} -c "$0"; true', code)

    assert done.stdout == b"before\nwithin\n"
    workers = {
        log.resource.get(names.WORKER_ID)
        for log in bench.sink.logs
        if log.name == names.EVENT_WORKER_STARTED
    }
    assert len(workers) == 1
    assert {log.resource.get(names.WORKER_ID) for log in bench.records} == workers


def test_lines_are_kept_with_their_time_and_order(bench: Bench):
    began = time.time_ns()
    bench.run("sh", "-c", "for i in 1 2 3; do echo $i; sleep 0.1; done")

    times = [log.record.time_unix_nano for log in bench.records]
    assert [line.text for line in bench.lines] == ["1", "2", "3"]
    assert times == sorted(set(times)), "each has its own"
    assert began < times[0] < times[-1] < time.time_ns()


def test_a_line_passes_before_the_next_one_is_written(bench: Bench):
    script = "echo question; read answer; echo $answer"
    process = bench.start("sh", "-c", script, stdin=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"question\n"

    assert process.communicate(b"answer\n", timeout=20) == (b"answer\n", None)


def test_a_long_line_is_kept_in_part(bench: Bench):
    done = bench.run(PYTHON, "-c", "print('long ' * 40_000); print('next')")

    assert len(done.stdout) == 200_001 + 5
    first, second = bench.lines
    assert 1000 < len(first.text) <= 16_384
    assert (first.text[:10], second.text) == ("long long ", "next")


def test_a_program_that_floods_its_output_is_passed_whole_and_its_end_is_not_kept_up(
    bench: Bench,
):
    began = time.monotonic()
    done = bench.run("sh", "-c", "yes 0123456789 | head -n 300000; echo last")

    assert done.stdout == b"0123456789\n" * 300_000 + b"last\n"
    assert time.monotonic() - began < 20
    assert bench.lines[-1].text == "last"


def test_when_nobody_reads_any_more_the_program_learns_it_as_without_us(bench: Bench):
    process = bench.start("sh", "-c", "yes; true", stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    process.stdout.read(100)
    process.stdout.close()

    assert process.wait(20) == 0


def test_when_the_supervisor_is_killed_output_still_passes(bench: Bench):
    code = (
        "import os, time\n"
        "print(os.getppid(), flush=True)\n"
        "while not os.path.exists('go'): time.sleep(0.02)\n"
        "for _ in range(3000): print('x' * 100)\n"
        "print('end')\n"
    )
    process = bench.start(PYTHON, "-c", code)
    assert process.stdout is not None
    assert int(process.stdout.readline()) == process.pid
    process.send_signal(signal.SIGKILL)
    assert process.wait(10) == -signal.SIGKILL
    (bench.directory / "go").touch()

    rest = process.stdout.read()  # until the program has ended, and its output with it
    assert rest == (b"x" * 100 + b"\n") * 3000 + b"end\n"


def test_what_a_child_writes_after_the_program_has_ended_still_passes(bench: Bench):
    process = bench.start("sh", "-c", "(sleep 0.5; echo late) & echo early")
    assert process.stdout is not None
    assert process.wait(10) == 0

    assert process.stdout.read() == b"early\nlate\n"


# -- on a terminal ------------------------------------------------------------------------------

ABOUT = """
import os, signal, sys
signal.signal(signal.SIGWINCH, lambda *_: print(tuple(os.get_terminal_size(1)), flush=True))
print([os.isatty(n) for n in range(3)], tuple(os.get_terminal_size(1)), flush=True)
print("a\\tb", flush=True)
os.write(2, b"error\\n")
sys.stdin.readline()
"""


def test_on_a_terminal_the_program_has_one_too(bench: Bench):
    pid, descriptor = os.forkpty()
    if pid == 0:
        os.execve(CAPTURED[0], [*CAPTURED, PYTHON, "-c", ABOUT], bench.environment)
    got = b""

    def read_until(text: bytes) -> None:
        nonlocal got
        end = time.monotonic() + 15
        while text not in got and time.monotonic() < end:
            if select.select([descriptor], [], [], 0.1)[0]:
                with contextlib.suppress(OSError):
                    got += os.read(descriptor, 4096)
        assert text in got

    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    read_until(b"error\r\n")
    read_until(b"a\tb\r\n")
    assert b"[True, True, True]" in got
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 99, 0, 0))
    read_until(b"(99, 33)\r\n")
    os.write(descriptor, b"\n")
    _, status = os.waitpid(pid, 0)
    os.close(descriptor)

    assert os.waitstatus_to_exitcode(status) == 0
    assert b"\r\r\n" not in got
    texts = {(line.stream, line.text) for line in bench.lines}
    assert {("stdout", "a\tb"), ("stderr", "error"), ("stdout", "(99, 33)")} <= texts
