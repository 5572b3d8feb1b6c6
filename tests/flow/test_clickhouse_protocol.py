"""Ordinary ClickHouse clients against the embedded stack."""

from __future__ import annotations

import asyncio
import base64
import gzip
import http.client
import json
import threading
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import clickhouse_connect
import lz4.frame
import pytest
import zstandard
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from exectrail.clickhouse_http.compression import decode_frames, encode_frames

pytestmark = pytest.mark.slow

COMPRESSION = [False, True, "lz4", "zstd", "gzip"]


@pytest.fixture
def database(stack) -> Iterator[str]:
    name = f"test_{uuid.uuid4().hex}"
    post(stack, f"CREATE DATABASE {name} ENGINE = Atomic")
    yield name
    post(stack, f"DROP DATABASE {name}")


def client_of(stack, **options: Any) -> Client:
    address = urlsplit(stack.clickhouse_url)
    return clickhouse_connect.get_client(host=address.hostname, port=address.port, **options)


@pytest.fixture
def client(stack, database) -> Iterator[Client]:
    with client_of(stack, database=database) as opened:
        yield opened


def ask(
    stack,
    method: str = "POST",
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    **parameters: str,
) -> tuple[int, Mapping[str, str], bytes]:
    address = urlsplit(stack.clickhouse_url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
    try:
        path = f"/?{urlencode(parameters)}"
        connection.request(method, path, body or None, dict(headers or {}))
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def post(stack, sql: str, **parameters: str) -> str:
    status, _, body = ask(stack, body=sql.encode(), **parameters)
    assert status == 200, body
    return body.decode()


def refusal(stack, sql: str, **parameters: str) -> tuple[int, int, str]:
    """Status, code and name of the error."""
    status, headers, body = ask(stack, body=sql.encode(), **parameters)
    assert status != 200, body
    text = body.decode()
    code = int(headers["X-ClickHouse-Exception-Code"])
    assert text.startswith(f"Code: {code}. DB::Exception: ")
    return status, code, text


KINDS = {
    "number": ("UInt64", [1, 2**64 - 1]),
    "text": ("String", ["", "ünï\n\t\\'"]),
    "map": ("Map(LowCardinality(String), String)", [{}, {"k": "v", "l": ""}]),
    "time": (
        "DateTime64(9, 'UTC')",
        [datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 1, 2, 3, 456789, tzinfo=UTC)],
    ),
    "money": ("Nullable(Decimal(18, 9))", [None, Decimal("0.000000001")]),
    "list": ("Array(UInt8)", [[], [1, 2]]),
    "low": ("LowCardinality(Nullable(String))", [None, "x"]),
}


@pytest.mark.parametrize("compress", COMPRESSION)
def test_rows_come_back_as_they_went_in(stack, database, compress):
    columns = ", ".join(f"`{name}` {kind}" for name, (kind, _) in KINDS.items())
    values = [list(row) for row in zip(*(values for _, values in KINDS.values()), strict=True)]
    with client_of(stack, database=database, compress=compress, tz_mode="aware") as client:
        client.command(f"CREATE TABLE t ({columns}) ENGINE = MergeTree ORDER BY number")

        written = client.insert("t", values, column_names=list(KINDS)).written_rows

        found = client.query("SELECT * FROM t ORDER BY number")
        assert written == 2
        assert [list(row) for row in found.result_rows] == values
        assert list(found.column_names) == list(KINDS)


@pytest.mark.parametrize("session", [True, False])
def test_parameters_arrive_as_they_are(stack, session):
    hostile = "it's \\ \n\t\0 {x:String} `\" -- /* outfile */"
    with client_of(stack, autogenerate_session_id=session) as client:
        found = client.query(
            "SELECT {text:String}, {list:Array(String)}, {none:Nullable(Int8)}, {number:Int64}",
            {"text": hostile, "list": ["a'", "\\"], "none": None, "number": -1},
        )

    assert found.result_rows == [(hostile, ["a'", "\\"], None, -1)]


def test_parameters_may_come_in_a_form(stack):
    with client_of(stack, form_encode_query_params=True) as client:
        found = client.query("SELECT length({text:String})", {"text": "x" * 200_000})

    assert found.result_rows == [(200_000,)]


