"""The process: two servers in one event loop over one engine, with the canary and the judge."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from exectrail.clickhouse_http.access import Power
from exectrail.clickhouse_http.app import MAX_HEAD as MAX_QUESTION_HEAD
from exectrail.clickhouse_http.app import create_app as create_clickhouse_app
from exectrail.clickhouse_http.engine import DirectoryError, Engine
from exectrail.clickhouse_http.request import WRITER
from exectrail.clickhouse_http.service import Service
from exectrail.config import load
from exectrail.guard import guard, logger
from exectrail.judge import Judge, rule_settings
from exectrail.receiver.app import create_app as create_otlp_app
from exectrail.receiver.canary import INTERVAL, send_canary
from exectrail.receiver.exposure import Certificate, Exposure, new_token
from exectrail.receiver.intake import Intake
from exectrail.receiver.limits import MAX_HEAD
from exectrail.receiver.ports import PortTakenError, listen, port_of
from exectrail.receiver.state import (
    HOST,
    State,
    process_started,
    remove_state,
    write_own_token,
    write_state,
)
from exectrail.rollup import Fold
from exectrail.storage.client import Client, StorageError, connect
from exectrail.storage.runner import Runner

JUDGE_INTERVAL: Final = 0.25
"""Seconds from one time that the judge attends to the next; it looks when there is reason to."""
FOLD_INTERVAL: Final = 0.5
"""Seconds from one piece of a fold to the next; it begins one when it is time."""
_GRACE: Final = 10
"""Seconds that requests at work have when the process is told to stop."""
_KEEP_ALIVE: Final = 120
"""Seconds: longer than the minute after which SDKs export metrics over the same connection."""


class StackError(Exception):
    """The stack cannot start; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How to start.

    Attributes:
        path: The directory.
        otlp_port: Where to take OTLP/HTTP; 0 for a free one.
        clickhouse_port: Where to answer the ClickHouse HTTP protocol; 0 for a free one.
        exposure: Who may reach it.
    """

    path: Path
    otlp_port: int = 4318
    clickhouse_port: int = 8123
    exposure: Exposure = field(default_factory=Exposure)


class _Server(uvicorn.Server):
    """A server among others: signals are the process's affair, not one server's."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


def run(settings: Settings, on_ready: Callable[[State], None]) -> None:
    """Be the stack until SIGTERM or SIGINT.

    Args:
        settings: How to start.
        on_ready: Called once, when both ports answer and the tables are there.

    Raises:
        StackError: A port or the directory is taken or cannot be used, or the tables cannot be
            brought up to date.
    """
    with contextlib.ExitStack() as held:
        try:
            exposure = settings.exposure
            sockets = [
                held.enter_context(listen(settings.otlp_port, "--otlp-port", exposure)),
                held.enter_context(listen(settings.clickhouse_port, "--clickhouse-port", exposure)),
            ]
            if not exposure.is_plain:
                sockets.append(held.enter_context(listen(0, "--clickhouse-port")))
            engine = Engine.open(settings.path)
        except (PortTakenError, DirectoryError) as error:
            raise StackError(str(error)) from error
        held.callback(engine.close)
        asyncio.run(_Stack(engine, sockets, exposure, on_ready).serve())


