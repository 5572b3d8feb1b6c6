"""exectrail: what every run of your agents is doing, did, cost, and whether it died.

Nothing happens at import, and little is loaded: what a name stands for comes with its first use.
`exectrail run` or `exectrail.instrument()` switches it on.
"""

TYPE_CHECKING = False  # as `typing` has it, whose import alone would double ours
if TYPE_CHECKING:
    from exectrail.api import (
        Block,
        agent,
        artifact,
        block,
        cancel,
        complete,
        current,
        error,
        fail,
        pause,
        plan,
        plan_step,
        progress,
        queue,
        resource_usage,
        result,
        resume,
        start,
        status,
        step,
        task,
        tool,
        usage,
        variable,
        workflow,
    )
    from exectrail.autoload import instrument, uninstrument
    from exectrail.execution import Execution, PlanStep
    from exectrail.propagation import child_environment
    from exectrail.runtime import flush, shutdown

__all__ = [
    "Block",
    "Execution",
    "PlanStep",
    "agent",
    "artifact",
    "block",
    "cancel",
    "child_environment",
    "complete",
    "current",
    "error",
    "fail",
    "flush",
    "instrument",
    "pause",
    "plan",
    "plan_step",
    "progress",
    "queue",
    "resource_usage",
    "result",
    "resume",
    "shutdown",
    "start",
    "status",
    "step",
    "task",
    "tool",
    "uninstrument",
    "usage",
    "variable",
    "workflow",
]

_HOMES = {
    "instrument": "exectrail.autoload",
    "uninstrument": "exectrail.autoload",
    "child_environment": "exectrail.propagation",
    "Execution": "exectrail.execution",
    "PlanStep": "exectrail.execution",
    "flush": "exectrail.runtime",
    "shutdown": "exectrail.runtime",
}
"""Where the names are that are not of the API."""


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_HOMES.get(name, "exectrail.api")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
