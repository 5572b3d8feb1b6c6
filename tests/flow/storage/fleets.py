"""What alert rules are asked about: pieces of fleets, written into the store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from exectrail.conventions import names
from exectrail.rollup import Fold
from exectrail.storage.client import Client

from .program import Program, new_id


def now() -> datetime:
    """The time, at which a test is run: not when it was collected."""
    return datetime.now(UTC)


def ended(store: Client, workflow: str, *outcomes: str, cost: float = 0.1) -> None:
    """Runs that ended four minutes ago, one for each outcome."""
    made = now() - timedelta(minutes=5)
    store.insert(
        "runs",
        [
            {
                "created": made,
                "execution_id": new_id(made),
                "folded": now(),
                "made": made,
                "workflow": workflow,
                "name": workflow,
                "outcome": outcome,
                "state": "completed",
                "effective_state": "completed",
                "ended_at": now() - timedelta(minutes=4),
                "cost": cost,
            }
            for outcome in outcomes
        ],
    )


def used(store: Client, *, calls: int, priced: int, cost: float, workflow: str = "flow") -> None:
    """Calls of this hour, in the roll-ups."""
    row = {
        "workflow": workflow,
        "provider": "acme",
        "model": "m-1",
        "currency": "USD",
        "folded": now(),
        "calls": calls,
        "priced_calls": priced,
        "cost": cost,
    }
    hour = now().replace(minute=0, second=0, microsecond=0)
    store.insert("usage_hourly", [{"hour": hour} | row])
    store.insert("usage_daily", [{"day": now().date()} | row])


def spent(
    store: Client, days_back: int, by_hour: Mapping[int, float], workflow: str = "flow"
) -> None:
    """US dollars of a workflow on a day, by the hour (UTC)."""
    day = now().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days_back)
    store.insert(
        "usage_hourly",
        [
            {
                "hour": day + timedelta(hours=hour),
                "workflow": workflow,
                "provider": "acme",
                "model": "m-2",
                "currency": "USD",
                "folded": now(),
                "calls": 1,
                "priced_calls": 1,
                "cost": cost,
            }
            for hour, cost in by_hour.items()
        ],
    )


def unusual(store: Client) -> None:
    """Three weeks of the workflow flow, whose last hour cost ten times as much."""
    hour = now().replace(minute=0, second=0, microsecond=0)
    store.insert(
        "runs_hourly",
        [
            {
                "hour": hour - timedelta(hours=back),
                "workflow": "flow",
                "folded": now(),
                "runs": 40,
                "success": 40,
                "cost": 40.0 if back == 1 else 4.0,
            }
            for back in range(20 * 24)
        ],
    )


def silent_stuck_and_paused(
    store: Client, program: Callable[..., Program], send: Callable[..., None]
) -> tuple[str, str]:
    """A process that went, a run that hangs, a run that waits for a day; ids of the latter two."""
    living, dead = program(), program(host="gone", pid=7)
    hung = living.start("workflow", "hung", -7000.0)
    waits = living.start("workflow", "waits", -90_000.0)
    waits.move("paused", -89_000.0, **{names.EXECUTION_RESUME_KEY: "k"})
    living.beat(-1.0)
    dead.beat(-120.0)
    send(living, dead)
    for _ in Fold(store).run():
        pass
    return hung.id, waits.id
