"""Plain functions: what the running code says of its execution.

Each acts on the current execution, or on the one given as `of`; without either it does nothing, so
code that reports can be used where nothing is traced.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Unpack

from exectrail.api.block import Details
from exectrail.api.run import started
from exectrail.conventions.names import Kind, Reason, ResourceScope, State
from exectrail.execution import (
    About,
    Execution,
    PlanStep,
    ProviderCost,
    Resources,
    Usage,
)
from exectrail.execution import current as current_execution
from exectrail.execution.result import Check
from exectrail.guard import guard

_GUARD = guard("api.report")


def current() -> Execution | None:
    """The execution that the running code belongs to, or None."""
    with _GUARD:
        return current_execution()
    return None


def start(
    kind: Kind | str,
    name: str,
    *,
    parent: Execution | None = None,
    state: State | str = State.RUNNING,
    attempt: int = 1,
    iteration: int = 0,
    resume_key: str = "",
    resumed: bool = False,
    **details: Unpack[Details],
) -> Execution:
    """Start an execution that no block ends: end it by `complete(of=...)` and the like.

    Args:
        kind: workflow, agent, task, step, iteration or tool.
        name: Low-cardinality name.
        parent: Its parent; the current execution if left out.
        state: First state: created, queued or running.
        attempt: 1 for the first try.
        iteration: Its turn, where it is a part of a loop.
        resume_key: Durable key under which it pauses, or that it resumes.
        resumed: It goes on where a pause with this key ended.
        details: What else is known, see `exectrail.execution.About`.
    """
    options = {
        "parent": parent,
        "state": state,
        "attempt": attempt,
        "iteration": iteration,
        "resume_key": resume_key,
        "resumed": resumed,
    }
    return started(kind, name, About(**details), options)


def queue(reason: Reason | str = "", *, of: Execution | None = None) -> None:
    """It waits for a worker."""
    if execution := of or current():
        execution.queue(reason)


def pause(reason: Reason | str = Reason.HUMAN_INPUT, *, of: Execution | None = None) -> None:
    """It waits on purpose."""
    if execution := of or current():
        execution.pause(reason)


def block(reason: Reason | str = Reason.DEPENDENCY, *, of: Execution | None = None) -> None:
    """It waits on something else."""
    if execution := of or current():
        execution.block(reason)


def resume(*, of: Execution | None = None) -> None:
    """It works again."""
    if execution := of or current():
        execution.run()


def status(word: object, reason: Reason | str = "", *, of: Execution | None = None) -> bool:
    """Take a status word of another system, such as `IN_PROGRESS` or `SUCCESS`.

    Returns:
        Whether the word is known; an unknown one changes nothing.
    """
    execution = of or current()
    return execution is not None and execution.status(word, reason)


def complete(*, of: Execution | None = None) -> None:
    """It ended well."""
    if execution := of or current():
        execution.complete()


def fail(
    why: BaseException | str | None = None,
    reason: Reason | str = Reason.ERROR,
    *,
    of: Execution | None = None,
) -> None:
    """It ended badly."""
    if execution := of or current():
        execution.fail(why, reason)


def cancel(reason: Reason | str = Reason.USER_REQUEST, *, of: Execution | None = None) -> None:
    """It was ended."""
    if execution := of or current():
        execution.cancel(reason)


def error(what: BaseException | str, *, of: Execution | None = None) -> None:
    """An error that did not end it: a result of category error with type and scrubbed message."""
    if execution := of or current():
        name = type(what).__qualname__ if isinstance(what, BaseException) else "error"
        execution.add_result(name, category="error", error=what)


def progress(
    fraction: float | None = None,
    message: str = "",
    *,
    completed: int | None = None,
    planned: int | None = None,
    of: Execution | None = None,
) -> None:
    """How far it is: a part from 0 to 1, and `completed` of `planned` steps or agents."""
    if execution := of or current():
        execution.progress(fraction, message, completed=completed, planned=planned)


def plan(steps: Iterable[PlanStep | str], *, of: Execution | None = None) -> None:
    """Make or revise its plan; a str is a step of that name."""
    if execution := of or current():
        meant = [step if isinstance(step, PlanStep) else PlanStep(step) for step in steps]
        execution.set_plan(meant)


def plan_step(
    name: str,
    state: State | str,
    *,
    actual_cost: Decimal | None = None,
    actual_seconds: float | None = None,
    of: Execution | None = None,
) -> None:
    """Say where a step of its plan stands."""
    if execution := of or current():
        with _GUARD:
            execution.plan_step(
                name, State(state), actual_cost=actual_cost, actual_seconds=actual_seconds
            )


def variable(name: str, value: object, *, of: Execution | None = None) -> None:
    """Hand a variable on: name, type and hash are told, the value only on request."""
    if execution := of or current():
        execution.set_variable(name, value)


def result(
    name: str,
    value: Any = None,
    *,
    check: Check | None = None,
    category: str = "",
    of: Execution | None = None,
) -> bool | None:
    """Report a result, checked by a callable or a JSON Schema.

    Returns:
        Whether the check accepted it; None without a check.
    """
    execution = of or current()
    if execution is None:
        return None
    return execution.add_result(name, value, check_by=check, category=category)


def artifact(
    name: str,
    url: str = "",
    *,
    action: str = "created",
    media_type: str = "",
    size: int | None = None,
    of: Execution | None = None,
) -> None:
    """Report a file or link that it made or changed: never its content."""
    if execution := of or current():
        execution.add_artifact(name, url, action=action, media_type=media_type, size=size)


def resource_usage(
    *,
    cpu_seconds: float | None = None,
    memory_peak_bytes: int | None = None,
    disk_read_bytes: int | None = None,
    disk_write_bytes: int | None = None,
    exclusive: bool = False,
    of: Execution | None = None,
) -> None:
    """Report what it took of the machine, totals so far.

    Args:
        cpu_seconds: User and system.
        memory_peak_bytes: Peak resident memory.
        disk_read_bytes: Read from disk.
        disk_write_bytes: Written to disk.
        exclusive: It had the process or thread to itself.
        of: The execution; the current one if left out.
    """
    if execution := of or current():
        scope = ResourceScope.EXCLUSIVE if exclusive else ResourceScope.SHARED
        execution.use_resources(
            Resources(cpu_seconds, memory_peak_bytes, disk_read_bytes, disk_write_bytes, scope)
        )


def usage(
    provider: str,
    model: str,
    *,
    input_tokens: int | None = None,
    output_tokens: int | None = None,
    cache_read_tokens: int | None = None,
    cache_write_tokens: int | None = None,
    reasoning_tokens: int | None = None,
    cost: Decimal | None = None,
    currency: str = "USD",
    of: Execution | None = None,
) -> None:
    """Report one model call that no adapter saw.

    Args:
        provider: `gen_ai.provider.name`, such as `openai`.
        model: The model that answered.
        input_tokens: All input, cached included.
        output_tokens: All output, reasoning included.
        cache_read_tokens: Part of the input.
        cache_write_tokens: Part of the input.
        reasoning_tokens: Part of the output.
        cost: What the provider says it cost; priced by its tokens if left out.
        currency: ISO 4217, of `cost`.
        of: The execution; the current one if left out.
    """
    if execution := of or current():
        counted = Usage(
            input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens
        )
        said = None if cost is None else ProviderCost(cost, currency)
        execution.model_call(provider, model).end(counted, response_model=model, cost=said)