def test_the_asynchronous_client_works(stack, database):
    address = urlsplit(stack.clickhouse_url)

    async def work() -> list[Any]:
        async with await clickhouse_connect.get_async_client(
            host=address.hostname,
            port=address.port,
            database=database,
            autogenerate_session_id=False,
        ) as client:
            await client.command("CREATE TABLE t (a UInt8) ENGINE = MergeTree ORDER BY a")
            await client.insert("t", [[1], [2], [3]], column_names=["a"])
            answers = await asyncio.gather(
                *(client.query("SELECT a FROM t WHERE a = {a:UInt8}", {"a": a}) for a in (1, 2, 3))
            )
            return [answer.result_rows for answer in answers]

    assert asyncio.run(work()) == [[(1,)], [(2,)], [(3,)]]


def test_large_results_stream_and_come_in_other_formats(client):
    with client.query_rows_stream("SELECT number FROM numbers(200000)") as stream:
        assert sum(row[0] for row in stream) == sum(range(200_000))
    assert client.query_arrow("SELECT number FROM numbers(10)").num_rows == 10
    assert json.loads(client.raw_query("SELECT 1 AS a", fmt="JSONEachRow")) == {"a": 1}


def test_statements_without_result_and_without_rows_are_told_apart(client):
    client.command("CREATE TABLE t (a UInt8, b String) ENGINE = MergeTree ORDER BY a")

    assert client.query("SELECT * FROM t LIMIT 0").column_names == ("a", "b")
    assert client.query("SELECT a FROM t").result_rows == []
    assert client.command("SELECT a FROM t") == ""
    assert client.command("INSERT INTO t (a) VALUES (1), (2)").written_rows == 2


def test_a_session_keeps_tables_settings_and_database(stack, database):
    with client_of(stack) as client:
        client.command("CREATE TEMPORARY TABLE mine (a UInt8)")
        client.insert("mine", [[7]], column_names=["a"])
        client.command("SET max_threads = 3")
        client.command(f"USE {database}")
        found = client.query("SELECT a, getSetting('max_threads'), currentDatabase() FROM mine")
        assert found.result_rows == [(7, 3, database)]

    with client_of(stack) as other, pytest.raises(DatabaseError, match="UNKNOWN_TABLE"):
        other.query("SELECT * FROM mine")


def test_settings_of_a_request_end_with_it(stack):
    ours = {"session_id": uuid.uuid4().hex}
    threads = "SELECT getSetting('max_threads')"
    default = post(stack, threads)

    for session in ({}, ours):
        assert post(stack, threads, max_threads="7", **session) == "7\n"
        assert post(stack, threads, **session) == default
    post(stack, "SET max_threads = 5", **ours)
    assert post(stack, threads, **ours) == "5\n"
    assert post(stack, threads, max_threads="7", **ours) == "7\n"
    assert post(stack, threads, max_threads="8", **ours) == "8\n"
    assert post(stack, threads, **ours) == "5\n"


def test_the_database_of_a_request_ends_with_it(stack, database):
    ours = {"session_id": uuid.uuid4().hex}
    where = "SELECT currentDatabase()"

    assert post(stack, where) == "exectrail\n"
    for session in ({}, ours):
        assert post(stack, where, database=database, **session) == f"{database}\n"
        assert post(stack, where, **session) == (
            f"{database}\n" if session else "exectrail\n"
        )  # the first request of a session says where it is at home
    assert post(stack, where, database="system", **ours) == "system\n"
    assert post(stack, where, **ours) == f"{database}\n"


def test_a_session_serves_one_request_at_a_time(stack):
    ours = {"session_id": uuid.uuid4().hex}

    def sleep() -> None:
        # It may itself come while the other request is at work.
        while ask(stack, body=b"SELECT sleep(2)", **ours)[0] != 200:
            pass

    with ThreadPoolExecutor() as pool:
        slow = pool.submit(sleep)
        seen: set[str] = set()
        while not slow.done():
            _, headers, _ = ask(stack, body=b"SELECT 1", **ours)
            seen.add(headers.get("X-ClickHouse-Exception-Code", ""))
            threading.Event().wait(0.05)
        slow.result()

    assert "373" in seen
    assert post(stack, "SELECT 1", **ours) == "1\n"


