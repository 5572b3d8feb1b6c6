"""What is to be believed of workers, of segments, and of which segment goes on from which.

The part of the reference model (see `reference_model`) that knows of one process at a time, and
of the durable keys by which what one paused is taken up by another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from exectrail.conventions import names

FINAL = ("completed", "failed", "cancelled")


@dataclass(frozen=True)
class Event:
    """One event as it was sent, and when it first reached the store."""

    what: str
    worker: str
    lease: int
    sequence: int
    sent: int
    clock: int
    received: int
    about: Mapping[str, str]

    def get(self, name: str) -> str:
        return self.about.get(name, "")


@dataclass(frozen=True)
class Pipeline:
    """Whether what is sent arrives now, and for how long it has without a break."""

    silent: bool = False
    streak: int = 86_400_000


@dataclass(frozen=True)
class Fate:
    """What became of a worker. `verdict`: state and reason of what it held; empty: none."""

    status: str
    verdict: tuple[str, str] = ("", "")
    heard: int = 0
    heard_clock: int = 0
    exit_code: int | None = None
    signal: str = ""


def fate(events: Sequence[Event], pipeline: Pipeline) -> Fate:
    """Who said that it exits has, unless it was alive later; who is silent for a lease is dead.

    Nothing is concluded while the pipeline is silent, and from silence only once the pipeline has
    worked for a whole lease.
    """
    signs = [e for e in events if e.what != names.EVENT_WORKER_EXITED]
    exits = [e for e in events if e.what == names.EVENT_WORKER_EXITED]
    last = max(signs or exits, key=lambda e: e.sent)
    gone = max(exits, key=lambda e: e.sent, default=None)
    if gone and (not signs or gone.sent >= last.sent):
        code, signal = gone.get(names.WORKER_EXIT_CODE), gone.get(names.WORKER_SIGNAL)
        ended = signal in ("SIGTERM", "SIGINT")
        verdict = ("cancelled", "signal") if ended else ("abandoned", "process_exited")
        told = int(code) if code else None
        shown = ("", "") if pipeline.silent else verdict
        return Fate("exited", shown, gone.sent, gone.clock, told, signal)
    if last.sent + last.lease >= 0:
        return Fate("alive", heard=last.sent, heard_clock=last.clock)
    known = not pipeline.silent and pipeline.streak >= last.lease
    verdict = ("abandoned", "lease_expired") if known else ("", "")
    return Fate("silent", verdict, last.sent, last.clock)


@dataclass
class Segment:
    """What one process did of an execution."""

    id: str
    events: list[Event]
    fate: Fate
    moves: list[Event] = field(default_factory=list)
    last: Event | None = None
    first: str = ""
    position: int = 1
    resumed: str = ""
    forked_from: str = ""

    def __post_init__(self) -> None:
        self.events.sort(key=lambda e: e.sequence)
        self.first = self.id
        self.moves = [
            e
            for e in self.events
            if e.what == names.EVENT_EXECUTION_STATE_CHANGED
            and e.get(names.EXECUTION_VALID) != "false"
        ]
        ended = [e for e in self.moves if e.get(names.EXECUTION_STATE) in FINAL]
        self.last = (ended or self.moves or [None])[-1]

    def get(self, name: str) -> str:
        """An attribute that any of its events tells."""
        return max(e.get(name) for e in self.events)

    @property
    def state(self) -> str:
        return self.last.get(names.EXECUTION_STATE) if self.last else ""

    @property
    def key(self) -> str:
        """The durable key that it waits on."""
        paused = self.last and self.state == "paused"
        return self.last.get(names.EXECUTION_RESUME_KEY) if self.last and paused else ""

    @property
    def judged(self) -> bool:
        needs_process = self.state in ("running", "blocked", "paused")
        return needs_process and not self.key and bool(self.fate.verdict[0])

    @property
    def effective_state(self) -> str:
        return self.fate.verdict[0] if self.judged else self.state

    @property
    def reason(self) -> str:
        told = self.last.get(names.EXECUTION_REASON) if self.last else ""
        return self.fate.verdict[1] if self.judged else told

    @property
    def opening(self) -> Event | None:
        """Its first event, where that was delivered."""
        return self.events[0] if self.events[0].sequence == 1 else None

    @property
    def resumes(self) -> bool:
        opening = self.opening
        return bool(opening) and opening.get(names.EXECUTION_PREVIOUS_STATE) == "paused"

    @property
    def missing(self) -> int:
        return self.events[-1].sequence - len(self.events)


def link(segments: Mapping[str, Segment]) -> None:
    """Join resumes to their pauses: runs first, and then their parts, which follow their runs."""
    runs, parts = defaultdict[str, list[Segment]](list), defaultdict[str, list[Segment]](list)
    for segment in segments.values():
        opens = segment.opening.get(names.EXECUTION_RESUME_KEY) if segment.opening else ""
        for key in {opens, segment.key} - {""}:
            is_run = segment.get(names.EXECUTION_ROOT_ID) == segment.id
            (runs if is_run else parts)[key].append(segment)
    for key, those in runs.items():
        _link_key(key, those, set())
    forks = {s.id for s in segments.values() if s.forked_from}
    for key, those in parts.items():
        _link_key(key, those, forks)


def _link_key(key: str, segments: Iterable[Segment], forks: set[str]) -> None:
    """In the order in which it happened: a resume goes on from the latest pause that is open.

    Where every pause was taken up already, it is a fork of the latest. Who starts afresh leaves the
    pauses before it behind, and so do the parts of a fork, which go on with none of it.
    """
    told: list[tuple[int, str, Segment]] = []
    for s in segments:
        if s.opening and s.opening.get(names.EXECUTION_RESUME_KEY) == key:
            goes_on = s.resumes and s.get(names.EXECUTION_ROOT_ID) not in forks
            told.append((s.opening.sent, "resumes" if goes_on else "starts", s))
        if s.last and s.key == key:
            told.append((s.last.sent, "pauses", s))
    waiting: list[Segment] = []
    latest: Segment | None = None
    for _, what, s in sorted(told, key=lambda t: t[0]):
        if what == "starts":
            waiting, latest = [], None
        elif what == "pauses":
            waiting.append(s)
            latest = s
        elif waiting:
            pause = waiting.pop()
            s.first, s.position, s.resumed = pause.first, pause.position + 1, pause.id
        elif latest:
            s.resumed = s.forked_from = latest.id
