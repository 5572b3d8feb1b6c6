"""Why an execution is taken for dead, in one line."""

from __future__ import annotations

from rich.text import Text

from exectrail.cli.screen import View
from exectrail.cli.words import ago, clean, clock
from exectrail.queries import Node, Run


def evidence(row: Run | Node, view: View) -> Text:
    """What is known of its process: last sign of life, place, last step, and how it ended."""
    parts: list[str] = []
    if row.last_heartbeat is not None:
        when = f"{clock(row.last_heartbeat, view.zone)} ({ago(row.last_heartbeat, view.now)})"
        parts.append(f"last heartbeat {when}")
    if row.host:
        parts.append(f"host {clean(row.host)}")
    if row.pid:
        parts.append(f"pid {row.pid}")
    if isinstance(row, Run):
        if row.last_step:
            parts.append(f"last step {clean(row.last_step)}")
        if row.signal:
            parts.append(f"killed by {clean(row.signal)}")
        if row.exit_code is not None:
            parts.append(f"exit code {row.exit_code}")
        if row.oom:
            parts.append("out of memory")
    return Text(" · ".join(parts), "red")
