"""Who may do what where a token is asked for: the tokens, and the door that asks for one.

A request is turned away before its body is read. The door says the same to whoever has no token
and to whoever has a wrong one.
"""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Flag
from hashlib import sha256
from hmac import compare_digest
from typing import Final
from urllib.parse import parse_qsl

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

POWER: Final = "token_power"
"""Where the door writes into the scope what the token allows."""
_SAID_EVERY: Final = 60.0
"""Seconds between two complaints about requests without a valid token."""


class Power(Flag):
    """What a token allows."""

    NONE = 0
    SEND = 1
    """Telemetry, by OTLP."""
    READ = 2
    """Questions to the tables that change nothing."""
    WRITE = 4
    """All other statements."""
    ALL = SEND | READ | WRITE


class Access:
    """Tokens and what they allow. Holds no token, only digests of them."""

    def __init__(self, tokens: Mapping[str, Power]) -> None:
        """Make it.

        Args:
            tokens: What each token allows; tokens are ASCII.
        """
        self._known = [(_digest(token.encode()), power) for token, power in tokens.items()]

    def power_of(self, token: bytes) -> Power:
        """What a token allows; the time it takes does not tell how much of it was right."""
        digest = _digest(token)
        power = Power.NONE
        for known, allowed in self._known:
            if compare_digest(known, digest):
                power = allowed
        return power

    def and_also(self, token: str, power: Power) -> Access:
        """The same with one more token."""
        more = Access({token: power})
        more._known += self._known
        return more


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request was turned away.

    Attributes:
        status: 401 without a valid token, 403 with one that does not allow this.
        text: The same in words.
    """

    status: int
    text: str


Answer = Callable[[Scope, Refusal], Response]
"""Says a refusal in the protocol of the port."""
Find = Callable[[Scope], bytes]
"""Finds the token in a request; empty if there is none."""


class Door:
    """ASGI middleware that lets through who has a token that allows it."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        access: Access,
        wanted: Power,
        find: Find,
        answer: Answer,
        hint: str,
        open_paths: frozenset[str],
        complain: Callable[[str], None],
    ) -> None:
        """Make the door.

        Args:
            app: What is behind it.
            access: The tokens.
            wanted: What a token must allow at least.
            find: Finds the token in a request.
            answer: Says a refusal in the protocol of the port.
            hint: How a client is to send its token.
            open_paths: Paths that need none, as the router sees them.
            complain: Writes to the log; gets the address of the sender and never a token.
        """
        self._app = app
        self._access = access
        self._wanted = wanted
        self._find = find
        self._answer = answer
        self._hint = hint
        self._open = open_paths
        self._complain = complain
        self._refused = 0
        self._said = -_SAID_EVERY

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        if scope["type"] == "http" and scope["path"] not in self._open:
            token = self._find(scope)
            power = self._access.power_of(token)
            refusal = self._judge(power, given=bool(token))
            if refusal is not None:
                self._count(scope)
                await self._answer(scope, refusal)(scope, receive, send)
                return
            scope[POWER] = power
        await self._app(scope, receive, send)

    def _judge(self, power: Power, *, given: bool) -> Refusal | None:
        if not power:
            what = "The token is not known here." if given else "A token is needed here."
            return Refusal(401, f"{what} {self._hint}")
        if not power & self._wanted:
            return Refusal(403, "This token is not for this port.")
        return None

    def _count(self, scope: Scope) -> None:
        self._refused += 1
        now = time.monotonic()
        if now - self._said >= _SAID_EVERY:
            client = scope.get("client")
            self._complain(
                f"{self._refused} requests without a token that allows them were refused, the last"
                f" from {client[0] if client else 'an unknown address'}"
            )
            self._said, self._refused = now, 0


def bearer(scope: Scope) -> bytes:
    """The token in `Authorization: Bearer TOKEN`."""
    scheme, _, token = Headers(scope=scope).get("authorization", "").partition(" ")
    return token.strip().encode("latin-1") if scheme.lower() == "bearer" else b""


def bearer_or_password(scope: Scope) -> bytes:
    """The token where clients of ClickHouse put it: as bearer, or as the password of any user."""
    headers = Headers(scope=scope)
    scheme, _, word = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(word, validate=True).partition(b":")[2]
        except (binascii.Error, ValueError):
            return b""
    given = bearer(scope) or headers.get("x-clickhouse-key", "").encode("latin-1")
    if given:
        return given
    query = parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
    return dict(query).get("password", "").encode()


def _digest(token: bytes) -> bytes:
    return sha256(token).digest()
