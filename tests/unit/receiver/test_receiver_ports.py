"""Sockets of the stack."""

from __future__ import annotations

import asyncio
import socket
import urllib.request

import pytest

from exectrail.receiver.ports import PortTakenError, listen, port_of


async def test_answers_are_sent_at_once():
    """Nagle's algorithm is off on what is accepted, or answers in two parts wait 40 ms."""
    options: list[int] = []

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted = writer.get_extra_info("socket")
        options.append(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.write(b"HTTP/1.0 204 No Content\r\n\r\n")
        writer.close()

    with listen(0, "--otlp-port") as opened:
        async with await asyncio.start_server(answer, sock=opened):
            address = f"http://127.0.0.1:{port_of(opened)}"
            answered = await asyncio.to_thread(urllib.request.urlopen, address)
            answered.close()

    assert options == [1]


def test_a_port_that_is_taken_says_so():
    with (
        listen(0, "--otlp-port") as taken,
        pytest.raises(PortTakenError, match=r"choose a free port with --otlp-port"),
    ):
        listen(port_of(taken), "--otlp-port")
