"""`exectrail run CMD ...`: replaces itself with a program whose Python processes are observed.

All it changes is PYTHONPATH, so that Python finds `startup/sitecustomize.py`. The program keeps the
process id, the terminal, the signals and the exit code it would have without us.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from shutil import which
from typing import Final

STARTUP: Final = str(Path(__file__).with_name("startup"))
"""The folder with our sitecustomize."""
NOT_FOUND: Final = 127
NOT_EXECUTABLE: Final = 126
"""Exit codes of POSIX shells for a program that is not there, and one that cannot be run."""

HELP: Final = """\
usage: exectrail run [--] CMD [ARG ...]

Run a program, observed, with no change to it: installed adapters hook their frameworks in it and in
every Python process it starts. Signals, output and the exit code are the program's own.

Where the telemetry goes, the standard variables of OpenTelemetry say; by default to the embedded
stack (exectrail up) on http://127.0.0.1:4318.

examples:
  exectrail run python app.py
  exectrail run uv run -m my_agents --fast
  exectrail run pytest tests
  OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318 exectrail run ./start.sh

exit code: the program's; 127 if it is not found, 126 if it cannot be run."""


def main(arguments: Sequence[str]) -> int:
    """Replace this process with a program.

    Args:
        arguments: The words after `run`.

    Returns:
        Only if that failed, or help was asked for: the exit code.
    """
    words = list(arguments)
    if words and words[0] in ("-h", "--help"):
        print(HELP)
        return 0
    if words and words[0] == "--":
        del words[0]
    elif words and words[0].startswith("-"):
        print(f"exectrail run: unknown option {words[0]}", file=sys.stderr)
        return 2
    if not words:
        print(HELP, file=sys.stderr)
        return 2
    return replace_process(words, observed(original_environment()))


def observed(environment: Mapping[str, str]) -> dict[str, str]:
    """A copy of an environment in which Python processes are observed."""
    path = environment.get("PYTHONPATH", "")
    others = [entry for entry in path.split(os.pathsep) if entry != STARTUP] if path else []
    return {**environment, "PYTHONPATH": os.pathsep.join([STARTUP, *others])}


def original_environment() -> dict[str, str]:
    """The environment that this process was started with.

    Python sets LC_CTYPE by itself in the C locale (PEP 538), and would hand it on.
    """
    environment = dict(os.environ)
    started_with = Path("/proc/self/environ")
    if "LC_CTYPE" in environment and started_with.exists():
        names = {entry.partition(b"=")[0] for entry in started_with.read_bytes().split(b"\0")}
        if b"LC_CTYPE" not in names:
            del environment["LC_CTYPE"]
    return environment


def replace_process(words: Sequence[str], environment: Mapping[str, str]) -> int:
    """Execute a program in place of this process.

    Returns:
        Only if that failed: the exit code that a shell would give.
    """
    for name in ("SIGPIPE", "SIGXFSZ"):  # Python ignores them, and an ignored signal is inherited
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_DFL)
    program = words[0]
    place = which(program, path=environment.get("PATH"))
    try:
        try:
            os.execvpe(program, list(words), dict(environment))  # noqa: S606  this is the job
        except OSError as error:
            if error.errno != errno.ENOEXEC or place is None:
                raise
            # A script without an interpreter line: shells, and execvp of the C library, do this.
            os.execve("/bin/sh", ["sh", place, *words[1:]], dict(environment))  # noqa: S606
    except FileNotFoundError:
        if place is None:
            return _failed(program, "command not found", NOT_FOUND)
        return _failed(program, "its interpreter was not found", NOT_EXECUTABLE)
    except OSError as error:
        return _failed(program, (error.strerror or "cannot be run").lower(), NOT_EXECUTABLE)


def _failed(program: str, why: str, code: int) -> int:
    print(f"exectrail run: {program}: {why}", file=sys.stderr)
    return code
