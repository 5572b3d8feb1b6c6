"""Runs that are known: what is told of one is noted too, and figures come of the notes.

A `Node` tells through a `Segment` of conftest, so its events are those of every other test. What it
notes is put together here once more in Python, by what docs/storage.md says of states, outcomes,
tokens and money, and not by what the SQL does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from exectrail.conventions import names

from .program import Program, Segment

FINAL = ("completed", "failed", "cancelled")
MODELS = {"m-small": ("acme", 1, 4), "m-large": ("acme", 15, 75), "m-house": ("local", None, None)}
"""Provider, and US dollars of a million input and output tokens; None where nobody knows."""


@dataclass(frozen=True)
class Call:
    """A model call that counts."""

    at: int
    model: str
    input: int
    cached: int
    output: int

    @property
    def provider(self) -> str:
        return MODELS[self.model][0]

    @property
    def cost(self) -> Decimal | None:
        _, of_input, of_output = MODELS[self.model]
        if of_input is None or of_output is None:
            return None
        return Decimal(self.input * of_input + self.output * of_output) / 1_000_000


class Move(NamedTuple):
    """A change of state, and the segment that told it."""

    at: int
    state: str
    segment: str
    reason: str = ""


@dataclass(repr=False)
class Node:
    """An execution: seconds count from the fleet's moment, and are negative."""

    segment: Segment
    id: str
    kind: str
    name: str
    began: int
    agent: str = ""
    version: str = ""
    attempt: int = 1
    iteration: int = 0
    more: dict[str, Any] = field(default_factory=dict)
    moves: list[Move] = field(default_factory=list)
    children: list[Node] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    used: tuple[float, int] | None = None
    """CPU seconds and peak memory in bytes; None where it told neither or only one."""
    reports: list[int] = field(default_factory=list)
    """When anything else was told."""
    reason: str = ""
    error: str = ""
    died: int | None = None
    """When its process was last heard, where that is how it ended."""
    died_of: str = ""
    """The reason then; `signal` is no death but a cancellation."""

    def child(
        self, kind: str, name: str, at: int, *, version: str = "", program: Program | None = None,
        attempt: int = 1, iteration: int = 0,
    ) -> Node:  # fmt: skip
        """Start something beneath it, in its own process or in another one."""
        more = {names.EXECUTION_ATTEMPT: str(attempt)} if attempt > 1 else {}
        more |= {names.EXECUTION_ITERATION: str(iteration)} if iteration else {}
        more |= {names.GEN_AI_AGENT_VERSION: version} if version else {}
        agent = name if kind == "agent" else self.agent
        writer = program or self.segment.program
        told = writer.start(kind, name, at, parent=self.segment, agent=agent, **more)
        new = Node(
            told, told.id, kind, name, at, agent, version, attempt, iteration, more,
            [Move(at, "running", told.id)],
        )  # fmt: skip
        self.children.append(new)
        return new

    def move(self, state: str, at: int, reason: str = "", error: str = "", key: str = "") -> Node:
        about = dict(self.more)
        about |= {names.EXECUTION_REASON: reason} if reason else {}
        about |= {names.ERROR_TYPE: error} if error else {}
        about |= {names.EXECUTION_RESUME_KEY: key} if key else {}
        self.segment.move(state, at, **about)
        self.moves.append(Move(at, state, self.segment.id, reason))
        self.reason, self.error = reason, error
        return self

    def resume(self, program: Program, at: int, key: str) -> Node:
        """Another process takes it up again, as a segment of its own."""
        workflow = self.segment.workflow
        self.segment = program.start(self.kind, self.name, at, resumes=key, workflow=workflow)
        self.moves.append(Move(at, "running", self.segment.id))
        self.reason = ""
        return self

    def use(self, at: int, model: str, tokens: int, *, cached: int = 0, output: int = 0) -> Node:
        call = Call(at, model, tokens, cached, output or tokens // 10)
        about = {
            names.GEN_AI_PROVIDER_NAME: call.provider,
            names.GEN_AI_USAGE_INPUT_TOKENS: str(call.input),
            names.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS: str(call.cached),
            names.GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS: "0",
            names.GEN_AI_USAGE_OUTPUT_TOKENS: str(call.output),
        }
        cost = None if call.cost is None else str(call.cost)
        self.segment.use(at, cost=cost, model=model, **about, **self.more)
        self.calls.append(call)
        return self

    def take(self, at: int, cpu: float, memory: int) -> Node:
        """It shared its process: half of that was its own."""
        self.used = cpu, memory
        return self.tell(
            names.EVENT_EXECUTION_RESOURCE_USAGE, at,
            **{
                names.RESOURCE_CPU_TIME: str(cpu), names.RESOURCE_MEMORY_PEAK: str(memory),
                names.RESOURCE_SCOPE: "shared", names.RESOURCE_SHARE: "0.5",
            },
        )  # fmt: skip

    def die(self, at: int, reason: str) -> None:
        """Its process is heard no more, nor is what is open beneath it."""
        for node in self.tree():
            if node.written not in FINAL:
                node.died, node.died_of = at, reason

    def tell(self, event: str, at: int, **about: str) -> Node:
        self.segment.tell(event, at, self.more | about)
        self.reports.append(at)
        return self

    @property
    def heard(self) -> list[int]:
        """When anything was told of it."""
        return [*(m.at for m in self.moves), *(c.at for c in self.calls), *self.reports]

    @property
    def written(self) -> str:
        """The state that was told last."""
        return self.moves[-1].state

    @property
    def state(self) -> str:
        if self.died is None:
            return self.written
        return "cancelled" if self.died_of == "signal" else "abandoned"

    @property
    def ended(self) -> int | None:
        return self.died if self.died is not None else self._told_end

    @property
    def _told_end(self) -> int | None:
        return self.moves[-1].at if self.written in FINAL else None

    def spent(self, *states: str) -> int:
        """Milliseconds in some states; of one that has ended."""
        assert self.ended is not None
        ends = [*(move.at for move in self.moves[1:]), self.ended]
        times = zip(self.moves, ends, strict=True)
        return 1000 * sum(end - move.at for move, end in times if move.state in states)

    @property
    def duration_ms(self) -> int:
        assert self.ended is not None
        return 1000 * (self.ended - self.began)

    def tree(self) -> Iterator[Node]:
        """It and all beneath it."""
        yield self
        for child in self.children:
            yield from child.tree()

    @property
    def errors(self) -> int:
        """Places beneath it where something failed that nothing else failed beneath."""
        return sum(
            node.written == "failed" and all(c.written != "failed" for c in node.children)
            for node in self.tree()
        )


@dataclass(repr=False)
class Run:
    """A run: its root, and what is asked of it."""

    root: Node
    program: Program
    workflow: str
    mode: str = "execution"
    trigger: str = ""
    intent: str = ""
    target: str = ""
    flags: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return self.root.id

    @property
    def made(self) -> int:
        return self.root.began

    @property
    def place(self) -> tuple[str, str, str]:
        """Project, environment, workflow."""
        return self.program.project, self.program.environment, self.workflow

    @property
    def project(self) -> str:
        return self.program.project

    @property
    def outcome(self) -> str:
        """As docs/storage.md says; empty while it is open."""
        state = self.root.state
        parts = [n for n in self.root.tree() if n is not self.root]
        done = [n for n in parts if n.written == "completed" and n.kind != "tool"]
        if state == "failed" and done:
            return "partial"
        return {"completed": "success"}.get(state, state if self.root.ended is not None else "")

    @property
    def reason(self) -> str:
        return self.root.died_of or self.root.reason

    @property
    def calls(self) -> list[Call]:
        return [call for node in self.root.tree() for call in node.calls]

    @property
    def agents(self) -> dict[str, list[Node]]:
        """Its executions that are agents, by name, in order of their start."""
        found: dict[str, list[Node]] = {}
        for node in self.root.tree():
            if node.kind == "agent":
                found.setdefault(node.name, []).append(node)
        return found

    def of_agent(self, agent: str) -> list[Node]:
        """All that was done as part of an agent."""
        return [node for node in self.root.tree() if node.agent == agent]


def money(calls: Sequence[Call]) -> float | None:
    """What calls cost, as far as their price is known; None where none is."""
    costs = [call.cost for call in calls if call.cost is not None]
    return float(sum(costs)) if costs else None


def known(calls: Sequence[Call]) -> float | None:
    """The share of calls that have a price."""
    return sum(call.cost is not None for call in calls) / len(calls) if calls else None


@dataclass(repr=False)
class Fleet:
    """What there is, and all that was written of it."""

    base: datetime
    runs: list[Run] = field(default_factory=list)
    programs: list[Program] = field(default_factory=list)
    ends: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Of processes that no longer live, by worker id: `exited` or `silent`, and the second."""
    rejects: list[int] = field(default_factory=list)
    """When events were told that cannot be used."""
    dropped: list[tuple[int, list[tuple[int, float]]]] = field(default_factory=list)
    """What programs dropped: of each counter when it began, and how far it was at some moments."""

    def at(self, seconds: float) -> datetime:
        return self.base + timedelta(seconds=seconds)

    def status(self, program: Program) -> str:
        return self.ends.get(program.worker_id, ("alive", 0))[0]

    def calls(self) -> Iterator[tuple[Run, Node, Call]]:
        for run in self.runs:
            for node in run.root.tree():
                for call in node.calls:
                    yield run, node, call
