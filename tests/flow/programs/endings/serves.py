"""A server of uvicorn's, alone or with workers: answers a request of its own, then gets SIGTERM."""

import os
import signal
import sys
import threading
import urllib.request
from typing import Any

import uvicorn
from uvicorn.supervisors import Multiprocess

import exectrail

exectrail.instrument()


async def app(scope: dict[str, Any], _receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        return
    with exectrail.workflow("answers"), exectrail.step("s"):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"hello"})


def ask(url: str) -> None:
    with urllib.request.urlopen(url, timeout=30) as answer:
        print(answer.read(), flush=True)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    workers = int(sys.argv[1])
    config = uvicorn.Config(
        "serves:app", port=0, workers=workers, log_level="critical", lifespan="off"
    )
    socket = config.bind_socket()
    socket.listen()
    url = f"http://127.0.0.1:{socket.getsockname()[1]}"
    threading.Thread(target=ask, args=(url,), daemon=True).start()
    if workers == 1:
        uvicorn.Server(config).run(sockets=[socket])
    else:
        Multiprocess(config, sockets=[socket]).run()
