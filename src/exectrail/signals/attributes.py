"""Execution -> attributes: who it is (on everything), and what it is about (on its first event)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Final

from exectrail.conventions import names
from exectrail.conventions.names import Kind
from exectrail.guard import guard
from exectrail.pricing import Buckets

if TYPE_CHECKING:
    from exectrail.execution import About, Execution, Usage

_GUARD = guard("signals.attributes")
Value = str | bool | int | float | tuple[str, ...]
Attributes = dict[str, Value]

_INT64: Final = 1 << 63
MAX_TAGS: Final = 32
MAX_LENGTH: Final = 512
"""Characters kept of an id, a name or a tag."""

OPERATIONS: Final[Mapping[Kind, str]] = {
    Kind.WORKFLOW: "invoke_workflow",
    Kind.AGENT: "invoke_agent",
    Kind.TOOL: "execute_tool",
}
"""`gen_ai.operation.name` of the kinds that the GenAI conventions define."""


def cut(value: object) -> str:
    """A name or an id as text, at most `MAX_LENGTH` long."""
    text = unicode(value if type(value) is str else str(value))
    return text if len(text) <= MAX_LENGTH else text[: MAX_LENGTH - 1] + "…"


def unicode(text: str) -> str:
    """The text without lone surrogates, as names of files may have them.

    OTLP has no place for them: one in a metric's attribute would end all later metrics.
    """
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def identity(execution: Execution) -> Attributes:
    """Who an execution is: stands on each of its spans and events."""
    name = cut(execution.name)
    attributes: Attributes = {
        names.EXECUTION_ID: execution.id,
        names.EXECUTION_ROOT_ID: execution.root_id,
        names.EXECUTION_KIND: execution.kind.value,
        names.EXECUTION_NAME: name,
        names.EXECUTION_ATTEMPT: execution.attempt,
    }
    if execution.iteration:
        attributes[names.EXECUTION_ITERATION] = execution.iteration
    if execution.parent_id:
        attributes[names.EXECUTION_PARENT_ID] = execution.parent_id
    if execution.workflow:
        attributes[names.GEN_AI_WORKFLOW_NAME] = cut(execution.workflow)
    if execution.agent:
        attributes[names.GEN_AI_AGENT_NAME] = cut(execution.agent)
    if execution.kind is Kind.TOOL:
        attributes[names.GEN_AI_TOOL_NAME] = name
    return attributes


def origin(execution: Execution) -> Attributes:
    """Where a segment comes from and what it is about: on its first event and its span."""
    attributes = about(execution.about)
    if execution.resume_key:
        attributes[names.EXECUTION_RESUME_KEY] = cut(execution.resume_key)
    if execution.forked_from:
        attributes[names.EXECUTION_FORKED_FROM] = execution.forked_from
    return attributes


_TEXTS: Final = (
    ("external_id", names.EXECUTION_EXTERNAL_ID),
    ("conversation_id", names.GEN_AI_CONVERSATION_ID),
    ("agent_version", names.GEN_AI_AGENT_VERSION),
    ("tool_call_id", names.GEN_AI_TOOL_CALL_ID),
    ("target_type", names.EXECUTION_TARGET_TYPE),
    ("target_id", names.EXECUTION_TARGET_ID),
    ("trigger_source", names.TRIGGER_SOURCE),
    ("trigger_key", names.TRIGGER_KEY),
    ("trigger_status", names.TRIGGER_STATUS),
    ("trigger_intent", names.TRIGGER_INTENT),
)


def about(known: About) -> Attributes:
    """What is known beyond kind and name; nothing for what is not known, or is no such thing.

    The program gives these, and what it got wrong must not take the event with it.
    """
    attributes: Attributes = {
        key: cut(value) for field, key in _TEXTS if (value := getattr(known, field))
    }
    if known.mode:
        attributes[names.EXECUTION_MODE] = cut(known.mode)
    if known.deadline is not None:
        with _GUARD:
            attributes[names.EXECUTION_DEADLINE] = rfc3339(known.deadline)
    if (turns := whole(known.max_iterations)) is not None:
        attributes[names.EXECUTION_MAX_ITERATIONS] = turns
    if known.tags:
        with _GUARD:
            for key, value in islice(known.tags.items(), MAX_TAGS):
                attributes[names.TAG_PREFIX + cut(key)] = cut(value)
    return attributes


def whole(count: object) -> int | None:
    """A count from the program as an int of 64 bits; None where it is none, such as text or NaN."""
    if count is None:
        return None
    with _GUARD:
        found = int(count)  # pyright: ignore[reportArgumentType]  what cannot be is counted
        return found if -_INT64 <= found < _INT64 else None
    return None


def number(amount: object) -> float | None:
    """An amount from the program as a finite float; None where it is none."""
    if amount is None:
        return None
    with _GUARD:
        found = float(amount)  # pyright: ignore[reportArgumentType]  what cannot be is counted
        return found if math.isfinite(found) else None
    return None


def rfc3339(moment: datetime) -> str:
    """A time as RFC 3339 in UTC; a naive one is taken as UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


_TOKENS: Final = (
    ("input_tokens", names.GEN_AI_USAGE_INPUT_TOKENS),
    ("output_tokens", names.GEN_AI_USAGE_OUTPUT_TOKENS),
    ("cache_read_tokens", names.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS),
    ("cache_write_tokens", names.GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS),
    ("reasoning_tokens", names.GEN_AI_USAGE_REASONING_OUTPUT_TOKENS),
)


def tokens(usage: Usage) -> Attributes:
    """`gen_ai.usage.*`: input includes the cache, output includes reasoning; unknown stays away.

    A sender that counted the whole without its part is put right here as it is for its price
    (`Buckets.exclusive`), so that tokens in the store and the money for them agree.
    """
    counts = {field: whole(getattr(usage, field)) for field, _ in _TOKENS}
    buckets = Buckets.exclusive(**counts)
    if counts["input_tokens"] is not None:
        counts["input_tokens"] = buckets.input_total
    if counts["output_tokens"] is not None:
        counts["output_tokens"] = buckets.output
    return {key: count for field, key in _TOKENS if (count := counts[field]) is not None}
