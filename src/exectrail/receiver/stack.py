"""The process: two servers in one event loop over one engine, with the canary and the judge."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from exectrail.clickhouse_http.app import create_app as create_clickhouse_app
from exectrail.clickhouse_http.engine import DirectoryError, Engine
from exectrail.clickhouse_http.service import Service
from exectrail.config import load
from exectrail.guard import guard, logger
from exectrail.judge import Judge, rule_settings
from exectrail.receiver.app import create_app as create_otlp_app
from exectrail.receiver.canary import INTERVAL, send_canary
from exectrail.receiver.intake import Intake
from exectrail.receiver.ports import PortTakenError, listen, port_of
from exectrail.receiver.state import HOST, State, process_started, remove_state, write_state
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
_URL_LIMIT: Final = 1 << 20
"""Bytes of a request's head: ClickHouse clients put statements and values into the URL."""


class StackError(Exception):
    """The stack cannot start; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How to start.

    Attributes:
        path: The directory.
        otlp_port: Where to take OTLP/HTTP; 0 for a free one.
        clickhouse_port: Where to answer the ClickHouse HTTP protocol; 0 for a free one.
    """

    path: Path
    otlp_port: int = 4318
    clickhouse_port: int = 8123


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
            otlp = held.enter_context(listen(settings.otlp_port, "--otlp-port"))
            clickhouse = held.enter_context(listen(settings.clickhouse_port, "--clickhouse-port"))
            engine = Engine.open(settings.path)
        except (PortTakenError, DirectoryError) as error:
            raise StackError(str(error)) from error
        held.callback(engine.close)
        asyncio.run(_Stack(engine, otlp, clickhouse, on_ready).serve())


class _Stack:
    def __init__(
        self,
        engine: Engine,
        otlp: socket.socket,
        clickhouse: socket.socket,
        on_ready: Callable[[State], None],
    ) -> None:
        self._path = engine.path
        self._sockets = (otlp, clickhouse)
        self._on_ready = on_ready
        self._intake = Intake(engine)
        self._service = Service(engine)
        self._servers = (
            _server(create_otlp_app(self._intake)),
            _server(create_clickhouse_app(self._service)),
        )
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
        otlp_port, clickhouse_port = (port_of(listening) for listening in self._sockets)
        url = f"http://{HOST}:{clickhouse_port}"
        try:
            client = await asyncio.to_thread(connect, url)
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
        )
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
    said = ""

    def look() -> None:
        nonlocal said
        try:
            verdicts = judge.attend()
        except StorageError as error:
            if str(error) != said:
                logger.error("exectrail: the judge could not ask: %s", error)
            said = str(error)
            return
        said = ""
        if verdicts:
            logger.info("exectrail: the judge said %d verdicts", len(verdicts))

    return look


def _fold(client: Client) -> Callable[[], None]:
    fold = Fold(client)
    said = ""

    def piece() -> None:
        nonlocal said
        try:
            fold.attend()
        except StorageError as error:
            if str(error) != said:
                logger.error("exectrail: the roll-ups could not be written: %s", error)
            said = str(error)
            return
        said = ""

    return piece


def _server(app: ASGIApp) -> _Server:
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
            h11_max_incomplete_event_size=_URL_LIMIT,
        )
    )
