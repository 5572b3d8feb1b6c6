"""The runs that the tests of the commands read."""

from __future__ import annotations

import json

from exectrail.conventions import names

from .reporting import Execution, Process


def revise(run: Execution, revision: int, at: float) -> None:
    """Tell a plan of one step."""
    step = {
        "name": "scout",
        "component": "search",
        "estimated_seconds": 5,
        "estimated_cost": "0.02",
    }
    plan = {names.PLAN_REVISION: revision, names.PLAN_STEPS: json.dumps([step])}
    run.tell(names.EVENT_EXECUTION_PLAN_CHANGED, at, plan)


def good(process: Process) -> Execution:
    """A run that ended well, with something of everything that can be reported."""
    told = {
        names.TRIGGER_SOURCE: "schedule",
        names.TRIGGER_KEY: "0 3 * * *",
        names.TRIGGER_INTENT: "restock",
        names.EXECUTION_TARGET_TYPE: "ticket",
        names.EXECUTION_TARGET_ID: "T-1",
        names.EXECUTION_EXTERNAL_ID: f"framework-{process.project}",
        f"{names.TAG_PREFIX}team": "blue",
    }
    run = process.start("workflow", "checkout", -7200, told=told)
    revise(run, 1, -7199)
    agent = run.child("agent", "scout", -7190, agent="scout")
    agent.call(-7189, "small-1").call(-7188, "small-1")
    agent.child("tool", "search", -7187).move("completed", -7186)
    agent.move("completed", -7180)
    critic = run.child("agent", "critic", -7179, agent="critic").call(
        -7178, "large-9", priced=False
    )
    critic.move("completed", -7170)
    result = {
        names.RESULT_NAME: "tests",
        names.RESULT_CATEGORY: "testing",
        names.RESULT_VALID: True,
    }
    run.tell(names.EVENT_EXECUTION_RESULT, -7169, result)
    file = {
        names.ARTIFACT_NAME: "report.md",
        names.ARTIFACT_URL: "out/report.md",
        names.ARTIFACT_ACTION: "created",
        names.ARTIFACT_SIZE: 12345,
    }
    run.tell(names.EVENT_EXECUTION_ARTIFACT, -7168, file)
    used = {names.RESOURCE_CPU_TIME: 12.5, names.RESOURCE_MEMORY_PEAK: 1_000_000}
    run.tell(names.EVENT_EXECUTION_RESOURCE_USAGE, -7167, used)
    done = {names.EXECUTION_STEPS_PLANNED: 2, names.EXECUTION_STEPS_COMPLETED: 2}
    run.tell(names.EVENT_EXECUTION_PROGRESS, -7166, done | {names.EXECUTION_PROGRESS: 1.0})
    return run.move("completed", -7160)


def partial(process: Process) -> Execution:
    run = process.start("workflow", "checkout", -3600)
    run.child("step", "plan", -3599).move("completed", -3598)
    error = {
        names.EXECUTION_REASON: "error",
        names.ERROR_TYPE: "OSError",
        names.EXCEPTION_MESSAGE: "disk\x1b[2J full",
    }
    run.child("step", "write", -3597).move("failed", -3590, **error)
    return run.move("failed", -3589, **error)


def paused(process: Process) -> Execution:
    key = f"{process.project}/refund/1"
    run = process.start("workflow", "refund", -600)
    waits = {names.EXECUTION_REASON: "human_input", names.EXECUTION_RESUME_KEY: key}
    return run.move("paused", -590, **waits)


def resumed(process: Process, other: Process) -> tuple[Execution, Execution]:
    """One execution in two processes, with 300 s of waiting between."""
    key = f"{process.project}/refund/2"
    waits = {names.EXECUTION_REASON: "human_input", names.EXECUTION_RESUME_KEY: key}
    first = process.start("workflow", "refund", -500)
    revise(first, 1, -495)
    first.move("paused", -490, **waits)
    told = {names.EXECUTION_PREVIOUS_STATE: "paused", names.EXECUTION_RESUME_KEY: key}
    second = other.start("workflow", "refund", -190, told=told)
    revise(second, 2, -189)
    second.child("step", "pay", -189).call(-188, "small-1").move("completed", -187)
    return first, second.move("completed", -180)
