"""What `exectrail status` says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from exectrail import queries
from exectrail.clickhouse_http.engine import is_open
from exectrail.receiver.state import State, read_own_token, read_state
from exectrail.storage.client import connect


@dataclass(frozen=True, slots=True)
class Report:
    """What a directory holds.

    Attributes:
        path: The directory.
        bytes_on_disk: What it takes on the disk.
        running: Whether some process has it open.
        state: What the running stack says of itself; None while it starts or stops.
        rows: Rows by table; only of a stack that is ready.
        last_canary: When the pipeline last heard itself; only of a stack that is ready.
        health: Whether silence means something; only of a stack that is ready.
    """

    path: Path
    bytes_on_disk: int
    running: bool
    state: State | None
    rows: Mapping[str, int]
    last_canary: datetime | None
    health: str

    def as_json(self) -> dict[str, object]:
        """The same for programs."""
        state = self.state
        return {
            "running": self.running,
            "path": str(self.path),
            "pid": state and state.pid,
            "version": state and state.version,
            "started": state and state.started,
            "otlp_endpoint": state and state.otlp_endpoint,
            "clickhouse_url": state and state.clickhouse_url,
            "bytes_on_disk": self.bytes_on_disk,
            "rows": dict(self.rows),
            "last_canary": self.last_canary and self.last_canary.isoformat(),
            "health": self.health,
        }

    def lines(self) -> list[str]:
        """The same for people."""
        size = f"{self.bytes_on_disk / 2**20:.1f} MiB"
        if not self.running:
            return [f"Not running. {self.path}, {size}. Start it with: exectrail up --detach"]
        state = self.state
        if state is None:
            return [f"Starting or stopping. {self.path}, {size}."]
        canary = f"{self.last_canary:%Y-%m-%d %H:%M:%S} UTC" if self.last_canary else "none yet"
        return [
            f"Running since {state.started}, process {state.pid}, version {state.version}.",
            f"  OTLP/HTTP        {state.otlp_endpoint}",
            f"  ClickHouse HTTP  {state.clickhouse_url}",
            f"  directory        {self.path}, {size}",
            f"  pipeline         {self.health}, last canary {canary}",
            "  rows             " + (_table(self.rows) or "none"),
        ]


def report(path: Path) -> Report:
    """Ask a directory and the stack in it.

    Args:
        path: The directory.

    Raises:
        StorageError: The stack runs, and does not answer.
    """
    running = is_open(path)
    state = read_state(path) if running else None
    if state is not None and not state.is_alive:
        state = None
    rows: dict[str, int] = {}
    last_canary: datetime | None = None
    health = ""
    if state is not None:
        token = read_own_token(path) or None
        with connect(state.own_url, user="reader", password=token) as client:
            rows = {table.name: table.rows for table in client.fetch(queries.stored_tables())}
            for pipeline in client.fetch(queries.pipeline_status()):
                health = pipeline.health
                # The maximum of nothing is the beginning of time.
                last_canary = pipeline.last_canary if pipeline.last_canary.year > 1970 else None
    return Report(path, _bytes_in(path), running, state, rows, last_canary, health)


def _bytes_in(path: Path) -> int:
    size = 0
    for file in path.rglob("*"):
        # Merges remove files while we look.
        try:
            size += file.lstat().st_size
        except OSError:
            continue
    return size


def _table(rows: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in rows.items() if count)
