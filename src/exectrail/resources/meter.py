"""The meter of a process: looks when executions begin and end and on a beat, and tells their part.

Everything is looked at as rarely as exactness allows. An execution that is not told of is only
counted, for whoever has company is not alone; the meters are read where one that is told of begins
or ends, and where the number of those that share changes.
"""

from __future__ import annotations

import threading
from typing import Final

from exectrail.conventions.names import Kind, ResourceScope
from exectrail.execution import Execution, Resources
from exectrail.guard import guard
from exectrail.resources.gauge import Gauge, Reading, gauge
from exectrail.resources.peaks import Peaks
from exectrail.resources.shares import Account, Group, alone, got, join, leave, settle
from exectrail.resources.threads import Threads, in_event_loop

_TELL: Final = guard("resources.tell")
MOST_OPEN: Final = 100_000
"""Open executions that are kept count of; with more of them, none is alone."""
RESIDENT_EVERY: Final = 0.1
"""Seconds for which the resident size holds. New peaks of the process are seen without it."""
TOLD_AFTER: Final = (5.0, 10.0, 20.0, 40.0, 60.0)
"""Seconds until a long execution is told of, and again; the last goes on. One that is killed has
lost at most the last half of its life, and at most a minute."""
MOST_TOLD: Final = 200
"""Executions told of on one beat: being watched does not grow with the work."""
_OVERFLOWED: Final = 1 << 62


