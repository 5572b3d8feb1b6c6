"""Processes of a random history: each with its clock, its way to the store, and what it wrote.

Times are whole milliseconds before the moment of looking, on the one true clock that nobody in
a history has. A process writes by its own clock, which is off, drifts and may be set while it
runs. The program in it is a correct one, so an illegal change of state is refused and told as
such.
"""

from __future__ import annotations

import random
from bisect import bisect_left
from dataclasses import dataclass, field

from exectrail.conventions import names
from exectrail.conventions.names import State
from exectrail.execution.states import allowed

from .reference_segments import Event, Pipeline

S, M, H = 1_000, 60_000, 3_600_000
EPOCH = 1_790_000_000_000
"""The ids' moment of looking, milliseconds since 1970: a seed always gives the same ids."""

WATCHED = 2**31
"""From here on whoever watches a process counts what it says about it."""


class Gone(Exception):  # noqa: N818 - it is no error
    """The process is no more, or its story has come to now."""


Told = tuple[int, str, dict[str, str]]
"""When a worker event was sent, its name, and what it says."""


def _time(told: Told) -> int:
    return told[0]


@dataclass
class Weather:
    """What the pipeline went through: nothing came in during `out`, where it ends at all."""

    pipeline: Pipeline = field(default_factory=Pipeline)
    out: tuple[int, int] = (0, 0)

    @classmethod
    def draw(cls, number: int) -> Weather:
        """Each kind in turn."""
        chance = random.Random(number)
        match ("fine", "back", "silent", "fine", "back", "fine")[number % 6]:
            case "back":
                streak = chance.choice([30 * S, 150 * S, 15 * M])
                return cls(Pipeline(streak=streak), (-streak - chance.randint(2, 90) * M, -streak))
            case "silent":
                return cls(Pipeline(silent=True, streak=0), (-chance.randint(2, 60) * M, 1))
            case _:
                return cls()

    def received(self, at: int, late: int) -> int:
        """When something that comes in at a time does so; after an outage, a little after it."""
        return self.out[1] + late if self.out[0] <= at < self.out[1] else at


