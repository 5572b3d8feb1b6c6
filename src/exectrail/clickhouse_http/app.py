"""The ASGI application: reads bodies up to the limit, and lets threads do the work."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Final

import anyio
import anyio.to_thread
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Scope

from exectrail.clickhouse_http.access import (
    POWER,
    Access,
    Door,
    Power,
    Refusal,
    bearer_or_password,
)
from exectrail.clickhouse_http.errors import (
    ACCESS_DENIED,
    AUTHENTICATION_FAILED,
    REQUEST_TOO_LARGE,
    TIMEOUT_EXCEEDED,
    ClickHouseError,
)
from exectrail.clickhouse_http.head import HeadLimit
from exectrail.clickhouse_http.loopback import LoopbackOnly
from exectrail.clickhouse_http.request import MAX_BODY, too_large
from exectrail.clickhouse_http.service import Reply, Service

THREADS: Final = 16
"""Requests that are worked on at once; more wait."""
MAX_HEAD: Final = 1 << 20
"""Bytes of a request's head: clients put statements and values into the URL."""
BODY_PATIENCE: Final = 120.0
"""Seconds in which a body must have come."""
_OPEN: Final = frozenset({"/ping", "/replicas_status"})
_HINT: Final = (
    "Send it as the password of any user (header X-ClickHouse-Key, basic authentication, parameter"
    " password), or as Authorization: Bearer. Commands of exectrail read"
    " EXECTRAIL_CLICKHOUSE_PASSWORD."
)


class TooSlowError(Exception):
    """A body did not come in time."""


async def read_body(request: Request, limit: int) -> bytes | None:
    """The body, or None if it has more than `limit` bytes; the rest is not read then.

    Raises:
        ClientDisconnect: The client went away.
        TooSlowError: It takes longer than `BODY_PATIENCE`.
    """
    try:
        with anyio.fail_after(BODY_PATIENCE):
            return await _read_body(request, limit)
    except TimeoutError as error:
        raise TooSlowError(f"The body did not come within {BODY_PATIENCE:.0f} s.") from error


async def _read_body(request: Request, limit: int) -> bytes | None:
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


def create_app(
    service: Service,
    access: Access | None = None,
    complain: Callable[[str], None] = lambda text: None,
) -> Starlette:
    """The application over a service.

    Args:
        service: Runs the requests; it is closed by whoever made it.
        access: Tokens; without them programs of this machine are let in.
        complain: Writes to the log that requests were turned away.
    """
    limiter = anyio.CapacityLimiter(THREADS)

    async def serve(request: Request) -> Response:
        if not _has_query(request):
            return PlainTextResponse("Ok.\n")
        try:
            body = await read_body(request, MAX_BODY)
        except ClientDisconnect:
            return Response(status_code=400)
        except TooSlowError as error:
            slow = ClickHouseError(TIMEOUT_EXCEEDED, str(error))
            return _response(service.refuse(slow, request.url.query))
        if body is None:
            reply = service.refuse(too_large(), request.url.query)
        else:
            reply = await anyio.to_thread.run_sync(
                service.answer,
                request.method,
                request.url.query,
                dict(request.headers),
                body,
                bool(request.scope.get(POWER, Power.ALL) & Power.WRITE),
                limiter=limiter,
            )
        return _response(reply)

    async def ping(request: Request) -> Response:
        return PlainTextResponse("Ok.\n")

    if access is None:
        door = Middleware(LoopbackOnly)
    else:
        door = Middleware(
            Door,
            access=access,
            wanted=Power.READ | Power.WRITE,
            find=bearer_or_password,
            answer=functools.partial(_refused, service),
            hint=_HINT,
            open_paths=_OPEN,
            complain=complain,
        )
    app = Starlette(
        routes=[
            Route("/", serve, methods=["GET", "POST"]),
            Route("/ping", ping),
            Route("/replicas_status", ping),
        ],
        middleware=[
            Middleware(HeadLimit, most=MAX_HEAD, answer=lambda scope: _large_head(service)),
            door,
        ],
    )
    # A path is one of these or is not found: nobody is sent elsewhere, to a host of his own naming.
    app.router.redirect_slashes = False
    return app


def _refused(service: Service, scope: Scope, refusal: Refusal) -> Response:
    code = AUTHENTICATION_FAILED if refusal.status == 401 else ACCESS_DENIED
    query = scope.get("query_string", b"").decode("latin-1")
    reply = service.refuse(ClickHouseError(code, refusal.text), query)
    headers = dict(reply.headers)
    if refusal.status == 401:
        headers["WWW-Authenticate"] = 'Basic realm="exectrail"'
    return Response(reply.body, refusal.status, headers)


def _large_head(service: Service) -> Response:
    text = f"The head has more than {MAX_HEAD} bytes. Send the statement in the body."
    reply = service.refuse(ClickHouseError(REQUEST_TOO_LARGE, text), "")
    return Response(reply.body, 431, dict(reply.headers))


def _has_query(request: Request) -> bool:
    return request.method == "POST" or "query" in request.query_params


def _response(reply: Reply) -> Response:
    return Response(reply.body, reply.status, dict(reply.headers))
