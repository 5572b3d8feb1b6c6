"""The ASGI application: reads bodies up to the limit, and lets threads do the work."""

from __future__ import annotations

from typing import Final

import anyio
import anyio.to_thread
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from exectrail.clickhouse_http.loopback import LoopbackOnly
from exectrail.clickhouse_http.request import MAX_BODY, too_large
from exectrail.clickhouse_http.service import Reply, Service

THREADS: Final = 16
"""Requests that are worked on at once; more wait."""


async def read_body(request: Request, limit: int) -> bytes | None:
    """The body, or None if it has more than `limit` bytes; the rest is not read then.

    Raises:
        ClientDisconnect: The client went away.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        return None
    pieces: list[bytes] = []
    size = 0
    async for piece in request.stream():
        size += len(piece)
        if size > limit:
            return None
        pieces.append(piece)
    return b"".join(pieces)


def create_app(service: Service) -> Starlette:
    """The application over a service.

    Args:
        service: Runs the requests; it is closed by whoever made it.
    """
    limiter = anyio.CapacityLimiter(THREADS)

    async def serve(request: Request) -> Response:
        if not _has_query(request):
            return PlainTextResponse("Ok.\n")
        try:
            body = await read_body(request, MAX_BODY)
        except ClientDisconnect:
            return Response(status_code=400)
        if body is None:
            reply = service.refuse(too_large(), request.url.query)
        else:
            reply = await anyio.to_thread.run_sync(
                service.answer,
                request.method,
                request.url.query,
                dict(request.headers),
                body,
                limiter=limiter,
            )
        return _response(reply)

    async def ping(request: Request) -> Response:
        return PlainTextResponse("Ok.\n")

    return Starlette(
        routes=[
            Route("/", serve, methods=["GET", "POST"]),
            Route("/ping", ping),
            Route("/replicas_status", ping),
        ],
        middleware=[Middleware(LoopbackOnly)],
    )


def _has_query(request: Request) -> bool:
    return request.method == "POST" or "query" in request.query_params


def _response(reply: Reply) -> Response:
    return Response(reply.body, reply.status, dict(reply.headers))
