"""What an execution is about, and how far it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from exectrail.conventions.names import Mode


@dataclass(frozen=True, slots=True)
class About:
    """What is known of an execution when it starts, beyond its kind and name. All is optional."""

    external_id: str = ""
    """The framework's own id of the run."""
    mode: Mode | str | None = None
    deadline: datetime | None = None
    """With a time zone; a naive time is taken as UTC."""
    max_iterations: int | None = None
    conversation_id: str = ""
    """The user's own id of the conversation or thread."""
    agent_version: str = ""
    tool_call_id: str = ""
    target_type: str = ""
    target_id: str = ""
    trigger_source: str = ""
    trigger_key: str = ""
    trigger_status: str = ""
    trigger_intent: str = ""
    tags: Mapping[str, str] = field(default_factory=dict[str, str])


NOTHING = About()
"""What most executions have beyond kind and name."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an execution is."""

    fraction: float | None = None
    """From 0 to 1."""
    message: str = ""
    completed: int | None = None
    """Steps or agents done: the k of k of n."""
    planned: int | None = None
    """Steps or agents planned: the n."""
