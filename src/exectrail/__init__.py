"""exectrail: what every run of your agents is doing, did, cost, and whether it died.

Nothing happens at import. `exectrail run` or `exectrail.instrument()` switches it on.
"""

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
from exectrail.runtime import flush, shutdown

__all__ = [
    "Block",
    "Execution",
    "PlanStep",
    "agent",
    "artifact",
    "block",
    "cancel",
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
