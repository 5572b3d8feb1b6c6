"""A recorder that keeps what it is told, and shows it as a tree of text.

workflow office paused(human_input) iterations=1
  step plan completed iteration=1
    chat gpt-4o-mini in=11 out=5
  step ask paused(human_input) iteration=1

`iteration` is an execution's own visit in a loop, `iterations` the highest one of its children.
`unsaved` is a pause without a durable key.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar

from exectrail import runtime
from exectrail.conventions.names import State
from exectrail.execution import (
    Artifact,
    Execution,
    Executions,
    Logged,
    ModelCall,
    Plan,
    Progress,
    Resources,
    Result,
    Transition,
    Variable,
)
from exectrail.testing.fakes import FakeClock, FakeIds


class Recording:
    """Keeps all that executions report, in order."""

    def __init__(self) -> None:
        self.executions: list[Execution] = []
        self.transitions: list[tuple[Execution, Transition]] = []
        self.calls: list[ModelCall] = []
        self.logs: list[tuple[Execution, Logged]] = []
        self.told: dict[ModelCall, int | None] = {}
        """Ended calls, and the sequence of their usage event where there is one."""
        self.reports: list[tuple[Execution, object]] = []
        """Progress, plans, results, artifacts, resource use and variables."""
        self._attached: ContextVar[_Attached | None] = ContextVar("attached", default=None)

    # -- Recorder ----------------------------------------------------------------------------------

    def opened(self, execution: Execution) -> None:
        self.executions.append(execution)

    def changed(self, execution: Execution, transition: Transition) -> None:
        self.transitions.append((execution, transition))

    def closed(self, execution: Execution) -> None: ...

    def progressed(self, execution: Execution, sequence: int, progress: Progress) -> None:
        self.reports.append((execution, progress))

    def planned(self, execution: Execution, sequence: int, plan: Plan) -> None:
        self.reports.append((execution, plan))

    def resulted(self, execution: Execution, sequence: int, result: Result) -> None:
        self.reports.append((execution, result))

    def made(self, execution: Execution, sequence: int, artifact: Artifact) -> None:
        self.reports.append((execution, artifact))

    def consumed(self, execution: Execution, sequence: int, resources: Resources) -> None:
        self.reports.append((execution, resources))

    def assigned(self, execution: Execution, sequence: int, variable: Variable) -> None:
        self.reports.append((execution, variable))

    def logged(self, execution: Execution, line: Logged) -> None:
        self.logs.append((execution, line))

    def call_opened(self, call: ModelCall) -> None:
        self.calls.append(call)

    def call_closed(self, call: ModelCall, sequence: int | None) -> None:
        self.told[call] = sequence

    def attach(self, item: Execution | ModelCall) -> object:
        attached = _Attached(item, self._attached.get())
        self._attached.set(attached)
        return attached

    def detach(self, token: object) -> None:
        if isinstance(token, _Attached):
            token.over = True
            self._attached.set(token.before)

    # -- what it shows -----------------------------------------------------------------------------

    @property
    def attached(self) -> Execution | ModelCall | None:
        """What is attached to the running context, and not taken back in any other."""
        attached = self._attached.get()
        while attached is not None and attached.over:
            attached = attached.before
        return attached.item if attached is not None else None

    @property
    def refused(self) -> list[tuple[Execution, Transition]]:
        """Transitions that were not allowed."""
        return [entry for entry in self.transitions if not entry[1].valid]

    def history(self, execution: Execution) -> str:
        """The states of an execution in order, for example `paused>running>completed`."""
        own = [change for owner, change in self.transitions if owner is execution]
        first = [own[0].previous] if own and own[0].previous is not None else []
        states = [*first, *(change.state for change in own if change.valid)]
        return ">".join(state.value for state in states)

    def tree(self, *, ordered: bool = True) -> str:
        """The executions and model calls as text, children beneath their parents.

        Args:
            ordered: In order of their start; else siblings in order of their text, for programs
                whose branches start side by side.
        """
        known = {execution.id for execution in self.executions}
        roots = [e for e in self.executions if e.parent is None or e.parent.id not in known]
        blocks = [self._block(root, ordered) for root in roots]
        return "\n".join(line for block in _in_order(blocks, ordered) for line in block)

    def _block(self, execution: Execution, ordered: bool) -> list[str]:
        parts: list[tuple[int, list[str]]] = [
            (call.started_ns, [_call_line(call, call in self.told)])
            for call in self.calls
            if call.execution is execution
        ]
        parts += [
            (child.started_ns, self._block(child, ordered))
            for child in self.executions
            if child.parent is execution
        ]
        blocks = [block for _, block in sorted(parts, key=_start)]
        under = [f"  {line}" for block in _in_order(blocks, ordered) for line in block]
        return [_line(execution), *under]


class _Attached:
    def __init__(self, item: Execution | ModelCall, before: _Attached | None) -> None:
        self.item = item
        self.before = before
        self.over = False


def _start(part: tuple[int, list[str]]) -> int:
    return part[0]


def _in_order(blocks: list[list[str]], ordered: bool) -> list[list[str]]:
    return blocks if ordered else sorted(blocks)


def _line(execution: Execution) -> str:
    state = execution.state.value if execution.state is not None else "unborn"
    if execution.reason:
        state = f"{state}({execution.reason})"
    words = [execution.kind.value, execution.name, state]
    if execution.state is State.PAUSED and not execution.resume_key:
        words.append("unsaved")
    if execution.resumed:
        words.append("resumed")
    if execution.attempt > 1:
        words.append(f"attempt={execution.attempt}")
    if execution.iteration:
        words.append(f"iteration={execution.iteration}")
    if execution.iterations:
        words.append(f"iterations={execution.iterations}")
    return " ".join(words)


def _call_line(call: ModelCall, ended: bool) -> str:
    words = [call.operation, call.request_model or "?"]
    usage = call.usage
    counts = {
        "in": usage.input_tokens,
        "out": usage.output_tokens,
        "cache_read": usage.cache_read_tokens,
        "cache_write": usage.cache_write_tokens,
        "reasoning": usage.reasoning_tokens,
    }
    words += [f"{name}={count}" for name, count in counts.items() if count is not None]
    if not ended:
        words.append("open")
    elif call.error is not None:
        words.append(f"error={call.error.type}")
    elif not usage.known:
        words.append("usage unknown")
    return " ".join(words)


@contextmanager
def recording(project: str = "", make: Callable[[], Recording] = Recording) -> Generator[Recording]:
    """Let the process's executions report to a recording, with a fake clock and fake ids.

    Args:
        project: `service.namespace`, a part of durable keys.
        make: Makes the recording.
    """
    recorder = make()
    engine = Executions(recorder, now_ns=FakeClock(), new_id=FakeIds())
    restore = runtime.install(engine, project)
    try:
        yield recorder
    finally:
        restore()
