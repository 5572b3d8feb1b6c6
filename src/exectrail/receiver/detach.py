"""Starts the stack as a process of its own, and stops exactly that process again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from exectrail.clickhouse_http.engine import is_open
from exectrail.receiver.exposure import TOKENS
from exectrail.receiver.stack import Settings, StackError
from exectrail.receiver.state import LOG_FILE, State, read_state

START_PATIENCE: Final = 60.0
"""Seconds until both ports must answer and the tables be there."""
STOP_PATIENCE: Final = 30.0
"""Seconds until a stack that was told to stop must have let go of its directory."""
SPEAKER: Final = "exectrail up: "
"""How a line begins in which the stack says why it does not start."""
_POLL: Final = 0.05
_LOG_LIMIT: Final = 10 << 20
"""Bytes of a log that is put aside at the next start."""
_TAIL: Final = 15


def start(settings: Settings) -> State:
    """Start a stack and wait until it is ready.

    Args:
        settings: How to start it.

    Raises:
        StackError: It did not start; the message holds the end of its log.
    """
    path = settings.path
    log_file = path / LOG_FILE
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        if log_file.exists() and log_file.stat().st_size > _LOG_LIMIT:
            log_file.replace(log_file.with_suffix(".log.old"))
        with log_file.open("ab") as log:
            place = log.tell()
            child = _spawn(settings, log.fileno())
    except OSError as error:
        raise StackError(
            f"{path} cannot be used ({error.strerror}). Choose another with --path."
        ) from error
    deadline = time.monotonic() + START_PATIENCE
    while time.monotonic() < deadline:
        code = child.poll()
        if code is not None:
            raise StackError(_tail(log_file, place) or f"It ended at once, with code {code}.")
        state = read_state(path)
        # Written when it is ready, by the child and not by one before it.
        if state is not None and state.pid == child.pid and state.is_alive:
            return state
        time.sleep(_POLL)
    child.terminate()
    raise StackError(
        f"It was not ready after {START_PATIENCE:.0f} s and was told to stop. Its log,"
        f" {log_file}, ends:\n{_tail(log_file, place)}"
    )


def stop(path: Path) -> State | None:
    """Stop the stack of a directory and wait until it has let go of it.

    Args:
        path: The directory.

    Returns:
        What was stopped; None if nothing ran there.

    Raises:
        StackError: Something has the directory open that is not known to be a stack, or the stack
            does not stop.
    """
    if not is_open(path):
        return None
    state = read_state(path)
    if state is None or not _terminate(state):
        raise StackError(
            f"{path} is open in a process that is not known: it is starting, or the file that names"
            " it was removed. Try again; `fuser -v` on the file `lock` in it tells the process."
        )
    deadline = time.monotonic() + STOP_PATIENCE
    while is_open(path) or state.is_alive:
        if time.monotonic() > deadline:
            raise StackError(
                f"Process {state.pid} was told to stop {STOP_PATIENCE:.0f} s ago and has not. Its"
                f" log is {path / LOG_FILE}; `kill -9 {state.pid}` ends it, stored rows stay."
            )
        time.sleep(_POLL)
    return state


def _spawn(settings: Settings, log: int) -> subprocess.Popen[bytes]:
    command = [
        *(sys.executable, "-m", "exectrail.receiver", "--path", str(settings.path.absolute())),
        *("--otlp-port", str(settings.otlp_port)),
        *("--clickhouse-port", str(settings.clickhouse_port)),
        *("--host", settings.exposure.host),
    ]
    certificate = settings.exposure.certificate
    if certificate is not None:
        command += ["--tls-cert", str(certificate.chain), "--tls-key", str(certificate.key)]
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        cwd="/",
        # The stack does not observe itself, even where this command is run under `exectrail run`.
        env={
            **os.environ,
            **_token_files(),
            "EXECTRAIL_DISABLED": "true",
            "OTEL_SDK_DISABLED": "true",
        },
        start_new_session=True,
    )


def _token_files() -> dict[str, str]:
    """The variables that name files with tokens, good in any working directory."""
    names = (f"{name}_FILE" for name in TOKENS)
    return {
        name: str(Path(os.environ[name]).expanduser().absolute())
        for name in names
        if os.environ.get(name)
    }


def _terminate(state: State) -> bool:
    """Send SIGTERM to the process of a state, and to no other; False if it is not there."""
    if not hasattr(os, "pidfd_open"):
        if state.is_alive:
            os.kill(state.pid, signal.SIGTERM)
            return True
        return False
    try:
        process = os.pidfd_open(state.pid)
    except ProcessLookupError:
        return False
    try:
        # The descriptor holds the process, so what is asked now is true of what is signalled.
        if not state.is_alive:
            return False
        signal.pidfd_send_signal(process, signal.SIGTERM)
    except ProcessLookupError:
        return False
    finally:
        os.close(process)
    return True


def _tail(log: Path, place: int) -> str:
    with log.open("rb") as file:
        file.seek(place)
        lines = file.read().decode("utf-8", "replace").strip().splitlines()
    # The engine may write pages about a failure; what the stack says of it is enough.
    said = [line for line in lines if line.startswith(SPEAKER)]
    return "\n".join(said or lines[-_TAIL:])
