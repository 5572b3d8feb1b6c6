"""Follows runs from start to end, and keeps their executions in step.

LangChain says that a run started or ended; LangGraph that a graph's loop was made, paused or
resumed. An execution begins as soon as it is known what it is:

- a node at once, unless it is a graph itself: then with that graph, and the two are one execution;
- a graph when its loop is made, unless it may resume: then when it is known whether it does, which
  is before its first node;
- a chain outside any graph only when a model or a tool beneath it needs an owner.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from langchain_core.runnables.config import var_child_runnable_config

from exectrail.conventions.names import Kind, Reason, State
from exectrail.execution import About, Execution
from exectrail_langgraph import translate
from exectrail_langgraph.forest import Forest
from exectrail_langgraph.runs import Graph, Run
from exectrail_langgraph.translate import Ending

if TYPE_CHECKING:
    from langchain_core.outputs import LLMResult
    from langgraph.callbacks import GraphInterruptEvent, GraphResumeEvent
    from langgraph.pregel._loop import PregelLoop

_NOTHING: Final[Mapping[str, Any]] = {}
_COMPLETED: Final = Ending(State.COMPLETED)


class Tracker:
    """The runs in flight. Its methods may raise; whoever calls them guards them."""

    def __init__(self) -> None:
        self._forest = Forest()

    def __len__(self) -> int:
        return len(self._forest.runs)

    def current(self) -> Execution | None:
        """The execution of the node, tool or chain whose code is running."""
        config = var_child_runnable_config.get()
        if config is None:
            return None
        run = self._forest.runs.get(getattr(config.get("callbacks"), "parent_run_id", None))  # pyright: ignore[reportArgumentType]  None is no key
        return self._forest.execution_of(run) if run is not None else None

    # -- starts ------------------------------------------------------------------------------------

    def chain_started(
        self,
        run_id: UUID,
        parent_id: UUID | None,
        name: str,
        metadata: Mapping[str, Any] | None,
    ) -> None:
        """A chain: a graph, a node, or one of the many that LangChain makes of everything."""
        known = metadata or _NOTHING
        namespace = known.get("langgraph_checkpoint_ns")
        run = self._forest.enter(run_id, parent_id, name, namespace)
        if run is None:
            return
        parent = run.parent
        # What runs inside a node has its namespace; the node's own run is the first that has it.
        if (
            namespace
            and name == known.get("langgraph_node")
            and (parent is None or parent.namespace != namespace)
        ):
            self._node_started(run, known)
        else:
            run.agent = known.get("ls_integration") == translate.CREATE_AGENT
            if run.owner is None and run.outer is None:
                run.owner = run
        self._forest.runs[run_id] = run

    def _node_started(self, run: Run, metadata: Mapping[str, Any]) -> None:
        run.owner = run
        run.kind = Kind.STEP
        run.place = run.namespace
        above = run.parent.owner if run.parent is not None else None
        around = self._forest.around(run.parent)
        if above is not None and above.held:
            self._forest.retry(above, run.namespace)
        if around is None:
            self._forest.begin(run)
            return
        path = metadata.get("langgraph_path") or ()
        with self._forest.lock:
            run.attempt, run.iteration = around.visit(
                run.name,
                run.namespace,
                metadata.get("langgraph_step"),
                called=bool(path) and path[-1] is True,
            )
        if around.resumed:
            run.resumed = run.namespace.rpartition(":")[2] in around.interrupted
        local = around.agents.get(run.name)
        if local is not None:
            run.kind = Kind.AGENT
            run.agent = local
        if not run.agent:
            self._forest.begin(run)

    def graph_started(self, loop: PregelLoop) -> None:
        """A graph's loop was made: right after its run started, before anything of it runs."""
        run = self._forest.runs.get(getattr(loop.manager, "run_id", None))  # pyright: ignore[reportArgumentType]  None is no key
        if run is None:
            return
        around = self._forest.around(run.parent)
        graph = Graph(loop, translate.agent_nodes(loop.nodes), around)
        about = About(
            external_id=str(run.run_id),
            max_iterations=int(loop.config.get("recursion_limit", 0)) or None,
            conversation_id=graph.thread,
        )
        node = run.owner
        if node is not None and node.kind is Kind.AGENT and node.execution is None:
            node.graph, node.about = graph, about
            if node.resumed or not (graph.durable and around is not None and around.resumed):
                self._forest.ensure(node)
            return
        run.owner, run.graph, run.about = run, graph, about
        run.name = translate.entrypoint_name(run.name, loop.nodes)
        run.kind = Kind.AGENT if run.agent or around is not None else Kind.WORKFLOW
        if graph.top:
            graph.workflow = run.name
            waits = translate.may_resume(loop.input)
        else:
            run.place = f"{run.namespace}#{run.name}"
            waits = around is not None and around.resumed
        if not (waits and graph.durable):
            self._forest.ensure(run)

    def graph_resumed(self, event: GraphResumeEvent) -> None:
        """A graph goes on from a checkpoint; told before its first node starts."""
        owner, graph = self._forest.graph_of(event.run_id)
        if owner is None or graph is None or graph.loop is None:
            return
        if owner.execution is not None and not owner.resumed:
            return  # the retry of a node, which is a graph that had saved something
        interrupted = translate.interrupted_tasks(graph.loop.checkpoint_pending_writes)
        if interrupted is not None:
            graph.resumed, graph.interrupted = True, interrupted
            owner.resumed = True
        self._forest.ensure(owner)

    def tool_started(
        self,
        run_id: UUID,
        parent_id: UUID | None,
        name: str,
        call_id: str | None,
        metadata: Mapping[str, Any] | None,
    ) -> None:
        """A tool call."""
        namespace = (metadata or _NOTHING).get("langgraph_checkpoint_ns")
        run = self._forest.enter(run_id, parent_id, name, namespace)
        if run is None:
            return
        above, run.owner = run.owner, run
        run.kind = Kind.TOOL
        if call_id:
            run.about = About(external_id=str(run_id), tool_call_id=call_id)
        if above is not None and above.resumed:
            run.resumed = True
        run.place = f"{run.namespace}#{call_id or name}"
        self._forest.begin(run)
        self._forest.keep_leaf(run, above)

    def retriever_started(self, run_id: UUID, parent_id: UUID | None, name: str) -> None:
        """A retriever: no execution, but models may run beneath it."""
        run = self._forest.enter(run_id, parent_id, name, None)
        if run is None:
            return
        above = run.owner
        if run.owner is None and run.outer is None:
            run.owner = run
        self._forest.keep_leaf(run, above)

    def call_started(
        self,
        run_id: UUID,
        parent_id: UUID | None,
        name: str,
        provider: str,
        model: str,
        operation: str,
    ) -> None:
        """A model call. Without anything around it, it gets an execution, so that none is lost."""
        run = self._forest.enter(run_id, parent_id, name, None)
        if run is None:
            return
        above = run.owner
        if run.owner is None and run.outer is None:
            run.owner = run
        execution = self._forest.for_child(run)
        run.call = execution.model_call(provider, model, operation=operation)
        self._forest.keep_leaf(run, above)
        recorder = execution.engine.recorder
        run.token = recorder, recorder.attach(run.call)

    # -- ends --------------------------------------------------------------------------------------

    def first_token(self, run_id: UUID) -> None:
        """A stream began: from here the program's own code runs between the model's."""
        run = self._forest.runs.get(run_id)
        if run is not None and run.token is not None:
            self._forest.detach(run)

    def call_ended(self, run_id: UUID, response: LLMResult | None) -> None:
        """A model call ended well."""
        run = self._forest.leave(run_id)
        if run is None or run.call is None:
            return
        try:
            self._forest.detach(run)
        finally:
            told = translate.answer(response)
            run.call.end(
                told.usage,
                response_model=told.model,
                response_id=told.response_id,
                finish_reasons=told.finish_reasons,
            )
            if run.owner is run:
                self._forest.finish(run, _COMPLETED, None)

    def call_failed(self, run_id: UUID, error: BaseException, response: LLMResult | None) -> None:
        """A model call failed, or was given up; what it used may be known all the same."""
        run = self._forest.leave(run_id)
        if run is None or run.call is None:
            return
        try:
            self._forest.detach(run)
        finally:
            how = translate.ending(error)
            usage = translate.answer(response).usage
            if how.state is State.CANCELLED:
                run.call.cancel(usage)
            else:
                run.call.fail(error, usage)
            if run.owner is run:
                self._forest.finish(run, how, error)

    def ended(self, run_id: UUID) -> None:
        """A chain, tool or retriever ended well."""
        run = self._forest.leave(run_id)
        if run is not None and run.owner is run:
            self._forest.finish(run, _COMPLETED, None)

    def failed(self, run_id: UUID, error: BaseException) -> None:
        """An exception left a chain, tool or retriever: an error, or control flow."""
        run = self._forest.leave(run_id)
        if run is None or run.owner is not run:
            return
        how = translate.ending(error)
        above = run.parent.owner if run.parent is not None else None
        if above is not None:
            if how.by_cancellation and not (above.execution is not None and above.execution.closed):
                above.held = [*(above.held or ()), run]
                return
            if how.state is State.FAILED:
                above.failed_with = id(error)
            elif how.reason is Reason.HUMAN_INPUT and above.graph is not None:
                above.graph.paused = True
        graph = run.graph
        asked = graph is not None and graph.paused and graph.durable
        if asked and isinstance(error, GeneratorExit):
            # Whoever reads the stream had the question and went away: the answer is still due.
            how = Ending(State.PAUSED, Reason.HUMAN_INPUT)
        self._forest.finish(run, how, error)

    def graph_interrupted(self, event: GraphInterruptEvent) -> None:
        """The outermost graph paused: for a node that asked, or at a breakpoint."""
        owner, graph = self._forest.graph_of(event.run_id)
        if owner is None or graph is None:
            return
        execution = self._forest.ensure(owner)
        if not execution.closed:
            key, checkpoint_id = self._forest.saved(owner)
            execution.suspend(key, Reason.HUMAN_INPUT, checkpoint_id=checkpoint_id)
