"""Status words of other systems, mapped onto our states (the table stands in `model.yaml`)."""

from __future__ import annotations

import re

from exectrail.conventions.names import STATUS_REASONS, STATUS_STATES, Reason, State

_SEPARATORS = re.compile(r"[\s.\-_/]+")


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
    key = _SEPARATORS.sub("_", str(text).strip()).lower()
    state = STATUS_STATES.get(key)
    return None if state is None else (state, STATUS_REASONS.get(key))