@dataclass
class Process:
    """A process, its clock, and what it wrote. `at` is where its story has come to."""

    chance: random.Random
    weather: Weather
    at: int
    skew: int = 0
    drift: float = 0.0
    lease: int = 60 * S
    delay: int = 0
    loses: float = 0.0
    dies: int | None = None
    stopped: tuple[int, int] | None = None
    set_back: tuple[int, int] | None = None
    id: str = ""
    events: list[Event] = field(default_factory=list)
    lost: list[Event] = field(default_factory=list)
    open: list[Segment] = field(default_factory=list)
    exits: list[Told] = field(default_factory=list)
    watched: bool = False
    told_off: bool = False

    def __post_init__(self) -> None:
        self.born = self.at
        self.id = new_id(self.chance, self.at)

    @property
    def end(self) -> int:
        return 0 if self.dies is None else self.dies

    def clock(self, at: int) -> int:
        """What its clock shows at a true time."""
        step = self.set_back[1] if self.set_back and at >= self.set_back[0] else 0
        return at + self.skew + round((at - self.born) * self.drift) + step

    def spend(self, most: int) -> None:
        """Let time go by, at least a millisecond; none does while the process is stopped."""
        before = self.at
        self.at += 1 + int(most * self.chance.random() ** 2)
        if self.stopped and before < self.stopped[0] <= self.at:
            self.at += self.stopped[1] - self.stopped[0]

    def tell(self, what: str, sequence: int, about: dict[str, str], most: int = 200) -> None:
        self.spend(most)
        if self.at >= self.end:
            raise Gone
        self.record(what, sequence, about, self.at)

    def record(self, what: str, sequence: int, about: dict[str, str], at: int) -> None:
        late = self.chance.randint(5, 400) + self.chance.randint(0, self.delay)
        received = self.weather.received(at + late, late)
        event = Event(what, self.id, self.lease, sequence, at, self.clock(at), received, about)
        away = received >= 0 or self.chance.random() < self.loses
        (self.lost if away else self.events).append(event)

    def live(self) -> None:
        """What it says of itself, and whoever watches it of it: heartbeats, and how it ended."""
        watched = self.watched and not self.told_off
        self._speak(0, self.stopped or (0, 0), [] if watched else self.exits)
        if watched:
            self._speak(WATCHED, (0, 0), self.exits)

    def _speak(self, count: int, silent: tuple[int, int], exits: list[Told]) -> None:
        """Of many beats alike, only those before and after something happened, and a few others."""
        first = self.born + (self.chance.randint(1, 9) * S if count else 0)
        beats = range(first, self.end, self.lease // 3)
        told = [(at, names.EVENT_WORKER_HEARTBEAT, {}) for at in beats]
        told = sorted([t for t in told if not silent[0] <= t[0] < silent[1]] + exits, key=_time)
        happened = [self.end, *self.weather.out, *silent, *(at for at, _, _ in exits)]
        happened += self.set_back[:1] if self.set_back else ()
        kept = {self.chance.randrange(len(told)) for _ in range(3) if told}
        for at in happened:
            place = bisect_left(told, at, key=_time)
            kept.update(range(place - 4, place + 5))
        for number, (at, what, about) in enumerate(told):
            if number in kept:
                sequence = count + number + 1
                self.record(what, sequence, {names.WORKER_SEQUENCE: str(sequence)} | about, at)

    def exit(self, at: int, code: int | None, signal: str = "") -> None:
        """It ends, as itself or whoever watches it says."""
        about = {names.WORKER_EXIT_CODE: str(code)} if code is not None else {}
        about |= {names.WORKER_SIGNAL: signal} if signal else {}
        self.exits.append((at, names.EVENT_WORKER_EXITED, about))


@dataclass
class Segment:
    """What a process does of an execution."""

    process: Process
    id: str
    root: str
    kind: str
    parent: str = ""
    attempt: int = 1
    state: str = ""
    sequence: int = 0
    paused_at: int = 0

    def start(self, state: str = "running", key: str = "", *, resumes: bool = False) -> Segment:
        about = {names.EXECUTION_RESUME_KEY: key} if key else {}
        about |= {names.EXECUTION_PARENT_ID: self.parent} if self.parent else {}
        if resumes:
            self.state = "paused"
        self.process.open.append(self)
        return self.move(state, **about)

    def move(self, state: str, reason: str = "", most: int = 200, **more: str) -> Segment:
        about = {names.EXECUTION_STATE: state}
        if self.state:
            about[names.EXECUTION_PREVIOUS_STATE] = self.state
        if reason:
            about[names.EXECUTION_REASON] = reason
        valid = not self.state or allowed(State(self.state), State(state))
        about[names.EXECUTION_VALID] = str(valid).lower()
        self.tell(names.EVENT_EXECUTION_STATE_CHANGED, about | more, most)
        if valid:
            self.state = state
        return self

    def pause(self, key: str) -> Segment:
        self.move("paused", "human_input", **{names.EXECUTION_RESUME_KEY: key})
        self.paused_at = self.process.at
        self.process.open.remove(self)
        return self

    def use(self) -> Segment:
        cost = self.process.chance.choice(["0.000001", "0.25", "1.10", "7", "", "0"])
        role = self.process.chance.choice(["billing"] * 6 + ["aggregate", "duplicate", "fallback"])
        about = {names.USAGE_ROLE: role, names.GEN_AI_REQUEST_MODEL: "m"}
        if cost:
            about |= {names.COST_AMOUNT: cost, names.COST_CURRENCY: "USD"}
        return self.tell(names.EVENT_INFERENCE_USAGE, about)

    def tell(self, what: str, about: dict[str, str], most: int = 200) -> Segment:
        own = {
            names.EXECUTION_ID: self.id,
            names.EXECUTION_ROOT_ID: self.root,
            names.EXECUTION_KIND: self.kind,
            names.EXECUTION_NAME: self.kind,
            names.EXECUTION_SEQUENCE: str(self.sequence + 1),
            names.EXECUTION_ATTEMPT: str(self.attempt),
        }
        self.process.tell(what, self.sequence + 1, own | about, most)
        self.sequence += 1
        return self

    def child(self, kind: str, attempt: int = 1) -> Segment:
        new = new_id(self.process.chance, self.process.at)
        return Segment(self.process, new, self.root, kind, self.id, attempt)


def new_id(chance: random.Random, at: int) -> str:
    """A UUIDv7 made at a time."""
    digits = f"{EPOCH + at:012x}7{chance.getrandbits(12):03x}"
    digits += f"{chance.choice('89ab')}{chance.getrandbits(60):015x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def process(chance: random.Random, weather: Weather, at: int, skew: int, loses: float) -> Process:
    new = Process(
        chance,
        weather,
        at,
        skew=skew,
        drift=chance.uniform(-1e-4, 1e-4),
        lease=chance.choice([90, 90, 120, 300]) * S,
        delay=chance.choice([0, 0, 0, 10 * S]),
        loses=loses,
        watched=chance.random() < 0.5,
    )
    if chance.random() < 0.6:
        longest = max(2 * S, min(chance.choice([10 * S, 5 * M, 2 * H]), -at))
        new.dies = min(at + chance.randint(S, longest), -2 * S)
    if chance.random() < 0.2 and -at > 10 * M:
        begins = at + chance.randint(S, -at // 2)
        new.stopped = (begins, begins + chance.randint(2, 30) * M)
    if chance.random() < 0.2:
        step = chance.choice([-1, 1]) * chance.randint(1, 90) * M
        new.set_back = (-chance.randint(S, min(2 * H, -at)), step)
    return new
