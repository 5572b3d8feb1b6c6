"""Appends what `queries/judge_due.sql` finds, with last step, time and rule version."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final, Protocol, TypeVar

from exectrail import queries
from exectrail.config import Config
from exectrail.queries import Finding, Query, Watch

R = TypeVar("R")

RULE_VERSION: Final = "2"
"""Goes up whenever the SQL behind a verdict comes to judge otherwise."""

LOOK_EVERY: Final = 15.0
"""Seconds from one look to the next where something is open, though nobody seems to have died."""
LOOK_AT_LEAST_EVERY: Final = 60.0
"""Seconds from one look to the next where nothing is open."""
BASELINES_EVERY: Final = 600.0
"""Seconds from one reckoning of what is usual to the next."""
_REST: Final = 24
"""How many times as long as a look the time to the next one is at least, unless somebody died."""

FINDINGS_AT_ONCE: Final = 4000
"""How many verdicts are written at once: their ids stand in the address of a request, of 1 MiB."""

_VERDICTS: Final = "verdicts"
_BASELINES: Final = "baselines"
_SETTINGS: Final = "judge_settings"


def rule_settings(config: Config) -> dict[str, float]:
    """What a process's settings say of the rules, by the columns of the view `judge_rules`."""
    return {"stuck_after_s": config.stuck_after} if config.stuck_after else {}


class Store(Protocol):
    """What the judge needs of a database client (`exectrail.storage.client.Client` has it)."""

    def fetch(self, statement: Query[R], /) -> list[R]: ...

    def insert(self, table: str, rows: Sequence[Mapping[str, object]], /) -> None: ...


class Judge:
    """Compares what holds now with what was said last, and says what is new."""

    def __init__(
        self,
        store: Store,
        clock: Callable[[], datetime] | None = None,
        *,
        settings: Mapping[str, float] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make a judge.

        Args:
            store: Where the executions are and the verdicts go.
            clock: Gives the time of a verdict, aware; the wall clock if left out. What is judged
                does not depend on it: that is decided in SQL, by the store's clock.
            settings: Numbers of the rules, by the columns of the view `judge_rules`; the first
                `attend` writes down those that stand otherwise there.
            monotonic: Seconds, for the pauses between looks.
        """
        self._store = store
        self._clock = clock or _now
        self._settings = dict(settings or {})
        self._monotonic = monotonic
        self._seen: Watch | None = None
        self._next_look = self._last_look = self._next_baselines = float("-inf")

    def run_once(self) -> list[Finding]:
        """Append the verdicts that are due; none if nothing changed since the last time.

        Returns:
            What was appended.

        Raises:
            Exception: What the store raises; what was not appended then, the next run will.
        """
        found = self._store.fetch(queries.judge_due())
        said: dict[str, Any] = {"time": self._clock(), "rule_version": RULE_VERSION}
        for start in range(0, len(found), FINDINGS_AT_ONCE):
            some = found[start : start + FINDINGS_AT_ONCE]
            asked = self._store.fetch(queries.judge_steps([one.segment_id for one in some]))
            steps = {step.segment_id: step.last_step for step in asked}
            self._store.insert(
                _VERDICTS,
                [asdict(one) | {"last_step": steps.get(one.segment_id, "")} | said for one in some],
            )
        return found

    def attend(self) -> list[Finding]:
        """Do what is due by now; to be called again and again, each half second or so.

        That costs a small question as long as nobody dies: a look is taken when somebody has left
        or fallen silent, and else from time to time while something is open.

        Returns:
            The verdicts that were appended.

        Raises:
            Exception: What the store raises; what was not done is done the next time.
        """
        now = self._monotonic()
        if now >= self._next_baselines:
            # Set first: where this cannot be reckoned, people are judged all the same.
            self._next_baselines = now + BASELINES_EVERY
            self.learn()
        [seen] = self._store.fetch(queries.judge_watch())
        if seen == self._seen:
            if now < self._next_look:
                return []
            if now < self._last_look + LOOK_AT_LEAST_EVERY and not self._anything_open():
                self._next_look = now + LOOK_EVERY
                return []
        began = self._monotonic()
        found = self.run_once()
        took = self._monotonic() - began
        self._seen, self._last_look = seen, now
        self._next_look = now + max(LOOK_EVERY, took * _REST)
        return found

    def learn(self) -> None:
        """Write down what was set, and reckon anew what is usual for each kind of execution.

        Raises:
            Exception: What the store raises.
        """
        stand = {
            setting.name: setting.value for setting in self._store.fetch(queries.judge_settings())
        }
        changed = {name: to for name, to in self._settings.items() if stand.get(name) != to}
        if changed:
            self._store.insert(
                _SETTINGS, [{"name": name, "value": to} for name, to in changed.items()]
            )
        usual = self._store.fetch(queries.baselines_due())
        if usual:
            computed = {"computed": self._clock()}
            self._store.insert(_BASELINES, [asdict(one) | computed for one in usual])

    def _anything_open(self) -> bool:
        return any(row.segments for row in self._store.fetch(queries.judge_open()))


def _now() -> datetime:
    return datetime.now(UTC)
