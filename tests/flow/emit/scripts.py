"""Shell scripts that call `exectrail emit`, and what reached the receiver of it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from exectrail.conventions import names
from exectrail.spool import folders
from exectrail.testing.sink import SentLog, Sink

BIN = Path(sys.executable).parent
REFUSED = "http://127.0.0.1:9"
"""Nobody listens there."""


class Shell:
    """A place where scripts run: a spool of its own, and where it is sent."""

    def __init__(self, tmp_path: Path, endpoint: str) -> None:
        self.spool = tmp_path / "spool"
        self.folder = tmp_path
        self.environment: dict[str, str] = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "EXECTRAIL_"))},
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "EXECTRAIL_SPOOL": str(self.spool),
        }

    def run(
        self, text: str, *, shell: str = "sh", **variables: str
    ) -> subprocess.CompletedProcess[str]:
        script = self.folder / "review.sh"
        script.write_text(text)
        return subprocess.run(
            [shell, str(script)],
            env={**self.environment, **variables},
            capture_output=True,
            text=True,
            timeout=60,
        )

    def ship(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(BIN / "exectrail"), "ship", *arguments],
            env={**self.environment, **variables},
            capture_output=True,
            text=True,
            timeout=60,
        )

    def left(self) -> int:
        """Lines that nobody has sent yet."""
        return sum(folder.left() for folder in folders(self.spool))


def until(so: Callable[[], bool], seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not so():
        assert time.monotonic() < deadline, "never so"
        time.sleep(0.02)


def has_exited(sink: Sink, count: int = 1) -> None:
    """Wait until the watched processes are told to have ended, and all that went before is there.

    What calls wrote is sent before that, or later by others: sequence numbers say if some is away.
    """
    sink.wait_for(lambda: sum(log.name == names.EVENT_WORKER_EXITED for log in sink.logs) >= count)


def of(sink: Sink, execution_id: str) -> list[SentLog]:
    """The events of an execution, in order; each once."""
    found = {
        log.attributes[names.EXECUTION_SEQUENCE]: log
        for log in sink.logs
        if log.attributes.get(names.EXECUTION_ID) == execution_id
    }
    return [found[number] for number in sorted(found)]


def shown(logs: list[SentLog]) -> list[str]:
    """Events as words: what moved to which state, or the event's short name."""
    words: list[str] = []
    for log in logs:
        a: Mapping[str, Any] = log.attributes
        if log.name == names.EVENT_EXECUTION_STATE_CHANGED:
            before = a.get(names.EXECUTION_PREVIOUS_STATE, "")
            refused = "" if a.get(names.EXECUTION_VALID, True) else "refused"
            reason = a.get(names.EXECUTION_REASON, "")
            move = f"{before}>{a[names.EXECUTION_STATE]}"
            words.append(" ".join(filter(None, [move, reason, refused])))
        else:
            words.append(log.name.rpartition(".")[2])
    return words
