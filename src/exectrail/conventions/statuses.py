"""Status words of other systems, mapped onto our states (the table stands in `model.yaml`)."""

from __future__ import annotations

import re

from exectrail.conventions.names import STATUS_REASONS, STATUS_STATES, Reason, State

_SEPARATORS = re.compile(r"[\s.\-_/]+")


def _plain(word: str) -> str:
    """Without case and separators: `In-Progress`, `IN_PROGRESS` and `inProgress` are one word."""
    return _SEPARATORS.sub("", word).lower()


_STATES = {_plain(word): state for word, state in STATUS_STATES.items()}
_REASONS = {_plain(word): reason for word, reason in STATUS_REASONS.items()}


def from_status(word: object) -> tuple[State, Reason | None] | None:
    """Map a status word of another system to a state and the reason that the word implies.

    Args:
        word: As the other system has it: text, or an enum member whose value or name is text.

    Returns:
        State and reason (None where the word implies none), or None for a word that is not known:
        an unknown status is never guessed.
    """
    text = getattr(word, "value", word)
    if not isinstance(text, str):
        text = getattr(word, "name", str(word))
    key = _plain(str(text))
    state = _STATES.get(key)
    return None if state is None else (state, _REASONS.get(key))
