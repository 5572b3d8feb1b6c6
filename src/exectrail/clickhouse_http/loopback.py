"""Keeps web pages away from ports that ask for no password.

A browser lets any page send requests to 127.0.0.1, and a page may point a name of its own there.
So a request must name a loopback host, and must not come from a page of another origin.
"""

from __future__ import annotations

from typing import Final

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_HOSTS: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})
_OWN_SITES: Final = frozenset({"", "none", "same-origin"})


class LoopbackOnly:
    """ASGI middleware that answers 403 to what does not come from a program of this machine."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        if scope["type"] == "http" and not _is_local(Headers(scope=scope)):
            refusal = PlainTextResponse(
                "This port serves programs of this machine: send Host 127.0.0.1 or localhost, and"
                " no request from a web page.\n",
                403,
            )
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _is_local(headers: Headers) -> bool:
    host = headers.get("host", "")
    name, colon, port = host.rpartition(":")
    if not colon or not port.isdigit():
        name = host
    return (
        name.lower() in _HOSTS
        and "origin" not in headers
        and headers.get("sec-fetch-site", "") in _OWN_SITES
    )
