"""Status words of other systems: every word of the model is known, and nothing else is guessed."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Any

import pytest
import yaml

from exectrail import conventions
from exectrail.conventions.names import STATUS_REASONS, STATUS_STATES, Reason, State
from exectrail.conventions.statuses import from_status

MODEL: dict[str, Any] = yaml.safe_load(
    Path(conventions.__file__).with_name("model.yaml").read_text(encoding="utf-8")
)
WORDS = [(word, state) for state, words in MODEL["statuses"].items() for word in words]


@pytest.mark.parametrize(("word", "state"), WORDS)
def test_every_word_of_the_model_is_known_however_it_is_written(word: str, state: str) -> None:
    reason = MODEL["status_reasons"].get(word)
    camel = "".join(part.title() for part in word.split("_"))
    for written in (
        word,
        word.upper(),
        word.replace("_", "-"),
        f" {word.replace('_', ' ').title()} ",
        word.replace("_", "."),
        word.replace("_", "/"),
        camel,
        camel[0].lower() + camel[1:],
    ):
        assert from_status(written) == (State(state), reason and Reason(reason)), written


@pytest.mark.parametrize("state", [state for state in State if state is not State.ABANDONED])
def test_our_own_states_are_words_too(state: State) -> None:
    assert from_status(state) == (state, None)
    assert from_status(state.value.upper()) == (state, None)


def test_table_has_the_states_and_the_words_of_the_model_alone() -> None:
    own = {str(state) for state in State} - {"abandoned"}
    assert set(STATUS_STATES) == own | {word for word, _ in WORDS}
    assert set(STATUS_REASONS) <= set(STATUS_STATES)
    assert set(MODEL["statuses"]) == own


class Theirs(Enum):
    RUN = "EXECUTING"
    OK = 1
    DONE = None
    BROKEN = ("failed",)


@pytest.mark.parametrize(
    ("word", "state"),
    [
        (Theirs.RUN, State.RUNNING),  # by its value
        (Theirs.OK, State.COMPLETED),  # by its name, where the value is no text
        (Theirs.DONE, State.COMPLETED),
    ],
)
def test_members_of_other_enumerations_are_known(word: Enum, state: State) -> None:
    found = from_status(word)
    assert found is not None
    assert found[0] is state


@pytest.mark.parametrize(
    "word",
    [
        "",
        "abandoned",
        State.ABANDONED,
        "runningg",
        "not running",
        "un_successful",
        "half-done",
        "unknown",
        "true",
        None,
        True,
        0,
        17,
        b"running",
        object(),
        ["running"],
        Theirs.BROKEN,
    ],
)
def test_an_unknown_word_is_never_guessed(word: object) -> None:
    assert from_status(word) is None
