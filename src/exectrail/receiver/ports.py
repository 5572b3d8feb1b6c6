"""Sockets, taken before anything else is done."""

from __future__ import annotations

import socket

from exectrail.receiver.exposure import LOOPBACK, Exposure


class PortTakenError(Exception):
    """A port cannot be listened on; the message says what to do."""


def listen(port: int, option: str, exposure: Exposure | None = None) -> socket.socket:
    """A listening socket.

    Args:
        port: The port; 0 for any that is free.
        option: The option that names the port, for the message.
        exposure: Names the address; 127.0.0.1 if left out.

    Raises:
        PortTakenError: Another program listens there, or it may not be used.
    """
    # The protocol is named because asyncio switches Nagle's algorithm off only where it is; with it
    # every other answer waits 40 ms for an acknowledgement.
    where = exposure or Exposure()
    opened = socket.socket(where.family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        opened.bind((where.address, port))
        opened.listen(512)
    except OSError as error:
        opened.close()
        place = "" if where.address == LOOPBACK else f" of {where.host}"
        raise PortTakenError(
            f"Port {port}{place} cannot be used ({error.strerror}). Another stack or collector may"
            f" be there; stop it, or choose a free port with {option}."
        ) from error
    opened.setblocking(False)
    return opened


def port_of(listening: socket.socket) -> int:
    """The port of a socket."""
    return listening.getsockname()[1]
