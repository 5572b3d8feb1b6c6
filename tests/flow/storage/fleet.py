"""Three weeks of a fleet, made by a seed up to a moment, with all that is to be found in it known.

`three_weeks` has a workflow of each kind: healthy, failing, dying, waiting, expensive, bursty, a
simulation, and one that goes wrong in its last two hours; `healthy` has the good ones alone. What
is told goes the way of conftest's programs: state as events, model calls as usage, beats and exits.
A process beats every 15 s; of these only a few are written down.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import datetime
from typing import Any

from exectrail.conventions import names

from .fleet_runs import Fleet, Move, Node, Run
from .program import Program

MINUTE, HOUR, DAY = 60, 3600, 86_400
DAYS = 21
LIVES = 86_400.0
"""Lease of what lives, in seconds: as long as a test may look."""


def three_weeks(base: datetime, seed: int = 6) -> Fleet:
    """The fleet.

    Args:
        base: Its moment; whole seconds.
        seed: Another one makes other durations, tokens and failures.
    """
    made = _Maker(base, seed)
    made.invoices()
    made.summaries(goes_wrong=True)
    made.crawl()
    made.train()
    made.approval()
    made.research()
    made.digest()
    made.simulation()
    made.to_look_at()
    made.losses()
    return made.fleet


def healthy(base: datetime, seed: int = 6) -> Fleet:
    """Nothing in it is to be complained of."""
    made = _Maker(base, seed)
    made.invoices()
    made.summaries(goes_wrong=False)
    return made.fleet


class _Maker:
    def __init__(self, base: datetime, seed: int) -> None:
        self.fleet = Fleet(base)
        self.chance = random.Random(seed)
        self._crews: dict[tuple[str, int], Program] = {}
        self._pids = iter(range(1000, 100_000))

    def _program(self, project: str, environment: str, lease: float = 45.0) -> Program:
        pid = next(self._pids)
        new = Program(
            self.fleet.base, lease=lease, project=project, environment=environment,
            host=f"node-{pid % 5}", pid=pid,
        )  # fmt: skip
        self.fleet.programs.append(new)
        return new

    def _crew(self, workflow: str, at: int, project: str, environment: str) -> Program:
        """The process of a workflow on a day; those of today live, the others ended at midnight."""
        day = -at // DAY
        if (workflow, day) not in self._crews:
            new = self._program(project, environment, LIVES)
            self._crews[workflow, day] = new
            if day:
                # Not just a day ago: whether that is within a day would be a matter of moments.
                end = -day * DAY + HOUR
                new.exit(end, 0, sequence=2**31)
                self.fleet.ends[new.worker_id] = ("exited", end)
            else:
                new.beat(-1)
        return self._crews[workflow, day]

    def _run(
        self, workflow: str, at: int, program: Program, *, queued: int = 0, mode: str = "execution",
        trigger: str = "", intent: str = "", target: str = "", **more: Any,
    ) -> Run:  # fmt: skip
        about = {
            names.EXECUTION_MODE: mode if mode != "execution" else "",
            names.TRIGGER_SOURCE: trigger,
            names.TRIGGER_INTENT: intent,
            names.EXECUTION_TARGET_TYPE: target,
        }
        told = {name: value for name, value in about.items() if value} | more
        first = "queued" if queued else "running"
        segment = program.start("workflow", workflow, at, state=first, **told)
        root = Node(
            segment, segment.id, "workflow", workflow, at, moves=[Move(at, first, segment.id)]
        )
        if queued > 0:
            root.move("running", at + queued)
        run = Run(root, program, workflow, mode, trigger, intent, target)
        self.fleet.runs.append(run)
        return run

    def _each(self, every: int, until: int = 300) -> list[int]:
        """Moments from three weeks ago up to so many seconds ago."""
        return list(range(-DAYS * DAY + 17, -until, every))

    def invoices(self) -> None:
        """Healthy: every 20 minutes; one in fifty fails, none of the last six hours."""
        for number, at in enumerate(self._each(20 * MINUTE)):
            program = self._crew("invoices", at, "shop", "production")
            run = self._run(
                "invoices", at, program, queued=self.chance.randint(1, 4), trigger="schedule",
                intent="read", target="invoice",
            )  # fmt: skip
            reader = run.root.child(
                "agent", "reader", at + 5, version="2" if at > -7 * DAY else "1"
            )
            reader.use(at + 8, "m-small", self.chance.randint(900, 1100), cached=300)
            end = at + self.chance.randint(20, 60)
            reader.child("tool", "lookup", at + 9).move("completed", at + 12)
            if self.chance.random() < 0.02 and at < -6 * HOUR:
                reader.move("failed", end, "error", "ParseError")
                run.root.move("failed", end + 1, "error", "ParseError")
            else:
                # One of ten takes twice as long; one that failed tells nothing.
                reader.take(end, 0.5 if number % 10 else 1.1, 80_000_000)
                reader.move("completed", end)
                run.root.take(end + 1, 0.6 if number % 10 else 1.2, 90_000_000)
                run.root.move("completed", end + 1)

    def summaries(self, *, goes_wrong: bool) -> None:
        """Healthy, every 15 minutes; where it goes wrong, it costs 30 times as much at the end.

        And holds five times the memory, at no more CPU seconds. One run of three tells neither.
        """
        for number, at in enumerate(self._each(15 * MINUTE)):
            program = self._crew("summaries", at, "shop", "production")
            run = self._run("summaries", at, program, trigger="webhook", intent="write")
            agent = run.root.child("agent", "summariser", at + 1)
            dear = goes_wrong and at > -150 * MINUTE
            tokens = self.chance.randint(1900, 2100) * (30 if dear else 1)
            agent.use(at + 4, "m-small", tokens, cached=tokens // 2)
            end = at + self.chance.randint(28, 32)
            if number % 3:
                cpu, memory = 3 + 0.1 * (number % 7), (150 + number % 11) * 1_000_000
                agent.take(end, cpu - 1, memory * (5 if dear else 1))
                run.root.take(at + 33, cpu, memory * (5 if dear else 1))
            agent.move("completed", end)
            run.root.move("completed", at + 33)

    def crawl(self) -> None:
        """Failing: two of three, half of these after a step was done; eight in the last hour."""
        moments = self._each(2 * HOUR, until=HOUR) + [
            -50 * MINUTE + 5 * MINUTE * n for n in range(8)
        ]
        for number, at in enumerate(moments):
            program = self._crew("crawl", at, "research", "production")
            run = self._run("crawl", at, program, trigger="schedule", target="site")
            if number % 3 != 1:
                run.root.child("step", "fetch", at + 1).move("completed", at + 20)
            crawler = run.root.child("agent", "crawler", at + 21)
            crawler.use(at + 25, "m-small", 4000)
            if number % 3 == 2:
                crawler.move("completed", at + 60)
                run.root.move("completed", at + 61)
            else:
                error = self.chance.choice(["Timeout", "HTTPStatusError"])
                crawler.move("failed", at + 60, "error", error)
                run.root.move("failed", at + 61, "error", error)

    def train(self) -> None:
        """Dying: of three runs one is killed, one falls silent; six in the last hour."""
        moments = self._each(8 * HOUR, until=2 * HOUR) + [
            -55 * MINUTE + 2 * MINUTE * n for n in range(6)
        ]
        for number, at in enumerate(moments):
            program = self._program("research", "production")
            program.beat(at)
            run = self._run("train", at, program, trigger="user", target="model")
            trainer = run.root.child("agent", "trainer", at + 2)
            trainer.use(at + 10, "m-large", 2000)
            end = at + self.chance.randint(500, 1500)
            program.beat(end - 5)
            match number % 3:
                case 0:
                    trainer.move("completed", end)
                    run.root.move("completed", end + 1)
                    program.exit(end + 2, 0)
                    self.fleet.ends[program.worker_id] = ("exited", end + 2)
                case 1:
                    program.exit(end, None, signal="SIGKILL", oom=number % 2 == 0, sequence=2**31)
                    run.root.die(end, "process_exited")
                    self.fleet.ends[program.worker_id] = ("exited", end)
                case _:
                    run.root.die(end - 5, "lease_expired")
                    self.fleet.ends[program.worker_id] = ("silent", end - 5)

    def approval(self) -> None:
        """Waits for a person, and goes on in another process; three wait now."""
        waits = [3 * HOUR, 30 * HOUR, 50 * HOUR]
        moments = self._each(12 * HOUR, until=3 * DAY) + [-wait - 60 for wait in waits]
        for number, at in enumerate(moments):
            first = self._crew("approval", at, "shop", "production")
            run = self._run("approval", at, first, trigger="user", intent="approve", target="order")
            key = f"shop|approval|{number}|"
            clerk = run.root.child("agent", "clerk", at + 1)
            clerk.use(at + 5, "m-small", 3000)
            clerk.move("completed", at + 50)
            run.root.move("paused", at + 60, "human_input", key=key)
            if -at - 60 in waits:
                continue
            later = at + 60 + self.chance.randint(2 * HOUR, 20 * HOUR)
            run.root.resume(self._crew("approval", later, "shop", "production"), later, key)
            clerk = run.root.child("agent", "clerk", later + 1)
            clerk.use(later + 3, "m-small", 1000)
            clerk.move("completed", later + 10)
            run.root.move("completed", later + 11)

    def research(self) -> None:
        """Expensive: rounds of a large model, a second attempt, calls without a price."""
        for at in self._each(6 * HOUR, until=30 * MINUTE):
            program = self._crew("deep-research", at, "research", "production")
            run = self._run(
                "deep-research", at, program, queued=30, trigger="user", intent="research"
            )
            planner = run.root.child("agent", "planner", at + 31)
            planner.use(at + 40, "m-house", 2500)
            planner.move("completed", at + 60)
            plan = [{"name": "planner", "estimated_seconds": 20.0}, {"name": "print"}]
            run.root.tell(
                names.EVENT_EXECUTION_PLAN_CHANGED, at + 60,
                **{names.PLAN_REVISION: "1", names.PLAN_STEPS: json.dumps(plan)},
            )  # fmt: skip
            then = at + 61
            for turn in range(1, self.chance.randint(2, 4) + 1):
                researcher = run.root.child("agent", "researcher", then, iteration=turn)
                for _ in range(3):
                    then += self.chance.randint(30, 90)
                    researcher.use(
                        then, "m-large", self.chance.randint(40_000, 60_000), cached=20_000
                    )
                    search = researcher.child("tool", "search", then + 1)
                    search.move("completed", then + self.chance.randint(3, 9))
                then += 10
                researcher.move("completed", then)
            failed = run.root.child("agent", "writer", then + 1)
            failed.use(then + 5, "m-large", 20_000).move("failed", then + 20, "error", "Overloaded")
            again = run.root.child("agent", "writer", then + 25, attempt=2)
            again.use(then + 30, "m-large", 20_000).move("completed", then + 70)
            run.root.tell(
                names.EVENT_EXECUTION_ARTIFACT, then + 70,
                **{names.ARTIFACT_NAME: "report.pdf", names.ARTIFACT_SIZE: "4096"},
            )  # fmt: skip
            run.root.tell(
                names.EVENT_EXECUTION_RESOURCE_USAGE, then + 70,
                **{names.RESOURCE_CPU_TIME: "12.5", names.RESOURCE_SCOPE: "exclusive"},
            )  # fmt: skip
            run.root.move("completed", then + 71)

    def digest(self) -> None:
        """Bursty: twenty within two minutes, once a day; of the last burst eleven fail."""
        for day in range(DAYS):
            program = self._crew("digest", -day * DAY - 4 * MINUTE, "shop", "staging")
            for number in range(20):
                at = -day * DAY - 4 * MINUTE + 6 * number
                run = self._run("digest", at, program, queued=number + 1, trigger="schedule")
                agent = run.root.child("agent", "summariser", at + number + 2)
                end = at + number + self.chance.randint(10, 30)
                agent.use(end - 3, "m-small", 500)
                if number == 19:
                    agent.move("cancelled", end, "user_request")
                    run.root.move("cancelled", end + 1, "user_request")
                elif not day and number < 11:
                    agent.move("failed", end, "error", "Overloaded")
                    run.root.move("failed", end + 1, "error", "Overloaded")
                else:
                    agent.move("completed", end)
                    run.root.move("completed", end + 1)

    def simulation(self) -> None:
        """Fails always, and nobody is to be woken for it."""
        for at in self._each(DAY, until=HOUR) + [-30 * MINUTE + 60 * n for n in range(10)]:
            program = self._crew("rehearsal", at, "research", "staging")
            run = self._run("rehearsal", at, program, mode="simulation")
            run.root.move("failed", at + 5, "timeout", "Timeout")

    def to_look_at(self) -> None:
        """Open runs, one of each flag and some that are as they should be."""
        living = self._program("shop", "production", LIVES)
        other = self._program("shop", "production", LIVES)
        begin: Callable[..., Run] = self._run
        stuck = begin("relay", -2 * HOUR, living)
        stuck.root.use(-2 * HOUR + 5, "m-small", 100)
        stuck.flags = ("stuck",)
        parent = begin("relay", -90 * MINUTE, living)
        step = parent.root.child("task", "hand over", -80 * MINUTE)
        step.child("agent", "courier", -70 * MINUTE, program=other).use(-60, "m-small", 100)
        step.move("completed", -65 * MINUTE)
        parent.root.use(-60, "m-small", 100)
        parent.flags = ("orphaned",)
        deadline = self.fleet.at(-HOUR).isoformat().replace("+00:00", "Z")
        overdue = begin(
            "relay", -3 * HOUR, living, queued=-1, **{names.EXECUTION_DEADLINE: deadline}
        )
        overdue.flags = ("overdue",)
        slow = begin("train", -3 * HOUR, self._program("research", "production", LIVES))
        slow.root.use(-30, "m-small", 100)
        slow.program.beat(-1)
        slow.flags = ("slow",)
        begin("relay", -10 * MINUTE, living, queued=-1)
        blocked = begin("relay", -40 * MINUTE, living, queued=5)
        blocked.root.move("blocked", -39 * MINUTE, "rate_limit")
        at_work = begin("relay", -5 * MINUTE, living, queued=20)
        at_work.root.use(-20, "m-large", 100_000)
        living.beat(-1)
        other.beat(-1)

    def losses(self) -> None:
        """Events without an id, and counters of what programs dropped."""
        program = self._crew("crawl", -1, "research", "production")
        for at in (-10 * HOUR, -20 * MINUTE, -10 * MINUTE):
            program.record(names.EVENT_EXECUTION_STATE_CHANGED, at, {})
            self.fleet.rejects.append(at)
        self.fleet.dropped = [
            (-10 * DAY, [(-8 * HOUR, 5.0), (-5 * HOUR, 7.0), (-30 * MINUTE, 9.0)]),
            (-2 * HOUR, [(-30 * MINUTE, 3.0)]),
        ]
