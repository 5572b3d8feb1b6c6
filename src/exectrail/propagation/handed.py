"""What was handed down to this process: by a task, a fork, multiprocessing or the environment."""

from __future__ import annotations

import os
import sys
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Final

from exectrail.execution import Execution, Remote
from exectrail.execution.current import innermost
from exectrail.guard import report
from exectrail.propagation import arrival
from exectrail.propagation.parent import VARIABLE, StaleError, read

TRACEPARENT: Final = "TRACEPARENT"
TRACESTATE: Final = "TRACESTATE"
NAMES: Final = (VARIABLE, TRACEPARENT, TRACESTATE)
CONFIG: Final = "exectrail_parent"
"""Where it stands among what multiprocessing gives to a process."""


def find(inherited: Execution | None) -> Execution | None:
    """What an execution of this process lies beneath that has no other of this process around it.

    Args:
        inherited: What a fork left in the context.
    """
    if arrival.text is not None:
        if inherited is not None:
            from exectrail.signals.handed import leave_span_behind

            leave_span_behind(inherited)
        return _brought(arrival.text)
    if inherited is not None:
        return inherited
    if process.forked_from is not None:
        return process.forked_from
    by_server = _by_fork_server()
    return process.environment if by_server is None else _brought(by_server)


class Process:
    """What this process has been given for good."""

    def __init__(self) -> None:
        self.forked_from: Execution | None = None
        """What was around the code that forked."""

    @cached_property
    def at_start(self) -> dict[str, str]:
        """Our variables as they were when the process began."""
        return _environment_at_start()

    @cached_property
    def environment(self) -> Remote | None:
        """The parent that they name."""
        return _from_environment(self.at_start)

    def after_fork_in_child(self) -> None:
        """Threads of a forked child have no context that would tell."""
        found = innermost()
        if found is not None:
            self.forked_from = found


process: Final = Process()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=process.after_fork_in_child)


def _environment_at_start() -> dict[str, str]:
    """Not `os.environ`, where the system tells the other: what the program put there is its own."""
    given = {name: os.environ[name] for name in NAMES if name in os.environ}
    try:
        entries = Path("/proc/self/environ").read_bytes().split(b"\0")
    except OSError:
        return given
    pairs = (os.fsdecode(entry).partition("=") for entry in entries)
    return {name: value for name, _, value in pairs if name in NAMES}


def _from_environment(given: dict[str, str]) -> Remote | None:
    traceparent, tracestate = given.get(TRACEPARENT, ""), given.get(TRACESTATE, "")
    if text := given.get(VARIABLE):
        try:
            return read(text, traceparent=traceparent, tracestate=tracestate)
        except StaleError:
            report("propagation.stale_parent")
            return None
        except ValueError as error:
            report("propagation.garbled_parent", error)
    return Remote("", "", traceparent=traceparent, tracestate=tracestate) if traceparent else None


@lru_cache(maxsize=64)
def _brought(text: str) -> Remote | None:
    if not text:
        return None
    try:
        return read(text, nearest=True)
    except ValueError as error:
        report("propagation.garbled_parent", error)
        return None


def _by_fork_server() -> str | None:
    """What came with this very process; one that it starts itself gets a copy of all else."""
    processes = sys.modules.get("multiprocessing.process")
    if processes is None:
        return None
    current = processes.current_process()
    text, identity = current._config.get(CONFIG, (None, None))
    return text if identity == current._identity else None