def test_sessions_can_be_checked_and_closed(stack):
    ours = {"session_id": uuid.uuid4().hex}

    assert refusal(stack, "SELECT 1", session_check="1", **ours)[:2] == (404, 372)
    post(stack, "CREATE TEMPORARY TABLE mine (a UInt8)", **ours)
    post(stack, "SELECT * FROM mine", session_check="1", close_session="1", **ours)
    assert refusal(stack, "SELECT 1", session_check="1", **ours)[:2] == (404, 372)


ERRORS = {
    "SELECT nope": (404, 47),
    "SELECT * FROM nope": (404, 60),
    "SELEC": (400, 62),
    "": (400, 62),
    "SELECT 1; SELECT 2": (400, 62),
    "INSERT INTO nope FORMAT TSV\n1": (404, 60),
    "SELECT 1 FORMAT Nope": (404, 73),
    "SELECT throwIf(1)": (500, 395),
}


@pytest.mark.parametrize("sql", ERRORS)
def test_errors_carry_status_code_and_name(stack, sql):
    assert refusal(stack, sql)[:2] == ERRORS[sql]


def test_wrong_requests_are_refused(stack):
    assert refusal(stack, "SELECT 1", database="nope")[:2] == (404, 81)
    assert refusal(stack, "SELECT 1", nope="1")[:2] == (404, 115)
    assert refusal(stack, "SELECT 1", **{"max threads": "1"})[:2] == (404, 115)
    assert refusal(stack, "SELECT 1", user="nobody")[:2] == (403, 516)
    assert refusal(stack, "SELECT 1", default_format="a b")[:2] == (400, 36)
    assert refusal(stack, "SELECT 1", session_id="s", session_timeout="long")[:2] == (400, 36)


def test_limits_hold_and_can_be_moved(stack):
    assert refusal(stack, "SELECT number FROM numbers(1000000)", max_result_bytes="1000")[1] == 396
    # Small in the engine, large as text.
    wide = "SELECT toFixedString('', 1000) FROM numbers(1000) FORMAT JSONEachRow"
    assert refusal(stack, wide, max_result_bytes="2000000")[1] == 396
    assert refusal(stack, "SELECT sleep(3), sleep(3)", max_execution_time="1")[1] == 159
    assert post(stack, "SELECT getSetting('max_execution_time')") == "60\n"
    assert post(stack, "SELECT getSetting('max_result_bytes')") == f"{512 << 20}\n"


def test_a_body_over_the_limit_is_refused(stack):
    bomb = gzip.compress(bytes(257 << 20), 1)
    status, headers, _ = ask(stack, body=bomb, headers={"Content-Encoding": "gzip"})

    assert (status, headers["X-ClickHouse-Exception-Code"]) == (413, "1003")


WRITES = [
    "CREATE TABLE x (a UInt8) ENGINE = Memory",
    "DROP TABLE otel_logs",
    "TRUNCATE TABLE otel_logs",
    "INSERT INTO exectrail_migrations (version) VALUES (9999)",
    "INSERT INTO exectrail_migrations (version) FORMAT TSV\n9999",
    "ALTER TABLE otel_logs DELETE WHERE 1",
    "OPTIMIZE TABLE otel_logs FINAL",
    "SET readonly = 0",
    "SELECT 1 SETTINGS readonly = 0",
]


@pytest.mark.parametrize("sql", WRITES)
def test_a_reader_cannot_write(stack, sql):
    basic = base64.b64encode(b"reader:any password").decode()
    for headers, parameters in (
        ({"X-ClickHouse-User": "reader"}, {}),
        ({"Authorization": f"Basic {basic}"}, {}),
        ({}, {"user": "reader"}),
        ({}, {"readonly": "1"}),
        ({}, {"readonly": "2"}),
        ({}, {"readonly": "1", "session_id": "reading"}),
    ):
        status, answered, body = ask(stack, body=sql.encode(), headers=headers, **parameters)
        assert (status, answered["X-ClickHouse-Exception-Code"]) == (403, "164"), body


def test_a_reader_reads_and_sets(stack):
    with client_of(stack, username="reader", settings={"max_execution_time": 5}) as client:
        found = client.query("SELECT count() > 0, getSetting('readonly') FROM exectrail_migrations")
    assert found.result_rows == [(True, 2)]


