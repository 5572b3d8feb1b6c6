"""Files are split at the semicolons that end statements, and at no other."""

import pytest

from exectrail.storage.statements import split_statements


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" ;; \n ; ", []),
        ("-- only a comment; with a semicolon\n", []),
        ("/* a; b */ ;", []),
        ("SELECT 1", ["SELECT 1"]),
        ("SELECT 1;\nSELECT 2;\n", ["SELECT 1", "SELECT 2"]),
        ("-- why\nSELECT 1; -- after\n", ["-- why\nSELECT 1"]),
        ("SELECT ';'; SELECT 2", ["SELECT ';'", "SELECT 2"]),
        (r"SELECT 'it\'s; one'; SELECT 2", [r"SELECT 'it\'s; one'", "SELECT 2"]),
        ("SELECT 'it''s; one'", ["SELECT 'it''s; one'"]),
        (r"SELECT '\\'; SELECT 2", [r"SELECT '\\'", "SELECT 2"]),
        ('SELECT ";" FROM `a;b`; SELECT 2', ['SELECT ";" FROM `a;b`', "SELECT 2"]),
        ("SELECT /* ' ; */ 1; SELECT 2", ["SELECT /* ' ; */ 1", "SELECT 2"]),
        ("SELECT 1 -- it's; fine\n; SELECT 2", ["SELECT 1 -- it's; fine", "SELECT 2"]),
        ("SELECT $t$ ; ' $t$; SELECT 2", ["SELECT $t$ ; ' $t$", "SELECT 2"]),
        ("SELECT 1 # note; more\n; SELECT 2", ["SELECT 1 # note; more", "SELECT 2"]),
        ("'a'", ["'a'"]),
    ],
)
def test_semicolons_within_text_and_comments_do_not_split(text: str, expected: list[str]) -> None:
    assert split_statements(text) == expected


@pytest.mark.parametrize("text", ["SELECT 'a; SELECT 2", 'SELECT "a', "SELECT `a", "SELECT /* a"])
def test_what_never_ends_is_refused_with_its_line(text: str) -> None:
    with pytest.raises(ValueError, match="line 2"):
        split_statements("SELECT 0;\n" + text)
