"""A server of gunicorn's: answers a request, and one whose worker is killed, then gets SIGTERM."""

import http.client
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any

from gunicorn.app.base import BaseApplication

import exectrail

exectrail.instrument()
Start = Callable[[str, list[tuple[str, str]]], object]


def app(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    with exectrail.workflow(environ["PATH_INFO"].strip("/")), exectrail.step("s"):
        if environ["PATH_INFO"] == "/dies":
            os.kill(os.getpid(), signal.SIGKILL)
        start("200 OK", [("Content-Type", "text/plain")])
        return [b"hello"]


def ask(address: tuple[str, int]) -> None:
    for path in ("/answers", "/dies", "/answers"):
        connection = http.client.HTTPConnection(*address, timeout=30)
        connection.request("GET", path)
        try:
            print(path, connection.getresponse().read(), flush=True)
        except (http.client.HTTPException, OSError):
            print(path, "was not answered", flush=True)
        connection.close()
    os.kill(os.getpid(), signal.SIGTERM)


class Server(BaseApplication):
    """As `gunicorn` is, set up by code."""

    def load_config(self) -> None:
        for name, value in {
            "bind": "127.0.0.1:0",
            "workers": 1,
            "graceful_timeout": 2,
            "preload_app": sys.argv[1] == "preloaded",
            "loglevel": "critical",
            "control_socket_disable": True,
            "when_ready": lambda arbiter: threading.Thread(
                target=ask, args=(arbiter.LISTENERS[0].sock.getsockname(),), daemon=True
            ).start(),
        }.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Callable[[dict[str, Any], Start], Iterable[bytes]]:
        return app


if __name__ == "__main__":
    Server().run()
