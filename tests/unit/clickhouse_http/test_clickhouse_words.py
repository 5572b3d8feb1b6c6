"""Errors, the first answer to the Go driver, and who is let in."""

from __future__ import annotations

import asyncio

import pytest
from starlette.types import Message, Receive, Scope, Send

from exectrail.clickhouse_http.errors import ClickHouseError
from exectrail.clickhouse_http.handshake import answer, is_handshake
from exectrail.clickhouse_http.loopback import LoopbackOnly


def test_the_engines_error_is_found_in_what_chdb_raises():
    error = ClickHouseError.from_engine(
        RuntimeError("Streaming insert finish failed: Code: 60. DB::Exception: x. (UNKNOWN_TABLE)")
    )
    other = ClickHouseError.from_engine(RuntimeError("something else"))
    # All that chDB says where its text is not UTF-8.
    empty = ClickHouseError.from_engine(RuntimeError(""))

    assert (error.code, error.status) == (60, 404)
    assert error.message == str(error) == "Code: 60. DB::Exception: x. (UNKNOWN_TABLE)"
    assert (other.code, other.status) == (1002, 500)
    assert (empty.code, empty.status, "UTF-8" in empty.message) == (36, 400, True)
    assert other.message == "Code: 1002. DB::Exception: something else (UNKNOWN_EXCEPTION)"


def test_the_first_question_of_the_go_driver_is_answered_in_its_own_revision():
    question = "SELECT displayName(), version(), revision(), timezone()"
    columns = (
        b"\x0ddisplayName()\x06String%(f)b\x09exectrail"
        b"\x09version()\x06String%(f)b\x0426.9"
        b"\x0arevision()\x06UInt32%(f)b\x00\x00\x00\x00"
        b"\x0atimezone()\x06String%(f)b\x03UTC"
    )

    assert is_handshake(question)
    assert is_handshake(f"\n{question.lower()} ;")
    assert not is_handshake(question + ", 1")
    assert not is_handshake(question.encode())
    assert answer(0, "26.9", "UTC") == b"\x04\x01" + columns % {b"f": b""}
    new = b"\x01\x00\x02\xff\xff\xff\xff\x00\x04\x01" + columns % {b"f": b"\x00"}
    assert answer(54460, "26.9", "UTC") == new


def let_in(**headers: str) -> bool:
    passed: list[Scope] = []
    sent: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        passed.append(scope)

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "headers": [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()],
    }
    asyncio.run(LoopbackOnly(app)(scope, receive, send))
    assert bool(passed) != (bool(sent) and sent[0]["status"] == 403)
    return bool(passed)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:8123", "localhost:1", "LOCALHOST", "[::1]:5"]
)
def test_programs_of_this_machine_are_let_in(host: str):
    assert let_in(host=host)
    assert let_in(host=host, sec_fetch_site="none")


@pytest.mark.parametrize(
    "host", ["", "evil.example", "evil.example:8123", "127.0.0.1.evil.example", "localhost:8123:x"]
)
def test_other_names_are_not_let_in(host: str):
    assert not let_in(host=host)


def test_pages_of_other_origins_are_not_let_in():
    assert not let_in(host="localhost", origin="http://localhost:3000")
    assert not let_in(host="localhost", origin="null")
    assert not let_in(host="localhost", sec_fetch_site="cross-site")
    assert not let_in(host="localhost", sec_fetch_site="same-site")
