"""What the programs of a random history do: work, wait, err, end, and die wherever they are."""

from __future__ import annotations

from exectrail.conventions import names

from .processes import M, Process, S, Segment, new_id
from .reference_segments import FINAL


def root_of(process: Process) -> Segment:
    new = new_id(process.chance, process.at)
    return Segment(process, new, new, process.chance.choice(["workflow", "workflow", "agent"]))


def work(segment: Segment, depth: int, calm: bool = False) -> None:
    """What a running segment does: calls, parts, waits, mistakes; `calm` leaves it running."""
    process, chance = segment.process, segment.process.chance
    for _ in range(chance.randint(0, 4)):
        match chance.choice(
            ["call", "call", "part", "part", "part", "wait", "mistake", "long", "progress"]
        ):
            case "call":
                segment.use()
            case "part" if depth:
                part(segment, depth - 1)
            case "wait":
                segment.move(chance.choice(["paused", "blocked", "queued"]), "schedule", most=M)
                segment.move("running", most=20 * M)
            case "mistake":
                segment.move(chance.choice(["created", "running"]))
            case "progress":
                segment.tell(names.EVENT_EXECUTION_PROGRESS, {names.EXECUTION_PROGRESS: "0.5"})
            case _:
                process.spend(10 * M)
    if not calm:
        finish(segment)


def finish(segment: Segment) -> None:
    chance = segment.process.chance
    state = chance.choice(["completed"] * 4 + ["failed", "failed", "cancelled"])
    reasons = {
        "failed": ["error", "review", "timeout"],
        "cancelled": ["user_request", "stream_closed"],
    }
    segment.move(state, chance.choice(reasons.get(state, [""])), most=M)
    segment.process.open.remove(segment)
    if chance.random() < 0.1:
        segment.move(chance.choice(["running", *FINAL]))


def part(parent: Segment, depth: int) -> None:
    """A child and its retries; some never begin, some are another process's."""
    chance = parent.process.chance
    kind = chance.choice(["step", "step", "task", "agent", "tool", "iteration"])
    if chance.random() < 0.1:
        parent.child(kind).start(chance.choice(["created", "queued"]))
        return
    for attempt in range(1, chance.choice([1, 1, 1, 2, 3]) + 1):
        child = parent.child(kind, attempt)
        child.start(chance.choice(["created", "queued", "running", "running", "running"]))
        if child.state != "running":
            child.move("running", most=M)
        work(child, depth)
        if child.state == "completed":
            return


def end_of(process: Process) -> None:
    """How a process that has a time to die does, and who says so."""
    chance, at = process.chance, process.end
    if process.dies is None:
        if chance.random() < 0.1:  # somebody is mistaken about its death
            process.exit(chance.randint(process.born, -30 * S), 1)
        return
    alone, watched = (
        ["vanishes", "told off", "exits"],
        ["killed", "terminated", "interrupted", "exits"],
    )
    match chance.choice(watched if process.watched else alone):
        case "killed":
            process.exit(at + 3, None, "SIGKILL")
        case "terminated":
            process.exit(at + 3, None, "SIGTERM")
        case "interrupted":
            process.exit(at + 3, 130, "SIGINT")
        case "exits":
            process.exit(at + 3, chance.choice([0, 3]))
        case "told off":  # nobody watches it: it says itself what is open
            process.dies, process.at, process.told_off = at + 1000, at, True
            if process.stopped and process.stopped[1] > at:
                process.stopped = (process.stopped[0], at) if process.stopped[0] < at else None
            for segment in reversed(process.open):
                segment.move("cancelled", "signal", most=0)
            process.exit(at + 900, None, "SIGTERM")
        case _:
            pass
