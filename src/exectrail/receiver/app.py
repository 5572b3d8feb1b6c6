"""OTLP/HTTP as an ASGI application: reads bodies up to the limit, and lets threads do the work."""

from __future__ import annotations

from functools import partial

import anyio
import anyio.to_thread
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from exectrail.clickhouse_http.app import read_body
from exectrail.clickhouse_http.loopback import LoopbackOnly
from exectrail.receiver.intake import MAX_BODY, THREADS, Intake, too_large
from exectrail.receiver.otlp import JSON, PROTOBUF, Answer, Signal, refused


def create_app(intake: Intake) -> Starlette:
    """The application over an intake.

    Args:
        intake: Stores the requests; it is closed by whoever made it.
    """
    limiter = anyio.CapacityLimiter(THREADS)

    async def receive(signal: Signal, request: Request) -> Response:
        headers = request.headers
        content_type = headers.get("content-type", "")
        try:
            body = await read_body(request, MAX_BODY)
        except ClientDisconnect:
            return Response(status_code=400)
        if body is None:
            media = PROTOBUF if content_type.startswith(PROTOBUF) else JSON
            return _response(refused(too_large(), media))
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

    signals = [
        Route(f"/v1/{signal.value}", partial(receive, signal), methods=["POST"])
        for signal in Signal
    ]
    return Starlette(routes=[Route("/", greet), *signals], middleware=[Middleware(LoopbackOnly)])


def _response(answer: Answer) -> Response:
    headers = {"Retry-After": "1"} if answer.status == 503 else None
    return Response(answer.body, answer.status, headers, answer.content_type)