def test_get_only_reads(stack):
    status, headers, _ = ask(stack, "GET", query="CREATE TABLE x (a UInt8) ENGINE = Memory")
    assert (status, headers["X-ClickHouse-Exception-Code"]) == (403, "164")
    assert ask(stack, "GET", query="SELECT 1")[2] == b"1\n"
    assert ask(stack, "GET")[2] == b"Ok.\n"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "secret"
    file.write_text("topsecret")
    return file


OUTSIDE = [
    "SELECT * FROM file('{file}', 'LineAsString')",
    "SELECT file('{file}')",
    "SELECT `file`('{file}')",
    "SELECT \"\\x66ile\"('{file}')",
    "SELECT `f\\x69le`('{file}')",
    "SELECT file /* x */ ('{file}')",
    "SELECT file --x\n('{file}')",
    "SELECT arrayMap(file, ['{file}'])",
    "SELECT * APPLY file FROM (SELECT '{file}')",
    "SELECT /* /* ' */ ' */ file('{file}') -- '",
    "CREATE FUNCTION stolen AS (name) -> file(name)",
    "SELECT * FROM exectrail.`{file}`",
    "SELECT * FROM default.`{file}`",
    "SELECT 'x' INTO OUTFILE '{file}.out'",
    "SELECT 'x' INTO/**/OUTFILE '{file}.out'",
    "INSERT INTO FUNCTION file('{file}.out', 'TSV', 'a String') VALUES ('x')",
    "INSERT INTO FUNCTION file('{file}.out', 'TSV', 'a String') FORMAT TSV\nx",
    "INSERT INTO exectrail_migrations (name) FROM INFILE '{file}' FORMAT LineAsString",
    "CREATE TABLE stolen (a String) ENGINE = File('LineAsString', '{file}')",
    "CREATE TABLE stolen (a String) ENGINE = URL('http://127.0.0.1/', 'LineAsString')",
    "CREATE DATABASE stolen ENGINE = Filesystem('/')",
    "CREATE DICTIONARY stolen (a UInt64, b String) PRIMARY KEY a LAYOUT(FLAT()) LIFETIME(0)"
    " SOURCE(EXECUTABLE(COMMAND 'cat {file}' FORMAT 'TSV'))",
    "SELECT * FROM executable('cat', 'TSV', 'a String', (SELECT 1))",
    "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
    "SELECT * FROM remote('127.0.0.1', system.one)",
    "SELECT * FROM sqlite('{file}', 'x')",
    "SELECT * FROM Python(data)",
    "SELECT 1 FORMAT Template SETTINGS format_template_resultset = '{file}'",
    "SET allow_experimental_eval_table_function = 1",
    "BACKUP TABLE otel_logs TO File('{file}.out')",
    "SYSTEM SHUTDOWN",
    "CREATE USER mallory",
    "GRANT ALL ON *.* TO default WITH GRANT OPTION",
    "CREATE NAMED COLLECTION c AS url = 'http://127.0.0.1/'",
]


@pytest.mark.parametrize("sql", OUTSIDE)
def test_no_statement_leaves_the_tables(stack, secret: Path, sql: str):
    status, _, body = ask(stack, body=sql.replace("{file}", str(secret)).encode())

    assert status != 200, body
    assert b"topsecret" not in body
    assert [file.name for file in secret.parent.iterdir()] == ["secret"]


def test_the_words_of_files_may_stand_in_data(stack):
    assert (
        post(stack, "SELECT 'a file', 'outfile' /* infile */ -- it's eval") == "a file\toutfile\n"
    )
    assert post(stack, "SELECT {x:String}", param_x="file(1)") == "file(1)\n"


def test_frames_of_clickhouse_compression_go_both_ways(stack, client):
    client.command("CREATE TABLE t (a UInt32) ENGINE = MergeTree ORDER BY a")
    table = f"{client.database}.t"
    for number, method in enumerate(("lz4", "zstd", "none")):
        data = f"{number}\n".encode()
        insert = {"query": f"INSERT INTO {table} FORMAT TSV", "decompress": "1"}
        assert ask(stack, body=encode_frames(data, method), **insert)[0] == 200
        ask_for = {"compress": "1", "network_compression_method": method.upper()}
        body = ask(stack, body=f"SELECT a FROM {table} ORDER BY a".encode(), **ask_for)[2]
        assert decode_frames(body, 1000) == b"".join(b"%d\n" % n for n in range(number + 1))
    assert refusal(stack, "not framed", decompress="1")[:2] == (400, 271)


