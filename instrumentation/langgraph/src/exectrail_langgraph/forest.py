"""The runs in flight, as trees: whose execution a run belongs to, when that begins, how it ends."""

from __future__ import annotations

import threading
from typing import Final
from uuid import UUID

from exectrail import runtime
from exectrail.conventions.names import Kind, Reason, State
from exectrail.execution import About, Execution, current
from exectrail.execution.current import CURRENT
from exectrail.execution.details import NOTHING
from exectrail.guard import report
from exectrail_langgraph import translate
from exectrail_langgraph.runs import Graph, Run
from exectrail_langgraph.translate import Ending

MAX_RUNS: Final = 100_000
"""Runs in flight that are followed; what starts beyond is not seen, and counted as dropped."""


class Forest:
    """The runs in flight, by LangChain's id."""

    def __init__(self) -> None:
        self.runs: dict[UUID, Run] = {}
        self.lock = threading.RLock()

    # -- the tree ----------------------------------------------------------------------------------

    def enter(
        self, run_id: UUID, parent_id: UUID | None, name: str, namespace: str | None
    ) -> Run | None:
        """A new run beneath another, or None where no more can be followed."""
        if len(self.runs) >= MAX_RUNS:
            report("langgraph.too_many_runs")
            return None
        parent = self.runs.get(parent_id) if parent_id is not None else None
        if parent is not None:
            return Run(run_id, name, parent, namespace or parent.namespace)
        run = Run(run_id, name, None, namespace or "")
        run.outer = current()
        return run

    def keep_leaf(self, run: Run, above: Run | None) -> None:
        """Follow a run whose end LangChain may not tell: it ends with the run above at last."""
        self.runs[run.run_id] = run
        if above is not None:
            if above.leaves is None:
                above.leaves = {}
            above.leaves[run.run_id] = run

    def leave(self, run_id: UUID) -> Run | None:
        """A run ended: follow it no more."""
        run = self.runs.pop(run_id, None)
        if run is not None and run.parent is not None:
            above = run.parent.owner
            if above is not None and above.leaves:
                above.leaves.pop(run_id, None)
        return run

    def around(self, run: Run | None) -> Graph | None:
        """The innermost graph that a run lies in."""
        while run is not None and run.owner is not None:
            if run.owner.graph is not None:
                return run.owner.graph
            run = run.owner.parent
        return None

    def graph_of(self, run_id: UUID | None) -> tuple[Run | None, Graph | None]:
        """The run that a graph's execution belongs to, and the graph."""
        run = self.runs.get(run_id) if run_id is not None else None
        owner = run.owner if run is not None else None
        return owner, owner.graph if owner is not None else None

    def saved(self, run: Run) -> tuple[str, str]:
        """Durable key under which a run pauses and goes on, and the checkpoint that holds it.

        Both are empty where nothing is saved.
        """
        graph = run.graph if run.graph is not None and run.graph.top else self.around(run.parent)
        if graph is None or not graph.durable:
            return "", ""
        key = translate.resume_key(runtime.project(), graph.workflow, graph.thread, run.place)
        return key, graph.checkpoint_id

    # -- their executions --------------------------------------------------------------------------

    def execution_of(self, run: Run) -> Execution | None:
        """The execution that a run belongs to, if there is any."""
        return self.ensure(run.owner) if run.owner is not None else run.outer

    def for_child(self, run: Run) -> Execution:
        """The execution for a model call: of its owner, or of a block of the API inside that."""
        above = self.execution_of(run)
        if above is None:
            raise LookupError("a model call without an owner")
        if run.owner is not run and run.owner is not None and run.owner.held:
            self._release(run.owner)
        return _innermost(above)

    def ensure(self, run: Run) -> Execution:
        """The execution of a run that has one; begun now, if that had to wait."""
        if run.execution is None:
            with self.lock:
                if run.execution is None:
                    self.begin(run)
        assert run.execution is not None
        return run.execution

    def begin(self, run: Run) -> None:
        """Start the execution of a run."""
        above = self._above(run)
        engine = above.engine if above is not None else runtime.executions()
        key, checkpoint_id = self.saved(run) if run.resumed else ("", "")
        about = run.about
        if about is NOTHING:
            about = About(external_id=str(run.run_id))

        def hold(execution: Execution) -> None:
            run.execution = execution

        engine.start(
            run.kind,
            run.name,
            parent=above,
            root=above is None,
            about=about,
            attempt=run.attempt,
            iteration=run.iteration,
            resume_key=key,
            resumed=run.resumed,
            checkpoint_id=checkpoint_id,
            hold=hold,
        )

    def _above(self, run: Run) -> Execution | None:
        """The execution that a run's own is to stand under."""
        owner = run.parent.owner if run.parent is not None else None
        if owner is None:
            return run.outer
        if owner.held:
            self._release(owner)
        if run.graph is not None and owner.kind is Kind.TASK and owner.execution is None:
            return owner.outer  # a chain that only holds a graph is no execution
        return _innermost(self.ensure(owner))

    def _release(self, owner: Run) -> None:
        """It goes on, so what was cancelled beneath it was not cancelled from above."""
        held, owner.held = owner.held, None
        for run in held or ():
            self.finish(run, Ending(State.CANCELLED, Reason.USER_REQUEST), None)

    def detach(self, run: Run) -> None:
        """Take a model call's span out of the running context."""
        if run.token is not None:
            recorder, token = run.token
            run.token = None
            recorder.detach(token)

    # -- ends --------------------------------------------------------------------------------------

    def finish(self, run: Run, how: Ending, error: BaseException | None) -> None:
        """End a run's execution, and what is still open beneath it."""
        if run.execution is None and run.kind is not Kind.TASK:
            self.ensure(run)
        passed_on = error is not None and run.failed_with == id(error)
        held, run.held = run.held, None
        for child in held or ():
            cut = translate.cut_off(child.name, how, error, passed_on=passed_on)
            self.finish(child, cut, None)
        if run.leaves:
            self._end_leaves(run, how)
        execution = run.execution
        if execution is not None and not execution.closed:
            reason = how.reason or ""
            if how.state is State.PAUSED:
                key, checkpoint_id = self.saved(run)
                execution.suspend(key, reason, checkpoint_id=checkpoint_id)
            elif how.state is State.FAILED:
                execution.fail(error, reason)
            elif how.state is State.CANCELLED:
                execution.cancel(reason)
            else:
                execution.complete()
        if run.graph is not None:
            run.graph.loop = None

    def _end_leaves(self, run: Run, how: Ending) -> None:
        """LangChain's tools and batched async models do not say that they were cancelled."""
        ended = how.state in (State.FAILED, State.CANCELLED)
        cut = Ending(State.CANCELLED, how.reason if ended else Reason.USER_REQUEST)
        for leaf in list((run.leaves or {}).values()):
            self.leave(leaf.run_id)
            if leaf.call is not None:
                self.detach(leaf)
                leaf.call.cancel()
            if leaf.owner is leaf:
                self.finish(leaf, cut, None)

    def retry(self, above: Run, namespace: str) -> None:
        """A task that was cancelled starts again: it had run out of time."""
        for run in above.held or ():
            if run.namespace == namespace:
                above.held = [other for other in above.held or () if other is not run]
                self.finish(run, Ending(State.FAILED, Reason.TIMEOUT), None)
                return


def _innermost(execution: Execution) -> Execution:
    """A block that the program opened by the API inside an execution, else the execution."""
    attached = CURRENT.get()
    if attached is not None and attached is not execution and attached.within(execution):
        return attached
    return execution
