"""OTLP/HTTP as an ASGI application: reads bodies up to the limit, and lets threads do the work."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import anyio
import anyio.to_thread
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Scope

from exectrail.clickhouse_http.access import Access, Door, Power, Refusal, bearer
from exectrail.clickhouse_http.app import TooSlowError, read_body
from exectrail.clickhouse_http.head import HeadLimit
from exectrail.clickhouse_http.loopback import LoopbackOnly
from exectrail.receiver.intake import THREADS, Intake
from exectrail.receiver.limits import MAX_BODY, MAX_HEAD, RequestError, too_large
from exectrail.receiver.otlp import JSON, PROTOBUF, Answer, Signal, refused

_OPEN = frozenset({"/health"})
_HINT = (
    'Send the header "Authorization: Bearer TOKEN"; programs do with'
    " OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20TOKEN."
)


def create_app(
    intake: Intake,
    access: Access | None = None,
    complain: Callable[[str], None] = lambda text: None,
) -> Starlette:
    """The application over an intake.

    Args:
        intake: Stores the requests; it is closed by whoever made it.
        access: Tokens; without them programs of this machine are let in.
        complain: Writes to the log that requests were turned away.
    """
    limiter = anyio.CapacityLimiter(THREADS)

    async def receive(signal: Signal, request: Request) -> Response:
        headers = request.headers
        content_type = headers.get("content-type", "")
        try:
            body = await read_body(request, MAX_BODY)
        except ClientDisconnect:
            return Response(status_code=400)
        except TooSlowError as error:
            return _response(refused(RequestError(408, str(error)), _media(content_type)))
        if body is None:
            return _response(refused(too_large(), _media(content_type)))
        answer = await anyio.to_thread.run_sync(
            intake.answer,
            signal,
            content_type,
            headers.get("content-encoding", ""),
            body,
            limiter=limiter,
        )
        return _response(answer)

    async def greet(request: Request) -> Response:
        return PlainTextResponse("OTLP/HTTP: POST /v1/traces, /v1/logs, /v1/metrics\n")

    async def health(request: Request) -> Response:
        if intake.is_open:
            return PlainTextResponse("ok\n")
        return PlainTextResponse("starting or stopping\n", 503)

    signals = [
        Route(f"/v1/{signal.value}", partial(receive, signal), methods=["POST"])
        for signal in Signal
    ]
    if access is None:
        door = Middleware(LoopbackOnly)
    else:
        door = Middleware(
            Door,
            access=access,
            wanted=Power.SEND,
            find=bearer,
            answer=_refused,
            hint=_HINT,
            open_paths=_OPEN,
            complain=complain,
        )
    app = Starlette(
        routes=[Route("/", greet), Route("/health", health), *signals],
        middleware=[Middleware(HeadLimit, most=MAX_HEAD, answer=_large_head), door],
    )
    # A path is one of these or is not found: nobody is sent elsewhere, to a host of his own naming.
    app.router.redirect_slashes = False
    return app


def _media(content_type: str) -> str:
    """The encoding for an error of a request that is not read."""
    return PROTOBUF if content_type.strip().lower().startswith(PROTOBUF) else JSON


def _large_head(scope: Scope) -> Response:
    error = RequestError(431, f"The head of the request has more than {MAX_HEAD} bytes.")
    return _response(refused(error, _media(Headers(scope=scope).get("content-type", ""))))


def _refused(scope: Scope, refusal: Refusal) -> Response:
    media = _media(Headers(scope=scope).get("content-type", ""))
    response = _response(refused(RequestError(refusal.status, refusal.text), media))
    if refusal.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _response(answer: Answer) -> Response:
    headers = {"Retry-After": "1"} if answer.status == 503 else None
    return Response(answer.body, answer.status, headers, answer.content_type)
