"""`exectrail run CMD ...`: a program whose Python processes are observed, and its supervisor.

All that changes for the program is PYTHONPATH, so that Python finds `startup/sitecustomize.py`, and
EXECTRAIL_SUPERVISOR, by which its processes announce themselves; and that it has us as its parent.
`--exec` leaves the parent out: the program takes this process's place.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from exectrail.conventions.ids import uuid7
from exectrail.supervisor import SUPERVISOR, CannotStartError, become, supervise

STARTUP = str(Path(__file__).with_name("startup"))
"""The folder with our sitecustomize."""
_TRUE = frozenset({"1", "true", "yes", "on"})

HELP = """\
usage: exectrail run [--exec | --capture-output] [--] CMD [ARG ...]

Run a program, observed, with no change to it: installed adapters hook their frameworks in it and in
every Python process it starts. Signals, output and the exit code are the program's own.

exectrail stays as the program's parent: it beats for its processes, reports at once how each one
ended, and delivers what one left unsent.

options:
  --exec            do not stay: the program takes the place of this process, as exec in a shell
  --capture-output  keep the program's lines of output too, scrubbed of secrets

Where the telemetry goes, the standard variables of OpenTelemetry say; by default to the embedded
stack (exectrail up) on http://127.0.0.1:4318.

examples:
  exectrail run python app.py
  exectrail run uv run -m my_agents --fast
  exectrail run pytest tests
  OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318 exectrail run ./start.sh

exit code: the program's; 128 + signal if one killed it; 127 if it is not found, 126 if it cannot be
run."""


def main(arguments: Sequence[str]) -> int:
    """Run a program to its end; with `--exec`, replace this process with it.

    Args:
        arguments: The words after `run`.

    Returns:
        The exit code.
    """
    words = list(arguments)
    replace = capture = False
    while words and words[0].startswith("-"):
        word = words.pop(0)
        if word in ("-h", "--help"):
            print(HELP)
            return 0
        if word == "--":
            break
        if word == "--exec":
            replace = True
        elif word == "--capture-output":
            capture = True
        else:
            print(f"exectrail run: unknown option {word}", file=sys.stderr)
            return 2
    if not words:
        print(HELP, file=sys.stderr)
        return 2
    if replace and capture:
        print("exectrail run: --exec leaves nobody to capture the output", file=sys.stderr)
        return 2
    environment = observed(original_environment())
    if replace or disabled(environment) or not hasattr(os, "fork"):
        return replace_process(words, environment)
    supervisor_id = uuid7(time.time_ns())
    environment[SUPERVISOR] = supervisor_id
    return supervise(words, environment, supervisor_id, capture_output=capture)


def observed(environment: Mapping[str, str]) -> dict[str, str]:
    """A copy of an environment in which Python processes are observed."""
    path = environment.get("PYTHONPATH", "")
    others = [entry for entry in path.split(os.pathsep) if entry != STARTUP] if path else []
    return {**environment, "PYTHONPATH": os.pathsep.join([STARTUP, *others])}


def disabled(environment: Mapping[str, str]) -> bool:
    """Whether the environment switches all of it off; then there is nothing to supervise."""
    return (
        environment.get("EXECTRAIL_DISABLED", "").strip().lower() in _TRUE
        or environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    )


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
    try:
        become(words, environment)
    except CannotStartError as error:
        print(f"exectrail run: {error}", file=sys.stderr)
        return error.code
