"""What is to be believed of executions, given the events that reached the store: the rules in
plain Python.

The views are checked against this, so nothing here follows their SQL. It may know more than
they do: an event carries the true moment when it was sent (`sent`), which no store ever sees.
What is right is said by that clock; how the store gets there with senders' clocks and times of
receipt is its own business. All times are whole milliseconds from the moment of looking, so the
past is negative.

What was not delivered is not known, and the right answer is the one that the rest gives:

* A state holds until the next one that was heard of. Of a segment without a change of state,
  the state is unknown ('').
* A worker was last alive when it sent the latest sign of life that was delivered, or ended. One
  that lives and could not be heard for a lease is taken for dead, unless the pipeline itself
  was silent then.
* A segment whose first event is missing says neither that it resumes something nor who its
  parent is: it is an execution of its own in its root's tree. A resume whose pause is missing
  is one, too.
* Missing events at the end of a segment cannot be seen. Those before its latest one can:
  `missing`.
* Two clocks measure the wait between a pause and its resume elsewhere. Nobody can tell how much
  of their difference is wrong, so it is the time that they show, and never less than nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from exectrail.conventions import names

from .reference_segments import FINAL, Event, Fate, Pipeline, Segment, fate, link

WAITING = {"created": "queued", "queued": "queued", "paused": "wait", "blocked": "blocked"}


@dataclass
class Execution:
    """A chain of segments, shown as one. Times are by the clocks of those who wrote it."""

    execution_id: str
    parent_id: str
    root_id: str
    segments: list[str]
    forked_from: str
    kind: str
    state: str
    effective_state: str
    reason: str
    outcome: str
    attempt: int
    calls: int
    priced_calls: int
    cost: Decimal | None
    missing: int
    spent: dict[str, int]
    closed: bool


@dataclass
class Run:
    """The root of a tree, with the sums over it."""

    root: Execution
    outcome: str
    nodes: int
    tool_calls: int
    retries: int
    calls: int
    priced_calls: int
    cost: Decimal | None
    missing: int


def _outcome(state: str, kind: str, reason: str) -> str:
    if state == "failed" and kind == "step" and reason == "review":
        return "blocked"
    open_ = state not in (*FINAL, "abandoned")
    return "" if open_ else "success" if state == "completed" else state


def _spent(chain: Sequence[Segment]) -> dict[str, int]:
    """How long it was in each state: until the next that was told, its end, its death, or now."""
    spent = dict.fromkeys(("work", "wait", "queued", "blocked"), 0)
    moves = [move for s in chain for move in s.moves]
    for move, following in pairwise(moves):
        spent[_bucket(move)] += max(0, following.clock - move.clock)
    if moves and chain[-1].state not in FINAL:
        open_for = (
            chain[-1].fate.heard_clock - moves[-1].clock if chain[-1].judged else -moves[-1].sent
        )
        spent[_bucket(moves[-1])] += max(0, open_for)
    return spent


def _bucket(move: Event) -> str:
    return WAITING.get(move.get(names.EXECUTION_STATE), "work")


def _money(chain: Sequence[Segment]) -> tuple[int, int, Decimal | None]:
    calls = [
        e
        for s in chain
        for e in s.events
        if e.what == names.EVENT_INFERENCE_USAGE and e.get(names.USAGE_ROLE) == "billing"
    ]
    amounts = [Decimal(e.get(names.COST_AMOUNT)) for e in calls if e.get(names.COST_AMOUNT)]
    return len(calls), len(amounts), sum(amounts, Decimal(0)) if amounts else None


def _execution(chain: Sequence[Segment], segments: Mapping[str, Segment]) -> Execution:
    def shown(execution_id: str) -> str:
        return segments[execution_id].first if execution_id in segments else execution_id

    first, last = chain[0], chain[-1]
    kind = max(s.get(names.EXECUTION_KIND) for s in chain)
    calls, priced, cost = _money(chain)
    return Execution(
        execution_id=first.id,
        parent_id=shown(first.get(names.EXECUTION_PARENT_ID)),
        root_id=shown(first.get(names.EXECUTION_ROOT_ID)),
        segments=[s.id for s in chain],
        forked_from=first.forked_from,
        kind=kind,
        state=last.state,
        effective_state=last.effective_state,
        reason=last.reason,
        outcome=_outcome(last.effective_state, kind, last.reason),
        attempt=max(int(s.get(names.EXECUTION_ATTEMPT)) for s in chain),
        calls=calls,
        priced_calls=priced,
        cost=cost,
        missing=sum(s.missing for s in chain),
        spent=_spent(chain),
        closed=last.state in FINAL,
    )


def _run(root: Execution, tree: Sequence[Execution]) -> Run:
    done = any(
        e.state == "completed" and e.kind in ("step", "task", "agent")
        for e in tree
        if e is not root
    )
    costs = [e.cost for e in tree if e.cost is not None]
    return Run(
        root=root,
        outcome="partial" if root.effective_state == "failed" and done else root.outcome,
        nodes=len(tree),
        tool_calls=sum(e.kind == "tool" for e in tree),
        retries=sum(e.attempt > 1 for e in tree),
        calls=sum(e.calls for e in tree),
        priced_calls=sum(e.priced_calls for e in tree),
        cost=sum(costs, Decimal(0)) if costs else None,
        missing=sum(e.missing for e in tree),
    )


@dataclass
class Belief:
    """What the store should say, by id."""

    workers: dict[str, Fate]
    segments: dict[str, Segment]
    executions: dict[str, Execution]
    runs: dict[str, Run]


def believe(events: Iterable[Event], pipeline: Pipeline) -> Belief:
    """What is to be believed now, after these events, each of which stands here once."""
    by_worker, by_segment = defaultdict[str, list[Event]](list), defaultdict[str, list[Event]](list)
    for event in events:
        by_worker[event.worker].append(event)
        if event.get(names.EXECUTION_ID):
            by_segment[event.get(names.EXECUTION_ID)].append(event)
    workers = {worker: fate(those, pipeline) for worker, those in by_worker.items()}
    segments = {i: Segment(i, told, workers[told[0].worker]) for i, told in by_segment.items()}
    link(segments)

    chains, trees = defaultdict[str, list[Segment]](list), defaultdict[str, list[Execution]](list)
    for segment in sorted(segments.values(), key=lambda s: s.position):
        chains[segment.first].append(segment)
    executions = {first: _execution(chain, segments) for first, chain in chains.items()}
    for execution in executions.values():
        trees[execution.root_id].append(execution)
    runs = {i: _run(executions[i], tree) for i, tree in trees.items() if i in executions}
    return Belief(workers, segments, executions, runs)
