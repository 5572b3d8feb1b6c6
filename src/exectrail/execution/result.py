"""Results: checked by the user's callable or JSON Schema, and put into a category."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from exectrail.conventions.names import ResultCategory

Check = Callable[[Any], Any] | Mapping[str, Any]
"""A callable (false or an exception refuses the result), or a JSON Schema."""

_WORDS: Final = {
    ResultCategory.GIT_OPERATIONS: "git commit branch merge rebase push pull clone",
    ResultCategory.TESTING: "test tests testing pytest unittest coverage suite",
    ResultCategory.FILE_OPERATIONS: "file files path write read edit patch move directory folder",
    ResultCategory.ERROR: "error errors exception failure traceback",
}
_KNOWN: Final = {word: category for category, words in _WORDS.items() for word in words.split()}
_SPLIT = re.compile(r"[^A-Za-z]+|(?<=[a-z])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Result:
    """A result as it was reported: never its content."""

    name: str
    category: ResultCategory
    valid: bool | None = None
    """None where nothing checked it."""
    problem: str = ""
    """Why it was refused: the error's type, and for a schema the JSON path. Never content."""


def categorise(name: str, value: object = None) -> ResultCategory:
    """The category of a result, by its name's words; an exception is an error whatever its name."""
    if isinstance(value, BaseException):
        return ResultCategory.ERROR
    categories = {_KNOWN.get(word.lower()) for word in _SPLIT.split(name)}
    return next((c for c in _WORDS if c in categories), ResultCategory.UNKNOWN)


def check(name: str, value: Any, by: Check | None, category: str | None = None) -> Result:
    """Check a result and put it into a category.

    Args:
        name: Low-cardinality name of the result.
        value: The result; it is looked at and not kept.
        by: The user's check, or None.
        category: The category, where the user knows it.
    """
    known = ResultCategory(category) if category in set(ResultCategory) else categorise(name, value)
    if by is None:
        return Result(name, known)
    problem = (
        _schema_problem(value, by) if isinstance(by, Mapping) else _callable_problem(value, by)
    )
    return Result(name, known, valid=not problem, problem=problem)


def _callable_problem(value: object, by: Callable[[Any], Any]) -> str:
    try:
        return "refused" if by(value) is False else ""
    except Exception as error:  # noqa: BLE001  a check that raises has refused
        return type(error).__qualname__


def _schema_problem(value: Any, schema: Mapping[str, Any]) -> str:
    from jsonschema import validators  # the extra `validation`; a missing one is told, not raised

    validator = validators.validator_for(schema)(schema)
    error = next(iter(validator.iter_errors(value)), None)
    return "" if error is None else f"{error.validator} at {error.json_path}"