class ProcessMeter:
    """Measures the executions of this process.

    Args:
        everything: Tell of every execution; else of those without a parent here, and of agents.
        by: What is read.
    """

    def __init__(self, *, everything: bool = False, by: Gauge | None = None) -> None:
        self._everything = everything
        self._gauge = by or gauge()
        # Re-entrant: a signal handler or the garbage collector may end an execution in here.
        self._lock = threading.RLock()
        self._accounts: dict[str, Account] = {}
        self._threads = Threads()
        self._peaks = Peaks()
        self._moment = 0
        self._changes = 0
        self._last = self._gauge.process()
        self._resident = 0
        self._resident_at = float("-inf")
        self._roots = Group(None)
        self._due: tuple[dict[Execution, float], ...] = tuple({} for _ in TOLD_AFTER)

    def began(self, execution: Execution) -> None:
        """An execution begins on the running thread."""
        with self._lock:
            if len(self._accounts) >= MOST_OPEN:
                self._roots.crowded = _OVERFLOWED
                return
            self._changes += 1
            group = self._group(execution)
            account = Account(group, self._changes, self._threads.here())
            told = self._everything or execution.kind is Kind.AGENT or _is_first(execution)
            if told or group.members:
                reading = self._look()
                settle(group, reading)
                if told:
                    self._measure(account, reading)
                    self._due[0][execution] = reading.at + TOLD_AFTER[0]
            join(group, account)
            self._threads.began(account, group.owner)
            self._accounts[execution.id] = account

    def ended(self, execution: Execution) -> Resources | None:
        """An execution ends. What it took, where that is to be told."""
        with self._lock:
            account = self._accounts.pop(execution.id, None)
            if account is None:
                return None
            self._changes += 1
            staying = account.children is not None and bool(account.children.members)
            taken = None
            if account.start is not None or len(account.group.members) > 1 or staying:
                reading = self._look()
                settle(account.group, reading)
                if staying and account.children is not None:
                    settle(account.children, reading)
                if account.start is not None:
                    taken = self._taken(account, account.start, reading, ending=True)
                    for level in self._due:
                        level.pop(execution, None)
            self._threads.ended(account)
            leave(account, self._changes)
            return taken

    def leave_alone(self, execution: Execution) -> None:
        """The program tells of this one itself: it is only counted from now on."""
        with self._lock:
            account = self._accounts.get(execution.id)
            if account is not None:
                account.start = None
            for level in self._due:
                level.pop(execution, None)

    def beat(self, last: bool = False) -> None:
        """Look at the memory, and tell of those that have been open for long.

        Args:
            last: The process ends: tell of all, to a limit.
        """
        if not self._accounts:
            return
        told: list[tuple[Execution, Resources]] = []
        with self._lock:
            reading = self._look()
            for execution, account, start in self._those_due(reading.at, last):
                settle(account.group, reading)
                told.append((execution, self._taken(account, start, reading, ending=False)))
        for execution, taken in told:
            with _TELL:
                execution.engine.measured(execution, taken)

    # -- looking ---------------------------------------------------------------------------------

    def _look(self) -> Reading:
        """Read the meters, and note what memory was held since the last look."""
        reading = self._gauge.process()
        if reading.peak > self._last.peak:
            self._peaks.add(self._moment, reading.peak)
        self._last = reading
        if reading.at - self._resident_at >= RESIDENT_EVERY:
            self._resident_at = reading.at
            self._resident = self._gauge.resident()
            self._peaks.add(self._moment, self._resident)
            self._peaks.add(self._moment + 1, self._resident)
        self._moment += 1  # what comes now belongs to those that begin now, too
        return reading

    def _group(self, execution: Execution) -> Group:
        """Where an execution belongs: among the open children of its parent."""
        above = execution.parent
        while above is not None:
            account = self._accounts.get(above.id)
            if account is not None:
                if account.children is None:
                    account.children = Group(account)
                return account.children
            above = above.parent
        return self._roots

    def _measure(self, account: Account, reading: Reading) -> None:
        account.start = reading
        account.moment = self._moment
        account.children_cpu = self._gauge.children()
        account.loop = in_event_loop()
        if not account.loop:
            account.thread_start = self._gauge.thread()

    # -- telling ---------------------------------------------------------------------------------

    def _those_due(self, now: float, last: bool) -> list[tuple[Execution, Account, Reading]]:
        """Those to tell of, some at most; they are due again later, unless this is the end."""
        found: list[tuple[Execution, Account, Reading]] = []
        for place, level in enumerate(self._due):
            later = min(place + 1, len(TOLD_AFTER) - 1)
            # Each level has one delay, so its first is its earliest.
            while level and len(found) < MOST_TOLD:
                execution = next(iter(level))
                if level[execution] > now and not last:
                    break
                level.pop(execution, None)
                account = self._accounts.get(execution.id)
                if account is None or account.start is None:
                    continue
                found.append((execution, account, account.start))
                if not last:
                    self._due[later][execution] = now + TOLD_AFTER[later]
        return found

    def _taken(
        self, account: Account, start: Reading, reading: Reading, *, ending: bool
    ) -> Resources:
        """What it took so far; its group is settled."""
        memory = self._peaks.since(account.moment) or self._resident or None
        mine = got(account)
        seconds = reading.at - start.at
        share = min(1.0, max(0.0, mine.seconds / seconds)) if seconds > 0 else 1.0
        cpu, read, written = mine.cpu, int(mine.read), int(mine.written)
        scope = ResourceScope.SHARED
        if alone(account):
            scope, share = ResourceScope.EXCLUSIVE, 1.0
            cpu = reading.cpu - start.cpu + self._gauge.children() - account.children_cpu
            read, written = reading.read - start.read, reading.written - start.written
        elif ending and account.thread_start is not None and self._threads.alone(account):
            scope = ResourceScope.EXCLUSIVE
            then, now = account.thread_start, self._gauge.thread()
            cpu = now.cpu - then.cpu
            if now.read is not None and now.written is not None:
                read, written = now.read - (then.read or 0), now.written - (then.written or 0)
        disk = self._gauge.tells_disk
        return Resources(
            cpu_seconds=max(0.0, cpu),
            memory_peak_bytes=memory,
            disk_read_bytes=max(0, read) if disk else None,
            disk_write_bytes=max(0, written) if disk else None,
            scope=scope,
            share=round(share, 4),
        )


def _is_first(execution: Execution) -> bool:
    """Whether nothing above it is of this process: it may have come by a fork."""
    return execution.parent is None or execution.parent.engine is not execution.engine