class _Stack:
    def __init__(
        self,
        engine: Engine,
        sockets: list[socket.socket],
        exposure: Exposure,
        on_ready: Callable[[State], None],
    ) -> None:
        """Make it.

        Args:
            engine: The engine, open.
            sockets: For OTLP, for the ClickHouse HTTP protocol, and, where those are not plain,
                one of our own for that protocol.
            exposure: Who may reach it.
            on_ready: Called once, when all is there.
        """
        self._path = engine.path
        self._sockets = sockets
        self._exposure = exposure
        self._on_ready = on_ready
        self._intake = Intake(engine)
        self._service = Service(engine)
        access = exposure.access
        self._own_token = "" if access is None else new_token()
        if access is not None:
            access = access.and_also(self._own_token, Power.ALL)
        questions = create_clickhouse_app(self._service, access, _complain)
        telemetry = create_otlp_app(self._intake, access, _complain)
        certificate = exposure.certificate
        self._servers = [
            _server(telemetry, certificate, MAX_HEAD),
            _server(questions, certificate, MAX_QUESTION_HEAD),
        ]
        if len(sockets) > len(self._servers):
            self._servers.append(_server(questions, None, MAX_QUESTION_HEAD))
        self._stopping = asyncio.Event()

    async def serve(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        serving = [
            asyncio.create_task(server.serve(sockets=[listening]))
            for server, listening in zip(self._servers, self._sockets, strict=True)
        ]
        try:
            await self._live(serving)
        finally:
            self._intake.refuse()
            for server in self._servers:
                server.should_exit = True
            await asyncio.gather(*serving, return_exceptions=True)
            self._intake.close()
            self._service.close()
            remove_state(self._path)

    async def _live(self, serving: list[asyncio.Task[None]]) -> None:
        """Start, and stay until told to stop or a server ends by itself."""
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            starting = asyncio.create_task(self._start())
            await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not starting.done():
                await asyncio.wait({starting})
            client = starting.result()
            try:
                background = [
                    asyncio.create_task(self._each(INTERVAL, "canary", self._send_canary)),
                    asyncio.create_task(self._each(JUDGE_INTERVAL, "judge", _judge(client))),
                    asyncio.create_task(self._each(FOLD_INTERVAL, "rollup", _fold(client))),
                ]
                await asyncio.wait({stopping, *serving}, return_when=asyncio.FIRST_COMPLETED)
                for task in background:
                    task.cancel()
                await asyncio.gather(*background, return_exceptions=True)
            finally:
                await asyncio.to_thread(client.close)
        finally:
            stopping.cancel()

    async def _start(self) -> Client:
        """Bring the tables up to date through our own port, then take data and say so."""
        otlp_port, clickhouse_port, *own = (port_of(listening) for listening in self._sockets)
        own_port = own[0] if own else clickhouse_port
        url = f"http://{HOST}:{own_port}"
        try:
            client = await asyncio.to_thread(
                partial(connect, url, user=WRITER, password=self._own_token or None)
            )
            applied = await asyncio.to_thread(Runner(client).apply)
        except StorageError as error:
            raise StackError(f"The tables in {self._path} are not up to date: {error}") from error
        if applied:
            logger.info("exectrail: %d migrations applied", len(applied))
        self._intake.open()
        await asyncio.to_thread(send_canary, self._intake, starts=True)
        state = State(
            pid=os.getpid(),
            pid_started=process_started(os.getpid()),
            otlp_port=otlp_port,
            clickhouse_port=clickhouse_port,
            version=version("exectrail"),
            started=datetime.now(UTC).isoformat(timespec="milliseconds"),
            host=self._exposure.reachable_at,
            tls=self._exposure.certificate is not None,
            own_port=own_port if own else 0,
        )
        if self._own_token:
            write_own_token(self._path, self._own_token)
        write_state(self._path, state)
        self._on_ready(state)
        return client

    def _send_canary(self) -> None:
        send_canary(self._intake)

    async def _each(self, interval: float, name: str, work: Callable[[], None]) -> None:
        """Do something again and again; what fails once is tried again the next time.

        Args:
            interval: Seconds from one beginning to the next.
            name: For the log.
            work: What to do; it blocks.
        """
        while not self._stopping.is_set():
            began = time.monotonic()
            with guard(f"receiver.{name}"):
                await asyncio.to_thread(work)
            await asyncio.sleep(max(0.0, interval - (time.monotonic() - began)))


def _judge(client: Client) -> Callable[[], None]:
    judge = Judge(client, settings=rule_settings(load()))

    def look() -> None:
        if verdicts := judge.attend():
            logger.info("exectrail: the judge said %d verdicts", len(verdicts))

    return _saying_once("the judge could not ask", look)


def _fold(client: Client) -> Callable[[], None]:
    return _saying_once("the roll-ups could not be written", Fold(client).attend)


def _saying_once(trouble: str, work: Callable[[], object]) -> Callable[[], None]:
    """Something that asks the store, and says of a failure what it is unless it did just before."""
    said = ""

    def attempt() -> None:
        nonlocal said
        try:
            work()
        except StorageError as error:
            if str(error) != said:
                logger.error("exectrail: %s: %s", trouble, error)
            said = str(error)
        else:
            said = ""

    return attempt


def _complain(text: str) -> None:
    logger.warning("exectrail: %s", text)


def _server(app: ASGIApp, certificate: Certificate | None, head_limit: int) -> _Server:
    """A server of an application.

    Args:
        app: The application.
        certificate: What it shows for TLS; None for none.
        head_limit: Bytes that the first line and the headers of a request may have together.
    """
    return _Server(
        uvicorn.Config(
            app,
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE,
            timeout_graceful_shutdown=_GRACE,
            h11_max_incomplete_event_size=head_limit,
            ssl_certfile=certificate and certificate.chain,
            ssl_keyfile=certificate and certificate.key,
        )
    )
