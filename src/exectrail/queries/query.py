"""A question: the SQL text of its file, its parameters and the type of its rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from importlib import resources
from typing import Any, Generic, TypeVar, cast

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Query(Generic[R]):
    """Ready to be run.

    Attributes:
        name: Name of its file, without `.sql`.
        sql: The text, with `{name:Type}` parameters.
        parameters: Values by name; times are text in UTC, as ClickHouse reads them.
        row_type: A dataclass whose fields are the columns.
    """

    name: str
    sql: str
    parameters: Mapping[str, object]
    row_type: type[R]

    def row(self, values: Mapping[str, Any]) -> R:
        """A typed row.

        Args:
            values: Values by column.

        Raises:
            KeyError: A column is missing.
        """
        return self.row_type(**{name: values[name] for name in _columns(self.row_type)})


def question(name: str, row_type: type[R], **parameters: object) -> Query[R]:
    """The question in `<name>.sql`.

    Args:
        name: Name of the file, without `.sql`.
        row_type: A dataclass whose fields are the columns.
        parameters: Values by name.
    """
    return Query(name, _text(name), parameters, row_type)


@cache
def _text(name: str) -> str:
    return (resources.files("exectrail.queries") / f"{name}.sql").read_text(encoding="utf-8")


@cache
def _columns(row_type: type[object]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(cast(Any, row_type)))
