"""What is kept of the runs in flight: LangChain's runs, and the graphs among them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from exectrail.conventions.names import Kind
from exectrail.execution.details import NOTHING

if TYPE_CHECKING:
    from langgraph.pregel._loop import PregelLoop

    from exectrail.execution import About, Execution, ModelCall
    from exectrail.execution.recorder import Recorder

MAX_TASKS: Final = 10_000
"""Tasks of one step of a graph whose retries are told from first tries."""


class Graph:
    """A run of a graph: what its nodes need to know of it."""

    __slots__ = (
        "_step",
        "_tasks",
        "_visits",
        "agents",
        "durable",
        "interrupted",
        "loop",
        "paused",
        "resumed",
        "thread",
        "top",
        "workflow",
    )

    def __init__(self, loop: PregelLoop, agents: dict[str, bool], around: Graph | None) -> None:
        self.loop: PregelLoop | None = loop
        """LangGraph's own; let go when the run ends."""
        self.agents = agents
        """Nodes that are graphs themselves; whether they run in this process."""
        self.durable = loop.checkpointer is not None
        self.top = around is None or not loop.is_nested
        """Whether it has a thread of its own, instead of the one of the graph around it."""
        if around is None or self.top:
            thread = loop.config.get("configurable", {}).get("thread_id")
            self.thread = "" if thread is None else str(thread)
            self.workflow = ""
        else:
            self.thread = around.thread
            self.workflow = around.workflow
        self.resumed = False
        """Whether it goes on where an earlier run paused."""
        self.interrupted: frozenset[str] = frozenset()
        """Ids of the tasks that interrupted then."""
        self.paused = False
        """Whether one of its nodes waits for a person."""
        self._visits: dict[str, tuple[object, int]] = {}
        self._tasks: dict[str, tuple[int, int]] = {}
        self._step: object = None

    @property
    def checkpoint_id(self) -> str:
        """The checkpoint it stands at."""
        return str(self.loop.checkpoint["id"]) if self.loop is not None else ""

    def visit(self, node: str, task: str, step: object, *, called: bool) -> tuple[int, int]:
        """Count a start of a node.

        Nodes of one step are one visit, however many tasks of it `Send` makes side by side; each
        call of a `@task` function is one. A task that starts again is a retry.

        Args:
            node: Name of the node.
            task: Checkpoint namespace of the task, the same for each of its tries.
            step: Number of the step within the thread.
            called: Whether an `@entrypoint` function called it, and no edge led to it.

        Returns:
            Its attempt and its iteration, both from 1.
        """
        known = self._tasks.get(task)
        if known is not None:
            attempt, iteration = known[0] + 1, known[1]
        else:
            if step != self._step:
                self._step = step
                self._tasks.clear()
            last_step, count = self._visits.get(node, (None, 0))
            attempt, iteration = 1, count + 1 if called or last_step != step else count
            self._visits[node] = (step, iteration)
        if known is not None or len(self._tasks) < MAX_TASKS:
            self._tasks[task] = (attempt, iteration)
        return attempt, iteration


class Run:
    """One of LangChain's runs. Some own an execution; the others pass on the one above them."""

    __slots__ = (
        "about",
        "agent",
        "attempt",
        "call",
        "execution",
        "failed_with",
        "graph",
        "held",
        "iteration",
        "kind",
        "leaves",
        "name",
        "namespace",
        "outer",
        "owner",
        "parent",
        "place",
        "resumed",
        "run_id",
        "token",
    )

    def __init__(self, run_id: UUID, name: str, parent: Run | None, namespace: str) -> None:
        self.run_id = run_id
        self.name = name
        self.parent = parent
        self.namespace = namespace
        """LangGraph's checkpoint namespace: the path of tasks that led here."""
        self.owner: Run | None = parent.owner if parent is not None else None
        """The run whose execution this one belongs to; itself where it has its own."""
        self.outer: Execution | None = parent.outer if parent is not None else None
        """An execution around LangChain's outermost run, opened by the API."""
        self.execution: Execution | None = None
        """Its own, once it has begun."""
        self.kind = Kind.TASK
        self.about: About = NOTHING
        self.attempt = 1
        self.iteration = 0
        self.agent = False
        """A node that is a graph of this process, or a graph made by `create_agent`."""
        self.graph: Graph | None = None
        self.resumed = False
        self.place = ""
        """Where it pauses: the last part of its durable key."""
        self.call: ModelCall | None = None
        self.token: tuple[Recorder, Any] | None = None
        """What is attached to the running context while the model works."""
        self.held: list[Run] | None = None
        """Runs beneath that were cancelled, until it is known why."""
        self.leaves: dict[UUID, Run] | None = None
        """Open tools, retrievers and model calls beneath: LangChain does not tell of each end."""
        self.failed_with = 0
        """`id` of the exception that left a run beneath."""
