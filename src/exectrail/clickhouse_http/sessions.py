"""Sessions: what clients expect to find again at their next request.

A session keeps a handle, so its temporary tables, `SET` and `USE` last. A request without one gets
a handle of its own, which costs a fifth of a millisecond and leaves nothing behind.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from exectrail.clickhouse_http.engine import DATABASE, Engine
from exectrail.clickhouse_http.errors import (
    SESSION_IS_LOCKED,
    SESSION_NOT_FOUND,
    TOO_MANY_SESSIONS,
    ClickHouseError,
)
from exectrail.clickhouse_http.handle import Handle

MAX_SESSIONS: Final = 512
MAX_TIMEOUT: Final = 3600.0
"""Seconds; ClickHouse's own limit (`max_session_timeout`)."""


@dataclass(slots=True)
class _Session:
    handle: Handle
    timeout: float
    used: float
    lock: threading.Lock = field(default_factory=threading.Lock)


class Sessions:
    """Handles by session. Threads may share it."""

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.monotonic) -> None:
        """Make an empty store.

        Args:
            engine: Where handles come from.
            clock: Seconds, for the tests.
        """
        self._engine = engine
        self._clock = clock
        self._lock = threading.Lock()
        # By whether it may only read as well: a reader never gets a writer's handle.
        self._sessions: dict[tuple[bool, str], _Session] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    @contextmanager
    def handle(
        self,
        session: str,
        *,
        readonly: bool,
        database: str = "",
        timeout: float = 60.0,
        must_exist: bool = False,
        ends: bool = False,
    ) -> Generator[Handle]:
        """A handle for one request.

        Args:
            session: Id of the session; empty for none.
            readonly: Whether the request may only read.
            database: Where a new handle's unqualified names lead; empty for the default.
            timeout: Seconds that the session lives on unused.
            must_exist: Whether an unknown session is an error.
            ends: Whether the session ends with this request.

        Raises:
            ClickHouseError: The session is unknown, is at work, or there are too many.
        """
        if not session:
            with self._engine.handle(readonly=readonly, database=database or DATABASE) as handle:
                yield handle
            return
        key = (readonly, session)
        found = self._find(key, database, must_exist)
        try:
            yield found.handle
        finally:
            found.timeout = min(timeout, MAX_TIMEOUT)
            found.used = self._clock()
            if ends:
                with self._lock:
                    self._sessions.pop(key, None)
                found.handle.close()
            found.lock.release()

    def close(self) -> None:
        """End all sessions. Requests must be done by then."""
        with self._lock:
            for session in self._sessions.values():
                session.handle.close()
            self._sessions.clear()

    def _find(self, key: tuple[bool, str], database: str, must_exist: bool) -> _Session:
        """The session, locked for the caller."""
        with self._lock:
            self._drop_expired()
            session = self._sessions.get(key)
            if session is None:
                if must_exist:
                    raise ClickHouseError(SESSION_NOT_FOUND, "Session not found or expired.")
                if len(self._sessions) >= MAX_SESSIONS:
                    self._drop_oldest()
                handle = self._engine.handle(readonly=key[0], database=database or DATABASE)
                session = _Session(handle, 0.0, self._clock())
                self._sessions[key] = session
            if not session.lock.acquire(blocking=False):
                raise ClickHouseError(
                    SESSION_IS_LOCKED,
                    "The session is at work for another request. A session serves one request at"
                    " a time: use one client per thread, or no session.",
                )
            return session

    def _drop_expired(self) -> None:
        now = self._clock()
        for key, session in list(self._sessions.items()):
            if now - session.used > session.timeout and session.lock.acquire(blocking=False):
                del self._sessions[key]
                session.handle.close()

    def _drop_oldest(self) -> None:
        for key, session in sorted(self._sessions.items(), key=lambda item: item[1].used):
            if session.lock.acquire(blocking=False):
                del self._sessions[key]
                session.handle.close()
                return
        raise ClickHouseError(
            TOO_MANY_SESSIONS, f"All {MAX_SESSIONS} sessions are at work. Try again later."
        )
