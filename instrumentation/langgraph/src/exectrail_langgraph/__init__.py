"""exectrail adapter for LangGraph, and for the LangChain models and tools that its graphs use.

Enters: what LangChain and LangGraph tell their callbacks. Leaves: calls on executions.
`hooks` hears it, `tracker` says what it means, `forest` keeps the `runs` in flight and their
executions, `translate` reads the frameworks' objects.
May import: runtime, execution, conventions, guard and autoload of exectrail; LangChain and
LangGraph in the other modules alone, since every process loads this one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from exectrail.autoload.adapter import Adapter

if TYPE_CHECKING:
    from exectrail_langgraph.tracker import Tracker

__all__ = ["LangGraphInstrumentor"]


class LangGraphInstrumentor(Adapter):
    """Hooks LangChain's runs when the first one starts, and LangGraph's graphs once it is there."""

    name = "langgraph"
    supports = ("langgraph>=1.2,<2", "langchain-core>=1.4,<2")
    module = "langchain_core.tracers.context"
    """LangChain imports it for its first run; the hook for runs is registered there."""

    tracker: ClassVar[Tracker | None] = None
    """The runs in flight, while the hooks are in."""
    _undo: ClassVar[list[Callable[[], None]]] = []

    def install(self) -> None:
        """Hook LangChain, and LangGraph when the program imports it."""
        from exectrail.autoload.imports import watch
        from exectrail.guard import guard
        from exectrail_langgraph import hooks
        from exectrail_langgraph.tracker import Tracker

        cls = type(self)
        tracker = Tracker()
        cls.tracker = tracker
        cls._undo = [hooks.hook_runs(tracker)]

        def hook_graphs() -> None:
            with guard("langgraph.install"):
                if cls.tracker is tracker:
                    cls._undo.append(hooks.hook_graphs(tracker))

        watch.when_imported(hooks.GRAPH_MODULE, hook_graphs)

    def uninstall(self) -> None:
        """Put everything back as it was."""
        cls = type(self)
        cls.tracker = None
        while cls._undo:
            cls._undo.pop()()
