"""Requests of ClickHouse clients, read."""

from __future__ import annotations

import base64

import pytest

from exectrail.clickhouse_http.errors import ClickHouseError
from exectrail.clickhouse_http.request import Request, read_request


def read(url: str = "", *, method: str = "POST", body: bytes = b"", **headers: str) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return read_request(method, url, named, body)


def code_of(url: str = "", *, body: bytes = b"", **headers: str) -> int:
    with pytest.raises(ClickHouseError) as caught:
        read(url, body=body, **headers)
    return caught.value.code


def test_a_request_is_read_whole():
    request = read(
        "query=SELECT+1&database=d&query_id=q&session_id=s&session_timeout=9&session_check=1"
        "&close_session=1&default_format=CSV&max_threads=2&param_a=b%26&param_c=&compress=1"
        "&network_compression_method=ZSTD&enable_http_compression=1&client_protocol_version=54460"
        "&wait_end_of_query=1&send_progress_in_http_headers=1&role=r",
        body=b"data",
        accept_encoding="gzip",
    )

    assert request == Request(
        query="SELECT 1",
        body=b"data",
        query_id="q",
        database="d",
        output="CSV",
        settings={"max_threads": "2"},
        parameters={"a": "b&", "c": ""},
        session="s",
        session_timeout=9,
        session_must_exist=True,
        session_ends=True,
        frames="zstd",
        accepted="gzip",
        revision=54460,
    )


def test_headers_say_what_the_url_does_not():
    request = read(x_clickhouse_database="d", x_clickhouse_format="CSV", accept_encoding="gzip")

    assert (request.database, request.output, request.accepted) == ("d", "CSV", "")
    assert request.query_id


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


def test_who_may_only_read():
    assert not read().readonly
    assert not read("readonly=0").readonly
    assert not read(authorization=basic("default:")).readonly
    assert read(method="GET").readonly
    assert read("readonly=1").readonly
    assert read("readonly=2").readonly
    assert read("user=reader").readonly
    assert read(x_clickhouse_user="reader").readonly
    assert read(authorization=basic("reader:any:thing")).readonly


def test_who_is_not_known():
    assert code_of("user=root") == 516
    assert code_of(authorization=basic("root:")) == 516
    assert code_of(authorization="Basic ***") == 516


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("a%20b=1", 115),
        ("max_threads%3D1%2Cx=1", 115),
        ("default_format=CSV%0AX", 36),
        ("session_timeout=-1", 36),
        ("client_protocol_version=x", 36),
        ("compress=1&network_compression_method=lzma", 48),
    ],
)
def test_what_cannot_be_meant_is_an_error(url: str, code: int):
    assert code_of(url) == code


def form(*parts: tuple[str, str, str]) -> tuple[bytes, str]:
    lines = [
        f'--b\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n{value}\r\n'
        for name, more, value in parts
    ]
    return ("".join(lines) + "--b--\r\n").encode(), "multipart/form-data; boundary=b"


def test_a_form_holds_statement_and_parameters():
    body, kind = form(("query", "", "SELECT {a:String}\n-- é"), ("param_a", "", "1\r\n2"))

    request = read("max_threads=1", body=body, content_type=kind)

    assert (request.query, request.parameters, request.body) == (
        "SELECT {a:String}\n-- é",
        {"a": "1\r\n2"},
        b"",
    )


def test_external_tables_are_not_offered():
    body, kind = form(("t", '; filename="t"', "1"))

    assert code_of(body=body, content_type=kind) == 48


def test_bodies_are_inflated():
    assert code_of(body=b"x", content_encoding="gzip") == 271
    assert code_of(body=b"x", content_encoding="br") == 48
    assert code_of("decompress=1", body=b"x") == 271
