"""The typed tables have the columns that the conventions name, with their types."""

from __future__ import annotations

import re
from importlib import resources

_MIGRATIONS = resources.files("exectrail.storage") / "migrations"
_CONVENTIONS = resources.files("exectrail.conventions") / "columns.sql"


def _conventions(*sections: str) -> dict[str, tuple[str, str]]:
    """Attribute and type by column."""
    found: dict[str, tuple[str, str]] = {}
    section = ""
    for line in _CONVENTIONS.read_text(encoding="utf-8").splitlines():
        if title := re.fullmatch(r"-- (resource|span|event)", line):
            section = title[1]
        elif section in sections and (column := re.search(r" AS (\w+)  -- (.+)$", line)):
            attribute = re.search(r"Attributes\['([^']+)'\]", line)
            assert attribute is not None, line
            found[column[1]] = (attribute[1], column[2])
    return found


def _table(file: str) -> dict[str, str]:
    """Type by column of a CREATE TABLE."""
    text = (_MIGRATIONS / file).read_text(encoding="utf-8")
    lines = re.findall(r"^    (\w+) ([A-Z].*?)(?: CODEC\(.*\))?,?$", text, re.MULTILINE)
    return {name: kind for name, kind in lines if name != "INDEX"}


def test_events_have_every_column_of_events_and_resources() -> None:
    expected = _conventions("resource", "event")
    table = _table("0010_events.sql")
    assert {name: table.get(name) for name in expected} == {
        name: kind for name, (_, kind) in expected.items()
    }


def test_each_column_is_read_from_its_attribute() -> None:
    text = (_MIGRATIONS / "0011_events_from_logs.sql").read_text(encoding="utf-8")
    for name, (attribute, _) in _conventions("resource", "event").items():
        assert f"['{attribute}']" in text, name


def test_spans_have_the_types_of_the_conventions() -> None:
    expected = _conventions("resource", "span")
    table = _table("0036_spans.sql")
    shared = {name: kind for name, (_, kind) in expected.items() if name in table}
    assert len(shared) >= 30
    assert {name: table[name] for name in shared} == shared
    text = (_MIGRATIONS / "0037_spans_from_traces.sql").read_text(encoding="utf-8")
    for name in shared:
        assert f"['{expected[name][0]}']" in text, name
