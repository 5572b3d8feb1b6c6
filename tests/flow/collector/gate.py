"""A way to the database that can be shut, as when the database is away."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit


class Gate:
    """Forwards connections to an address; while shut, it refuses them and has cut those it had.

    With a context it speaks TLS to who comes.
    """

    def __init__(self, url: str, context: ssl.SSLContext | None = None) -> None:
        self._context = context
        target = urlsplit(url)
        assert target.hostname
        assert target.port
        self._target = (target.hostname, target.port)
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()
        self._listening: socket.socket | None = None
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]

    @property
    def url(self) -> str:
        return f"{'https' if self._context else 'http'}://127.0.0.1:{self.port}"

    def open(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self._listening,), daemon=True).start()

    def shut(self) -> None:
        listening, self._listening = self._listening, None
        if listening is not None:
            # Wakes the thread that waits in accept().
            listening.shutdown(socket.SHUT_RDWR)
            listening.close()
        with self._lock:
            for one in self._sockets:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
                one.close()
            self._sockets.clear()

    def _accept(self, listening: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = listening.accept()
                if self._context is not None:
                    near = self._context.wrap_socket(near, server_side=True)
                far = socket.create_connection(self._target)
                with self._lock:
                    self._sockets += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=_copy, args=(source, sink), daemon=True).start()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def gate_to(url: str, context: ssl.SSLContext | None = None) -> Iterator[Gate]:
    """An open gate."""
    gate = Gate(url, context)
    gate.open()
    try:
        yield gate
    finally:
        gate.shut()
