"""The state machine: which transition is allowed.

created -> queued -> running <-> paused, blocked
           queued <- running, paused, blocked
running -> completed; any open state -> failed, cancelled
"""

from __future__ import annotations

from typing import Final

from exectrail.conventions.names import State

FINAL: Final = frozenset({State.COMPLETED, State.FAILED, State.CANCELLED})
OPEN: Final = frozenset(State) - FINAL - {State.ABANDONED}

_END_ANY_TIME = frozenset({State.FAILED, State.CANCELLED})

TRANSITIONS: Final[dict[State | None, frozenset[State]]] = {
    None: frozenset({State.CREATED, State.QUEUED, State.RUNNING}),
    State.CREATED: frozenset({State.QUEUED, State.RUNNING}) | _END_ANY_TIME,
    State.QUEUED: frozenset({State.RUNNING}) | _END_ANY_TIME,
    State.RUNNING: frozenset({State.PAUSED, State.BLOCKED, State.QUEUED, State.COMPLETED})
    | _END_ANY_TIME,
    State.PAUSED: frozenset({State.RUNNING, State.QUEUED}) | _END_ANY_TIME,
    State.BLOCKED: frozenset({State.RUNNING, State.QUEUED}) | _END_ANY_TIME,
    State.COMPLETED: frozenset(),
    State.FAILED: frozenset(),
    State.CANCELLED: frozenset(),
}
"""From a state (None: not started) to the states that may follow. `abandoned` is never written."""


def allowed(previous: State | None, state: State) -> bool:
    """Whether the program may write this transition."""
    return state in TRANSITIONS[previous] if previous in TRANSITIONS else False
