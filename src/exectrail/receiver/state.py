"""What the process says of itself in its directory, and whether that process still is the one.

A pid alone may be another program's by now, so the time at which the process started stands beside
it, as the kernel counts it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from exectrail.config import load

STATE_FILE: Final = "state.json"
LOG_FILE: Final = "exectrail.log"
OWN_TOKEN_FILE: Final = "own-token"  # noqa: S105 - the name of a file
"""Holds a token of this run for commands of the same user on this machine; readable by nobody
else."""
HOST: Final = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class State:
    """A running stack.

    Attributes:
        pid: Its process.
        pid_started: When the kernel says that the process started, in the kernel's own words.
        otlp_port: Where it takes OTLP/HTTP.
        clickhouse_port: Where it answers the ClickHouse HTTP protocol.
        version: Version of exectrail.
        started: When it was ready, RFC 3339, UTC.
        host: By what name or address programs reach it, as it stands in an address.
        tls: Whether both ports speak TLS.
        own_port: Where it answers its own commands on loopback, where the others are not plain.
    """

    pid: int
    pid_started: str
    otlp_port: int
    clickhouse_port: int
    version: str
    started: str
    host: str = HOST
    tls: bool = False
    own_port: int = 0

    @property
    def otlp_endpoint(self) -> str:
        """Where programs send to."""
        return f"{self._scheme}://{self.host}:{self.otlp_port}"

    @property
    def clickhouse_url(self) -> str:
        """Where queries go."""
        return f"{self._scheme}://{self.host}:{self.clickhouse_port}"

    @property
    def own_url(self) -> str:
        """Where questions of commands on this machine go."""
        return f"http://{HOST}:{self.own_port or self.clickhouse_port}"

    @property
    def _scheme(self) -> str:
        return "https" if self.tls else "http"

    @property
    def is_alive(self) -> bool:
        """Whether the process is there, and is the one that wrote this."""
        return process_started(self.pid) == self.pid_started != ""


def default_path() -> Path:
    """EXECTRAIL_PATH or `path` in exectrail.toml, else `exectrail` in the user's data directory."""
    configured = load().path
    if configured:
        return Path(configured).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "exectrail"
    data = os.environ.get("XDG_DATA_HOME", "")
    return (Path(data) if data else Path.home() / ".local" / "share") / "exectrail"


def read_state(path: Path) -> State | None:
    """What a directory says of the stack in it; None if it says nothing that can be read."""
    try:
        return State(**json.loads((path / STATE_FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def write_state(path: Path, state: State) -> None:
    """Say it in the directory, at once as a whole."""
    text = json.dumps(asdict(state), indent=2) + "\n"
    new = path / f"{STATE_FILE}.new"
    new.write_text(text, encoding="utf-8")
    new.replace(path / STATE_FILE)


def remove_state(path: Path) -> None:
    """Take it back, and the token with it."""
    (path / STATE_FILE).unlink(missing_ok=True)
    (path / OWN_TOKEN_FILE).unlink(missing_ok=True)


def write_own_token(path: Path, token: str) -> None:
    """Leave a token for commands of the same user."""
    file = path / OWN_TOKEN_FILE
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as opened:
        opened.write(token)


def read_own_token(path: Path) -> str:
    """The token that the stack left; empty if it needs none."""
    try:
        return (path / OWN_TOKEN_FILE).read_text(encoding="ascii")
    except OSError:
        return ""


def process_started(pid: int) -> str:
    """When a process started, in words that are the same at each asking; empty if it has ended."""
    if sys.platform == "linux":
        try:
            stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
        # proc(5): the name is in brackets and may hold anything; then state, ..., starttime (22nd).
        fields = stat.rpartition(")")[2].split()
        return "" if fields[0] in ("Z", "X") else fields[19]
    done = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return done.stdout.strip()
