"""Sockets on loopback, taken before anything else is done."""

from __future__ import annotations

import socket

from exectrail.receiver.state import HOST


class PortTakenError(Exception):
    """A port cannot be listened on; the message says what to do."""


def listen(port: int, option: str) -> socket.socket:
    """A listening socket on 127.0.0.1.

    Args:
        port: The port; 0 for any that is free.
        option: The option that names the port, for the message.

    Raises:
        PortTakenError: Another program listens there, or it may not be used.
    """
    # The protocol is named because asyncio switches Nagle's algorithm off only where it is; with it
    # every other answer waits 40 ms for an acknowledgement.
    opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        opened.bind((HOST, port))
        opened.listen(512)
    except OSError as error:
        opened.close()
        raise PortTakenError(
            f"Port {port} cannot be used ({error.strerror}). Another stack or collector may be"
            f" there; stop it, or choose a free port with {option}."
        ) from error
    opened.setblocking(False)
    return opened


def port_of(listening: socket.socket) -> int:
    """The port of a socket."""
    return listening.getsockname()[1]
