"""Why an execution is taken for dead, or is to be looked at, in one line."""

from __future__ import annotations

from datetime import datetime, timedelta

from rich.text import Text

from exectrail.cli.screen import View
from exectrail.cli.words import ago, clean, clock, duration
from exectrail.queries import Node, Run


def died(row: Run | Node) -> bool:
    """Whether its end was judged, and not told by the program."""
    return row.effective_state != row.state


def by_its_clock(row: Run | Node) -> datetime | None:
    """Its last sign of life by the clock of its own process, which all other times of it have."""
    if row.last_heartbeat is None:
        return None
    return row.last_heartbeat - timedelta(microseconds=row.clock_offset_us)


def evidence(row: Run | Node, view: View) -> Text:
    """What is known of its process: last sign of life, place, last step, and how it ended.

    The moment is by the clock of the process, like the timeline's; how long ago that was, by ours.
    """
    parts: list[str] = []
    heard = by_its_clock(row)
    if heard is not None and row.last_heartbeat is not None:
        when = f"{clock(heard, view.zone)} ({ago(row.last_heartbeat, view.now)})"
        parts.append(f"last heartbeat {when}")
    if row.host:
        parts.append(f"host {clean(row.host)}")
    if row.pid:
        parts.append(f"pid {row.pid}")
    if isinstance(row, Run) and row.last_step:
        parts.append(f"last step {clean(row.last_step)}")
    if row.signal:
        parts.append(f"killed by {clean(row.signal)}")
    if row.exit_code is not None:
        parts.append(f"exit code {row.exit_code}")
    if row.oom:
        parts.append("out of memory")
    return Text(" · ".join(parts), "red")


def warnings(row: Run | Node) -> list[str]:
    """What each flag means here, the first one with its figures."""
    told: list[str] = []
    for flag in row.flags:
        # The flags of a run are those of its parts too; only its own has figures.
        own = flag == row.health
        told.append(
            f"{clean(flag)}: {_meaning(flag, row)}" if own else f"{clean(flag)}: {_of(flag, row)}"
        )
    return told


def _of(flag: str, row: Run | Node) -> str:
    if isinstance(row, Run):
        return "a part of it; exectrail tree shows which"
    return {
        "stuck": "nothing was heard of it for too long",
        "orphaned": "what waited for it has ended",
        "overdue": "its deadline has passed",
        "slow": "at work for longer than usual",
    }.get(flag, "")


def _meaning(flag: str, row: Run | Node) -> str:
    for_long, allowed = duration(row.flag_s * 1000), duration(row.flag_allowed_s * 1000)
    return {
        "stuck": f"its process lives, but nothing was heard of it for {for_long}"
        f" ({allowed} are allowed)",
        "orphaned": "it is at work, but what waited for it has ended or died",
        "overdue": f"its deadline passed {for_long} ago",
        "slow": f"at work for {for_long} ({allowed} are usual at most)",
    }.get(flag, "")
