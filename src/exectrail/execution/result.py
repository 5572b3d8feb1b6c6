"""Results: checked by the user's callable or JSON Schema, and put into a category."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from exectrail.conventions.names import ResultCategory
from exectrail.execution.errors import ErrorInfo
from exectrail.guard import report

Check = Callable[[Any], Any] | Mapping[str, Any]
"""A callable (False or an exception refuses the result), or a JSON Schema."""

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
    error: ErrorInfo | None = None
    """The error that it tells of."""


def categorise(name: str, value: object = None) -> ResultCategory:
    """The category of a result, by its name's words; an exception is an error whatever its name."""
    if isinstance(value, BaseException):
        return ResultCategory.ERROR
    categories = {_KNOWN.get(word.lower()) for word in _SPLIT.split(name)}
    return next((c for c in _WORDS if c in categories), ResultCategory.UNKNOWN)


def check(
    name: str,
    value: Any,
    by: Check | None,
    category: str | None = None,
    error: BaseException | str | None = None,
) -> Result:
    """Check a result and put it into a category.

    Args:
        name: Low-cardinality name of the result.
        value: The result; it is looked at and not kept.
        by: The user's check, or None.
        category: The category, where the user knows it.
        error: The error that it tells of.
    """
    told = None if error is None else ErrorInfo.of(error)
    known = ResultCategory(category) if category in set(ResultCategory) else categorise(name, value)
    if by is None:
        return Result(name, known, error=told)
    try:
        problem = (
            _schema_problem(value, by) if isinstance(by, Mapping) else _callable_problem(value, by)
        )
    except _UncheckableError as failure:
        report("execution.result_check", failure.__cause__)
        return Result(name, known, error=told)
    except Exception as failure:  # noqa: BLE001  a check that raises has refused
        problem = type(failure).__qualname__
    return Result(name, known, valid=not problem, problem=problem, error=told)


class _UncheckableError(Exception):
    """The extra `validation` is not installed: nothing was checked."""


def _callable_problem(value: object, by: Callable[[Any], Any]) -> str:
    return "refused" if by(value) is False else ""


def _schema_problem(value: Any, schema: Mapping[str, Any]) -> str:
    try:
        from jsonschema import validators
        from jsonschema_specifications import REGISTRY
    except ImportError as missing:
        raise _UncheckableError from missing

    # With a registry of its own the validator fetches no `$ref` from the network.
    validator = validators.validator_for(schema)(schema, registry=REGISTRY)
    error = next(iter(validator.iter_errors(value)), None)
    if error is None:
        return ""
    return f"{error.validator} at {_place(error.absolute_path, error.absolute_schema_path)}"


def _place(path: Iterable[str | int], schema_path: Iterable[str | int]) -> str:
    """The JSON path of an error; keys that the schema does not name are content, and a `*`."""
    named = set(schema_path)
    return "$" + "".join(
        f"[{part}]" if isinstance(part, int) else f".{part if part in named else '*'}"
        for part in path
    )
