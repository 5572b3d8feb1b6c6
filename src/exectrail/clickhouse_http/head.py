"""The limit of a request's head: its first line and its headers.

The server behind stops at a head that goes on for too long while it comes in; one that comes in at
once is whole before it could. So it is measured here again.
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send


class HeadLimit:
    """ASGI middleware that answers requests with a large head itself."""

    def __init__(self, app: ASGIApp, *, most: int, answer: Callable[[Scope], Response]) -> None:
        """Wrap an application.

        Args:
            app: What is behind it.
            most: Bytes that path, query and headers may have together.
            answer: Says in the protocol of the port that there are more.
        """
        self._app = app
        self._most = most
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        if scope["type"] == "http" and _size(scope) > self._most:
            await self._answer(scope)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _size(scope: Scope) -> int:
    headers = sum(len(name) + len(value) for name, value in scope["headers"])
    return headers + len(scope.get("raw_path") or b"") + len(scope.get("query_string", b""))