def test_http_compression_goes_both_ways(stack):
    sql = b"SELECT repeat('x', 1000)"
    for name, encode, decode in (
        ("gzip", gzip.compress, gzip.decompress),
        ("lz4", lz4.frame.compress, lz4.frame.decompress),
        ("zstd", zstandard.compress, zstandard.decompress),
    ):
        status, headers, body = ask(
            stack,
            body=encode(sql),
            headers={"Content-Encoding": name, "Accept-Encoding": f"br, {name};q=1.0"},
            enable_http_compression="1",
        )
        assert (status, headers["Content-Encoding"]) == (200, name)
        assert decode(body) == b"x" * 1000 + b"\n"
    headers = ask(stack, body=sql, headers={"Accept-Encoding": "gzip"})[1]
    assert "Content-Encoding" not in headers
    assert ask(stack, body=sql, headers={"Content-Encoding": "br"})[0] == 501


def test_the_statement_may_stand_in_the_url_and_its_data_in_the_body(stack, client):
    client.command("CREATE TABLE t (a UInt32, b String) ENGINE = MergeTree ORDER BY a")
    here = {"database": str(client.database)}
    for query, body in (
        ("INSERT INTO t FORMAT CSV", b"1,one"),
        ("INSERT INTO t VALUES", b"(2, 'two; FORMAT TSV')"),
        ("INSERT INTO t (b, a) SETTINGS async_insert = 0 FORMAT JSONEachRow", b'{"a":3}'),
        ("INSERT INTO t", b"FORMAT TSV\n4\tfour"),
        ("INSERT INTO t VALUES (5, 'five')", b""),
        ("", b"INSERT INTO t (a) FORMAT RowBinary\n\x0a\x00\x00\x00"),
        ("", b"INSERT INTO t SELECT 7, 'FORMAT'"),
    ):
        status, _, answer = ask(stack, body=body, query=query, **here)
        assert status == 200, answer
    found = client.query("SELECT a, b FROM t ORDER BY a")

    assert found.result_rows == [
        (1, "one"),
        (2, "two; FORMAT TSV"),
        (3, ""),
        (4, "four"),
        (5, "five"),
        (7, "FORMAT"),
        (10, ""),
    ]


def test_the_go_driver_is_told_to_speak_plain_native(stack):
    hello = b"SELECT displayName(), version(), revision(), timezone()"
    _, headers, body = ask(
        stack, body=hello, default_format="Native", client_protocol_version="54460"
    )

    assert headers["X-ClickHouse-Format"] == "Native"
    assert body.startswith(
        b"\x01\x00\x02\xff\xff\xff\xff\x00\x04\x01\x0ddisplayName()\x06String\x00"
    )
    assert b"\x0arevision()\x06UInt32\x00\x00\x00\x00\x00" in body


def test_bytes_that_are_no_text_pass(stack):
    assert ask(stack, body=b"SELECT 'a\xff'")[2] == b"a\xff\n"


def test_requests_run_beside_each_other(stack):
    with ThreadPoolExecutor() as pool:
        slow = pool.submit(post, stack, "SELECT sleep(3)")
        while not slow.running():
            threading.Event().wait(0.01)
        assert post(stack, "SELECT 1") == "1\n"
        assert not slow.done()
        slow.result()


@pytest.mark.parametrize("method", ["lz4", "zstd", "none"])
def test_who_asks_for_frames_gets_errors_in_frames(stack, method):
    asked = {"compress": "1", "network_compression_method": method}

    status, headers, body = ask(stack, body=b"SELECT * FROM nowhere", **asked)

    assert (status, headers["X-ClickHouse-Exception-Code"]) == (404, "60")
    assert decode_frames(body, 1 << 20).startswith(b"Code: 60. DB::Exception: ")


def test_a_request_that_cannot_be_read_is_refused_in_frames_too(stack):
    status, _, body = ask(stack, body=b"SELECT 1", compress="1", user="nobody")

    assert status == 403
    assert decode_frames(body, 1 << 20).startswith(b"Code: 516. DB::Exception: ")


def test_frames_of_an_unknown_method_are_refused_in_words(stack):
    status, _, body = ask(stack, body=b"SELECT 1", compress="1", network_compression_method="best")

    assert status == 501
    assert body.startswith(b"Code: 48. DB::Exception: ")
