"""The environment of a child process: ours added to a copy, the program's own left alone."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

from exectrail.execution.current import around
from exectrail.propagation import arrival
from exectrail.propagation.handed import NAMES, TRACEPARENT, TRACESTATE, process
from exectrail.propagation.parent import VARIABLE, write

_NOTHING: Final[Mapping[str, str | None]] = {}


def hand_down(environment: dict[str, str]) -> bool:
    """Put what runs now into the environment of a child.

    Args:
        environment: A copy, to be changed.

    Returns:
        Whether anything was changed.
    """
    changes = _changes(environment)
    for name, value in changes.items():
        if value is None:
            environment.pop(name, None)
        else:
            environment[name] = value
    return bool(changes)


def handed_copy() -> dict[str, str] | None:
    """The environment of this process with what runs now; None where that makes no difference."""
    environment = dict(os.environ)
    return environment if hand_down(environment) else None


def task_parent() -> str:
    """What runs now, as text that goes with a task; empty for nothing."""
    above = around()
    if above is None or not above.id:
        return ""
    from exectrail.signals.handed import trace_headers

    return write(above, trace_headers(above))


def _changes(environment: Mapping[str, str]) -> Mapping[str, str | None]:
    above = around()
    as_given = all(environment.get(name) == process.at_start.get(name) for name in NAMES)
    if as_given and above is process.environment and arrival.text is None:
        return _NOTHING  # inherited as it is
    own = {name for name in NAMES if _set_by_the_program(environment, name)}
    if VARIABLE in own:
        return _NOTHING
    if above is None:
        # A task that belongs to nothing, in a worker that was started by something.
        gone = NAMES if arrival.text is not None else ()
        return {name: None for name in gone if name in environment and name not in own}
    # With an execution around it, OpenTelemetry's SDK is loaded; without one it is not to be.
    from exectrail.signals.handed import own_headers, trace_headers

    span = trace_headers(above)
    # The program's own tracing must not hang on spans that its own providers never see.
    shown = own_headers() or span
    changes: dict[str, str | None] = {}
    if not own & {TRACEPARENT, TRACESTATE} and shown:
        changes[TRACEPARENT] = shown["traceparent"]
        changes[TRACESTATE] = shown.get("tracestate")
    if above.id:
        told = changes.get(TRACEPARENT, environment.get(TRACEPARENT))
        changes[VARIABLE] = write(above, span if told != span.get("traceparent") else {})
    return changes


def _set_by_the_program(environment: Mapping[str, str], name: str) -> bool:
    """Whether it stands there otherwise than this process was given it."""
    return name in environment and environment[name] != process.at_start.get(name)
