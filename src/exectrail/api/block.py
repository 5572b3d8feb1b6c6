"""`workflow`, `agent`, `task`, `step` and `tool`: one execution around a block or a function.

    with exectrail.workflow("nightly-report") as run:      # also `async with`
        ...

    @exectrail.step                                        # the function's name
    @exectrail.agent("planner", target_type="ticket")      # sync, async, generators of both
    def plan(): ...

What leaves the block decides the state: a value is completed, an exception is failed, cancellation
is cancelled, a generator closed early is cancelled (stream_closed). Who left it waiting (paused,
blocked, queued) leaves it so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from types import TracebackType
from typing import Any, ParamSpec, TypedDict, TypeVar, Unpack, cast, overload

from exectrail.api.drivers import driven
from exectrail.api.run import Run
from exectrail.conventions.names import Kind, Mode
from exectrail.execution import About, Execution
from exectrail.execution.current import CURRENT
from exectrail.execution.details import NOTHING

P = ParamSpec("P")
R = TypeVar("R")
F = TypeVar("F", bound=Callable[..., Any])


class Details(TypedDict, total=False):
    """What else may be said of an execution when it starts. See `exectrail.execution.About`."""

    external_id: str
    mode: Mode | str
    deadline: datetime
    max_iterations: int
    conversation_id: str
    agent_version: str
    tool_call_id: str
    target_type: str
    target_id: str
    trigger_source: str
    trigger_key: str
    trigger_status: str
    trigger_intent: str
    tags: Mapping[str, str]


class Block:
    """One execution around a `with` block; or, as a decorator, around each call of a function."""

    def __init__(
        self,
        kind: Kind,
        name: str,
        about: About = NOTHING,
        *,
        attempt: int = 1,
        iteration: int = 0,
        resume_key: str = "",
        resumed: bool = False,
    ) -> None:
        self._kind = kind
        self._name = name
        self._about = about
        self._options: dict[str, Any] = {
            "attempt": attempt,
            "iteration": iteration,
            "resume_key": resume_key,
            "resumed": resumed,
        }
        self._entered: dict[str, Run] = {}

    def begin(self) -> Run:
        """Start one execution of this description."""
        return Run(self._kind, self._name, self._about, self._options)

    def __enter__(self) -> Execution:
        run = self.begin()
        run.attach()
        self._entered[run.execution.id] = run
        return run.execution

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if (run := self._left()) is not None:
            run.detach()
            run.end(error)

    def _left(self) -> Run | None:
        """The run that is left: the innermost one of this block around the running code.

        A block may be used by several threads and tasks at once. Where it is left in another
        context than it was entered in, it is the last one entered.
        """
        node = CURRENT.get()
        while node is not None:
            if (run := self._entered.pop(node.id, None)) is not None:
                return run
            node = node.parent
        return self._entered.popitem()[1] if self._entered else None

    async def __aenter__(self) -> Execution:
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.__exit__(kind, error, trace)

    def __call__(self, function: F) -> F:
        """Wrap a function: each call is an execution, named after it where no name was given."""
        if isinstance(function, (staticmethod, classmethod)):
            return cast(F, type(function)(self(function.__func__)))
        name = self._name or getattr(function, "__name__", type(function).__name__)
        described = Block(self._kind, name, self._about, **self._options)
        return driven(function, described.begin)


class Maker:
    """Makes blocks of one kind: `exectrail.step("name")`, `@exectrail.step`."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind

    @overload
    def __call__(self, name: Callable[P, R]) -> Callable[P, R]: ...

    @overload
    def __call__(
        self,
        name: str = "",
        *,
        attempt: int = 1,
        iteration: int = 0,
        resume_key: str = "",
        resumed: bool = False,
        **details: Unpack[Details],
    ) -> Block: ...

    def __call__(
        self,
        name: Any = "",
        *,
        attempt: int = 1,
        iteration: int = 0,
        resume_key: str = "",
        resumed: bool = False,
        **details: Unpack[Details],
    ) -> Any:
        """Make a block, or wrap a function.

        Args:
            name: Low-cardinality name; or the function, where used as a bare decorator.
            attempt: 1 for the first try.
            iteration: Its turn, where it is a part of a loop.
            resume_key: Durable key under which it pauses, or that it resumes.
            resumed: It goes on where a pause with this key ended, in this process or another.
            details: What else is known, see `exectrail.execution.About`.
        """
        if callable(name) or type(name) is classmethod:
            return Block(self._kind, "")(cast("Callable[..., Any]", name))
        return Block(
            self._kind,
            str(name),
            About(**details) if details else NOTHING,
            attempt=attempt,
            iteration=iteration,
            resume_key=resume_key,
            resumed=resumed,
        )


workflow = Maker(Kind.WORKFLOW)
agent = Maker(Kind.AGENT)
task = Maker(Kind.TASK)
step = Maker(Kind.STEP)
tool = Maker(Kind.TOOL)
