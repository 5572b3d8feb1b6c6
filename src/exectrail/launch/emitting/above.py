"""Where a new execution belongs: its parent, and its trace."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from exectrail.execution import NullRecorder
from exectrail.launch.emitting.kept import Keeper, Kept
from exectrail.propagation.parent import VARIABLE, read, write

TRACEPARENT: Final = "TRACEPARENT"
"""https://opentelemetry.io/docs/specs/otel/context/env-carriers/"""
EXECUTION: Final = "EXECTRAIL_EXECUTION"
"""Which execution calls mean that name none."""
_TRACEPARENT: Final = re.compile(
    r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-|$)"
)


@dataclass(frozen=True, slots=True)
class Above:
    """What a new execution takes over."""

    parent_id: str = ""
    root_id: str = ""
    workflow: str = ""
    agent: str = ""
    trace_id: int = 0
    span_id: int = 0
    flags: int = 1


def above(keeper: Keeper, environment: Mapping[str, str], parent: str = "") -> Above:
    """What is above a new execution.

    Args:
        keeper: Knows the executions that were started here.
        environment: Variables: EXECTRAIL_EXECUTION, where it names one that was started here,
            else EXECTRAIL_PARENT, else TRACEPARENT alone.
        parent: Id of the parent, before what the environment says.
    """
    wanted = parent or environment.get(EXECUTION, "")
    kept = keeper.find(wanted) if wanted else None
    if kept is not None:
        return _of(kept)
    trace = _trace(environment.get(TRACEPARENT, ""))
    handed = None
    if text := environment.get(VARIABLE, ""):
        with contextlib.suppress(ValueError):  # garbled, or handed down to something else long ago
            handed = read(text, traceparent=environment.get(TRACEPARENT, ""))
    if handed is not None and parent in ("", handed.id):
        known = _trace(handed.traceparent)
        return replace(
            known,
            parent_id=handed.id,
            root_id=handed.root_id,
            workflow=handed.workflow,
            agent=handed.agent,
        )
    # Of a parent that another process started, its root is not known: the parent is taken for it.
    return Above(parent_id=parent, root_id=parent) if parent else trace


def _of(kept: Kept) -> Above:
    return Above(
        kept.id,
        kept.root_id,
        kept.workflow,
        kept.agent,
        int(kept.trace_id, 16),
        int(kept.span_id, 16),
        kept.flags,
    )


def _trace(text: str) -> Above:
    """The W3C trace context: https://www.w3.org/TR/trace-context/#traceparent-header"""
    match = _TRACEPARENT.match(text.strip().lower())
    if match is None or not int(match[1], 16) or not int(match[2], 16):
        return Above()
    return Above(trace_id=int(match[1], 16), span_id=int(match[2], 16), flags=int(match[3], 16) & 1)


def exported(kept: Kept) -> dict[str, str]:
    """Variables that let later calls and the processes that a script starts find an execution."""
    execution = kept.execution(NullRecorder(), lambda: 0)
    return {
        EXECUTION: kept.id,
        VARIABLE: write(execution, {}),
        TRACEPARENT: f"00-{kept.trace_id}-{kept.span_id}-{kept.flags:02x}",
    }


def new_trace_id() -> int:
    """A random trace id."""
    return int.from_bytes(os.urandom(16), "big") or 1


def new_span_id() -> int:
    """A random span id."""
    return int.from_bytes(os.urandom(8), "big") or 1
