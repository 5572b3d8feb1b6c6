"""Where data begins, and which statements stay inside the tables."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exectrail.clickhouse_http.errors import ClickHouseError
from exectrail.clickhouse_http.statement import Statement, read_statement, trailing_format

INSERTS = [
    ("", b"INSERT INTO t FORMAT TSV\n1\n", "INSERT INTO t ", b"1\n", "TSV"),
    ("", b"insert into t (a, `FORMAT x`) format Native\n\n\x0a", None, b"\n\x0a", "Native"),
    ("", b"INSERT INTO t FORMAT Native \t\r\n\r\n", "INSERT INTO t ", b"\r\n", "Native"),
    ("", b'INSERT INTO t FORMAT JSONEachRow {"a":1}', "INSERT INTO t ", b'{"a":1}', "JSONEachRow"),
    ("INSERT INTO t FORMAT RowBinary", b"\n\xff", "INSERT INTO t ", b"\n\xff", "RowBinary"),
    ("INSERT INTO t VALUES", b"(1)", "INSERT INTO t ", b"\n(1)", "Values"),
    ("INSERT INTO t", b"FORMAT CSV\n1", "INSERT INTO t\n", b"1", "CSV"),
    ("/* a */ INSERT INTO t -- b\nFORMAT CSV", b"1", None, b"1", "CSV"),
    (
        "INSERT INTO t (values, format) SETTINGS a = 'FORMAT CSV' FORMAT TSV",
        b"",
        "INSERT INTO t (values, format) SETTINGS a = 'FORMAT CSV' ",
        b"",
        "TSV",
    ),
]


@pytest.mark.parametrize(("query", "body", "sql", "data", "source"), INSERTS)
def test_an_insert_is_split_from_its_data(
    query: str, body: bytes, sql: str | None, data: bytes, source: str
):
    found = read_statement(query, body)

    assert (found.data, found.source, found.returns_rows) == (data, source, False)
    assert sql in (None, found.sql)


WHOLE = [
    ("", b"INSERT INTO t VALUES (1, 'FORMAT CSV')"),
    ("INSERT INTO t SELECT 1 FORMAT Null", b""),
    ("INSERT INTO t WITH 1 AS a SELECT a", b""),
    ("CREATE TABLE t (a Int8) ENGINE = Memory", b""),
    ("", b"USE x;"),
]


@pytest.mark.parametrize(("query", "body"), WHOLE)
def test_other_statements_stay_whole(query: str, body: bytes):
    found = read_statement(query, body)

    assert (found.sql, found.data, found.returns_rows) == (
        query or body.decode(),
        None,
        False,
    )


@pytest.mark.parametrize(
    "sql", ["SELECT 1", " -- x\n(SELECT 1)", "/* */with 1 as a select a", "SHOW TABLES", "DESC t"]
)
def test_what_has_a_result_is_known_by_its_first_word(sql: str):
    assert read_statement(sql, b"").returns_rows


def test_parameter_and_body_are_one_text():
    expected = Statement("SELECT\n1", returns_rows=True, only_reads=True)
    assert read_statement("SELECT", b"1") == expected


@given(st.binary(max_size=300))
def test_data_is_what_was_sent(data: bytes):
    body = b"INSERT INTO t FORMAT RowBinary\n" + data

    assert read_statement("", body).data == data
    assert read_statement("INSERT INTO t FORMAT RowBinary", data).data == data


def code_of(sql: str) -> int:
    with pytest.raises(ClickHouseError) as caught:
        read_statement(sql, b"")
    return caught.value.code


@pytest.mark.parametrize(
    "sql",
    [
        "",
        "  -- nothing",
        "SELECT 1; SELECT 2",
        "SELECT ';' ; x",
        "INSERT INTO t",
        "INSERT INTO t FORMAT",
    ],
)
def test_what_is_not_one_statement_is_a_syntax_error(sql: str):
    assert code_of(sql) == 62


@pytest.mark.parametrize("sql", ["SELECT ';'", "SELECT 1;", "SELECT 1 ; -- end; really"])
def test_one_statement_may_end_with_a_semicolon(sql: str):
    assert read_statement(sql, b"").sql == sql


REFUSED = [
    "SELECT 1 INTO OUTFILE 'x'",
    "select 1 into outfile 'x'",
    "SELECT 1 INTO/**/OUTFILE'x'",
    "INSERT INTO t FROM INFILE 'x' FORMAT CSV",
    "SELECT file('x')",
    "SELECT`file`('x')",
    "SELECT \"file\"('x')",
    "SELECT `\\x66ile`('x')",
    "SELECT \"\\146ile\"('x')",
    "SELECT file\u00a0('x')",
    "SELECT '' || file('x')",
    "SELECT '\\'', file('x'), '\\''",
    "SELECT '''', file('x')",
    "SELECT $x$ ' $x$, file('x'), $x$ ' $x$",
    "SELECT \u2018 ' \u2019, file('x'), \u2018 ' \u2019",
    "SELECT \u201c ' \u201d, file('x')",
    "SELECT /* ' */ file('x') /* ' */",
    "SELECT 1 # '\n, file('x') # '",
    "SELECT 1 // '\n, file('x') // '",
    "SELECT 1 -- '\n, file('x') -- '",
    "SELECT ' unfinished, file('x')",
    "SELECT * FROM Python(x)",
    "SELECT * FROM eval('SELECT 1')",
    "SELECT * FROM executable('x', 'TSV', 'a String')",
    "INSERT INTO FUNCTION file('x') FORMAT TSV",
    # Text alone: run by an engine, one that got through would move the directory.
    "ATTACH TABLE x FROM 'DIR' (a String) ENGINE = MergeTree ORDER BY a",
    "attach/**/table x from 'DIR' (a String) ENGINE = MergeTree ORDER BY a",
    "/* */ ATTACH DATABASE x",
    "ATTACH x",
    "ATTACH `x` FROM 'DIR'",
    "SELECT 1 PARALLEL WITH ATTACH TABLE x FROM 'DIR'",
    "CREATE TABLE a (b Int8) ENGINE = Memory PARALLEL /**/ WITH SELECT 1",
    "CREATE TABLE a (b Int8) ENGINE = MergeTree ORDER BY b SETTINGS disk = disk(type = local)",
    "CREATE DATABASE a ENGINE = DataLakeCatalog('x')",
]


@pytest.mark.parametrize("sql", REFUSED)
def test_what_would_leave_the_tables_is_refused(sql: str):
    assert code_of(sql) == 497


ADMITTED = {
    "SELECT 'file', 'INTO OUTFILE', 'it''s a file', 'file \\' file'": None,
    "SELECT 'a' -- file\n, `b`": "SELECT 'a'  \n, `b`",
    "SELECT /* outfile ' */ 'x'": "SELECT   'x'",
    "SELECT profile, file_name, `my file` FROM t": None,
    "SELECT '\\n', `a`": None,
    "SELECT {file_name:String}": None,
    "ALTER TABLE t ATTACH PARTITION 1 FROM u": None,
    "ALTER TABLE t ATTACH PART 'x'": None,
    "SELECT attach, parallel, disk FROM t WHERE attach = 1": None,
}


@pytest.mark.parametrize("sql", ADMITTED)
def test_words_in_strings_are_only_words(sql: str):
    assert read_statement(sql, b"").sql == (ADMITTED[sql] or sql)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_as_a_string_is_admitted(text: str):
    literal = "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"

    assert read_statement(f"SELECT {literal}", b"").sql == f"SELECT {literal}"


@given(st.text(max_size=80))
def test_no_statement_with_a_bare_word_is_admitted_unless_it_is_inside_a_string(noise: str):
    """Whatever stands before it, the word is refused, or the text up to it is an open string."""
    sql = f"SELECT {noise} INTO OUTFILE 'x'"
    try:
        admitted = read_statement(sql.encode("utf-8", "replace").decode(), b"").sql
    except ClickHouseError:
        return
    before = str(admitted).partition("OUTFILE")[0]
    assert "OUTFILE" not in str(admitted) or "'" in before or "`" in before or '"' in before


def test_the_format_at_the_end_is_found():
    assert trailing_format("SELECT 1 FORMAT JSON") == "JSON"
    assert trailing_format(b"SELECT 1 format CSV ;\n") == "CSV"
    assert trailing_format("SELECT 1 FORMAT JSON SETTINGS a = 1") == "JSON"
    assert trailing_format("SELECT format('x')") is None


def test_the_format_of_an_insert_must_come_early():
    with pytest.raises(ClickHouseError) as caught:
        read_statement("INSERT INTO t", b" " * 300_000 + b"FORMAT CSV\n1")

    assert caught.value.code == 36
