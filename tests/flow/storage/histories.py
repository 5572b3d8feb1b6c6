"""Random histories: programs that run, wait, die and come back, told by clocks that disagree.

`draw(seed, weather)` gives one. A death cuts a program short wherever it is: what comes after
was never written. What was written may be lost, come late, or wait for an outage to end.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from exectrail.conventions import names

from .processes import Gone, H, M, Process, S, Weather, process
from .reference_segments import Event
from .stories import end_of, finish, root_of, work

LOOK = 45 * S
"""How long a test may look: what a lease decides is decided before, or stays open for longer."""


SKEW = 15 * M
"""By so much clocks may differ where one process resumes what another paused."""


_SHOWN = (
    names.EXECUTION_KIND,
    names.EXECUTION_ID,
    names.EXECUTION_PREVIOUS_STATE,
    names.EXECUTION_STATE,
    names.EXECUTION_RESUME_KEY,
    names.WORKER_SIGNAL,
)


@dataclass
class History:
    """What a few processes did that have to do with each other."""

    seed: str
    weather: Weather
    processes: list[Process]

    @property
    def events(self) -> list[Event]:
        return [e for p in self.processes for e in p.events]

    def __str__(self) -> str:
        told = [(e, False) for p in self.processes for e in p.events]
        told += [(e, True) for p in self.processes for e in p.lost]
        told.sort(key=lambda t: t[0].sent)
        return "\n".join([f"history {self.seed}", *(_line(e, lost) for e, lost in told)])


def _line(event: Event, lost: bool) -> str:
    about = [event.get(name) for name in _SHOWN if event.get(name)]
    when = (
        f"{event.sent:>10} clock {event.clock - event.sent:+} after {event.received - event.sent}"
    )
    what = f"{event.worker[-6:]} #{event.sequence} {event.what.rpartition('.')[2]}"
    refused = " REFUSED" if event.get(names.EXECUTION_VALID) == "false" else ""
    return " ".join((when, what, *about)) + refused + (" LOST" if lost else "")


def draw(seed: str, weather: Weather) -> History:
    """A history on which the same seed and weather always agree."""
    for attempt in range(1000):
        chance = random.Random(f"{seed}/{attempt}")
        history = History(f"{seed}/{attempt}", weather, [])
        scale = chance.choice([0, 0, 10 * S, 7 * M, 3 * H])
        loses = chance.choice([0.0, 0.0, 0.0, 0.15])
        if chance.random() < 0.5:
            _thread(history, chance, scale, loses)
        else:
            _single(history, chance, scale, loses)
        for one in history.processes:
            one.live()
        if decided(history) and orderly(history.events):
            return history
    raise AssertionError(f"no history in sight of {seed}")


def _single(history: History, chance: random.Random, scale: int, loses: float) -> None:
    """A run of one process; some parts of it are done by another, which dies on its own."""
    one = process(
        chance, history.weather, -chance.randint(3 * S, 6 * H), chance.randint(-scale, scale), loses
    )
    history.processes.append(one)
    root = root_of(one)
    other: Process | None = None
    try:
        root.start(chance.choice(["created", "queued", "running", "running"]))
        if root.state != "running":
            root.move("running", most=M)
        if chance.random() < 0.4:
            other = process(chance, history.weather, one.at, chance.randint(-scale, scale), loses)
            history.processes.append(other)
            child = root.child("task")
            child.process = other
            with suppress(Gone):
                work(child.start(), 1)
        work(root, 3)
    except Gone:
        pass
    for each in history.processes:
        end_of(each)


def _thread(history: History, chance: random.Random, scale: int, loses: float) -> None:
    """Turns of one durable thread: each starts afresh or takes up a pause, and may pause again."""
    key = f"shop|flow|{history.seed}|"
    at, paused_at, pausing = -chance.randint(10 * M, 12 * H), None, set[str]()
    same: Process | None = None
    for _ in range(chance.randint(1, 5)):
        if at > -5 * S:
            return
        if same and chance.random() < 0.3 and same.at < at < same.end and not same.stopped:
            one = same
            one.at = at
        else:
            one = process(chance, history.weather, at, chance.randint(-scale, scale), loses)
            history.processes.append(one)
        root = root_of(one)
        resumes = paused_at is not None and paused_at < at and chance.random() < 0.75
        try:
            root.start(key=key, resumes=resumes)
            work(root, 1, calm=True)
            if chance.random() < 0.6:
                step = root.child("step")
                step.start(key=f"{key}ask:", resumes=resumes and "ask" in pausing)
                step.use()
                step.pause(f"{key}ask:")
                pausing.add("ask")
            if chance.random() < 0.75:
                root.pause(key)
                paused_at = root.paused_at
            else:
                finish(root)
        except Gone:
            pass
        if one is not same:
            end_of(one)
        same = one
        at = max(at, one.at if chance.random() < 0.8 else at) + chance.choice(
            [20 * S, 5 * M, 2 * H]
        )


def decided(history: History) -> bool:
    """Whether what a lease decides is so for as long as a test looks, even if all came late."""
    for one in history.processes:
        signs = [e for e in one.events if e.what != names.EVENT_WORKER_EXITED]
        if not signs:
            continue
        expiry = max(e.sent for e in signs) + one.lease
        late = min(e.received - e.sent for e in signs)
        if expiry - 5 * S <= LOOK and expiry + late + 5 * S >= 0:
            return False
        if one.set_back and one.set_back[1] < 0 and not _seen_set_back(one.events, one.set_back[0]):
            return False
    return True


def _seen_set_back(events: Sequence[Event], when: int) -> bool:
    """Whether the store can know that a clock was set back.

    It knows by beats that come at their pace: so the latest must have come so, and since. An end
    needs none of this, but what was written before the clock was set, and comes in after the word
    of the end, looks as if it were written after it.
    """
    last = max(events, key=lambda e: e.sent)
    if last.what == names.EVENT_WORKER_EXITED:
        return not any(e.clock > last.clock and e.received > last.received for e in events)
    beats = [e for e in events if e.what == names.EVENT_WORKER_HEARTBEAT]
    latest = sorted(beats, key=lambda e: e.sent)[-3:]
    return all(e.sent >= when and e.received - e.sent <= 11 * S for e in latest)


def orderly(events: Sequence[Event]) -> bool:
    """Whether the store can know in which order things happened on each durable key.

    It can where the clocks agree on the order, or where there is but a pause and its only resume
    and their clocks are less than 15 minutes apart. A resume that such a clock puts before a pause
    could be that pause's; so one whose own pause was lost is told from it only where 15 minutes lie
    between them.
    """
    keys: dict[str, list[Event]] = {}
    for e in events:
        if e.about.get(names.EXECUTION_RESUME_KEY):
            keys.setdefault(e.about[names.EXECUTION_RESUME_KEY], []).append(e)
    return all(_orderly(sorted(told, key=lambda e: e.sent)) for told in keys.values())


def _orderly(told: list[Event]) -> bool:
    pauses = [e for e in told if e.about[names.EXECUTION_STATE] == "paused"]
    resumes = [e for e in told if e.about.get(names.EXECUTION_PREVIOUS_STATE) == "paused"]
    if len(pauses) == len(resumes) == 1 and pauses[0].sent < resumes[0].sent and len(told) <= 3:
        starts = [e for e in told if e not in (*pauses, *resumes)]
        before = all(e.clock < min(pauses[0].clock, resumes[0].clock) for e in starts)
        return before and pauses[0].clock - resumes[0].clock < SKEW
    if told != sorted(told, key=lambda e: e.clock):
        return False
    return not any(
        resume.clock < pause.clock < resume.clock + SKEW
        for resume in resumes
        if not any(pause.sent < resume.sent for pause in pauses)
        for pause in pauses
        if pause.about[names.EXECUTION_ID] != resume.about[names.EXECUTION_ID]
    )
