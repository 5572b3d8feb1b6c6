"""The process's one set of executions, and what they report to.

Wires the write half together: configuration -> providers (export) -> recorder (signals) -> executions.
Adapters and the API ask here for `executions()`; nothing else of the write half is theirs to import.
"""

from __future__ import annotations

from collections.abc import Callable

from exectrail.execution import Executions

_executions = Executions()


def executions() -> Executions:
    """The executions of this process; they record nothing until exectrail is set up."""
    return _executions


def install(engine: Executions) -> Callable[[], None]:
    """Put other executions in their place.

    Returns:
        A function that puts the former ones back.
    """
    global _executions
    former, _executions = _executions, engine

    def restore() -> None:
        global _executions
        _executions = former

    return restore


def project() -> str:
    """The project, `service.namespace` of the resource; part of a durable key."""
    return _project


_project = ""
