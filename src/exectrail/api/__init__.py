"""The API: for programs that want to say more than the adapters see, or have no adapter.

Enters: calls and blocks of the program. Leaves: calls on `execution`. Nothing here raises on its
own account, changes what a block or function returns or raises, or does anything before
`exectrail.instrument()` or `exectrail run` switched exectrail on.
May import: runtime, execution, conventions, guard.
"""

from exectrail.api.block import Block, agent, step, task, tool, workflow
from exectrail.api.report import (
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
    usage,
    variable,
)

__all__ = [
    "Block",
    "agent",
    "artifact",
    "block",
    "cancel",
    "complete",
    "current",
    "error",
    "fail",
    "pause",
    "plan",
    "plan_step",
    "progress",
    "queue",
    "resource_usage",
    "result",
    "resume",
    "start",
    "status",
    "step",
    "task",
    "tool",
    "usage",
    "variable",
    "workflow",
]
