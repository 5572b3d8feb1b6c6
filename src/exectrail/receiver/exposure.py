"""Who may reach the stack: the address it listens on, the tokens, the certificate.

What is not said stays shut: without a token it listens on loopback alone. Tokens come from the
environment or from files, so that they stand in no list of processes; they are written nowhere.
"""

from __future__ import annotations

import secrets
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from exectrail.clickhouse_http.access import Access, Power

LOOPBACK: Final = "127.0.0.1"
TOKENS: Final = {
    "EXECTRAIL_TOKEN": Power.ALL,
    "EXECTRAIL_INGEST_TOKEN": Power.SEND,
    "EXECTRAIL_READ_TOKEN": Power.READ,
}
"""Variables that hold a token, and what each allows. With _FILE at the end they name a file."""
SHORTEST: Final = 16
LONGEST: Final = 1024
_FULL: Final = "EXECTRAIL_TOKEN"


class ExposureError(Exception):
    """The stack may not, or cannot, be reached so; the message says what to do, never a secret."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What the stack shows to clients.

    Attributes:
        chain: File with its certificate and those between it and the authority, PEM.
        key: File with its key, PEM.
    """

    chain: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Exposure:
    """How the stack can be reached.

    Attributes:
        host: What was asked for.
        address: The address that this means; it is listened on.
        access: The tokens; None where none is needed.
        certificate: What TLS shows; None for none.
    """

    host: str = LOOPBACK
    address: str = LOOPBACK
    access: Access | None = None
    certificate: Certificate | None = None

    @property
    def family(self) -> socket.AddressFamily:
        """The family of the address."""
        return socket.AF_INET6 if ":" in self.address else socket.AF_INET

    @property
    def is_loopback(self) -> bool:
        """Whether no other machine can reach it."""
        return _is_loopback(self.address)

    @property
    def is_plain(self) -> bool:
        """Whether programs of this machine get in with nothing but the port."""
        return self.address == LOOPBACK and self.access is None and self.certificate is None

    @property
    def reachable_at(self) -> str:
        """A host by which programs of this machine reach it, as it stands in an address."""
        if ip_address(self.address).is_unspecified:
            return LOOPBACK
        return f"[{self.host}]" if ":" in self.host else self.host


def expose(
    host: str, certificate: Path | None, key: Path | None, environment: Mapping[str, str]
) -> Exposure:
    """How the stack is to be reached.

    Args:
        host: A name or address of this machine.
        certificate: File with the certificate, PEM; None for no TLS.
        key: File with its key; None where it stands in the same file.
        environment: Where the tokens are, or are named.

    Raises:
        ExposureError: Others could reach it without a token, a token is no good, the host is not
            one, or the certificate cannot be used.
    """
    made = Exposure(
        host,
        _address_of(host),
        _access(environment),
        _certificate(certificate, key),
    )
    if not made.is_loopback and made.access is None:
        raise ExposureError(
            f"{host} can be reached from other machines, and whoever reaches the stack can read"
            " and change all of it, so it needs a token. Name a file with one:\n"
            "  (umask 077; openssl rand -hex 32 > exectrail.token)\n"
            f"  EXECTRAIL_TOKEN_FILE=exectrail.token exectrail up --host {host}\n"
            "or put it into EXECTRAIL_TOKEN. Add --tls-cert and --tls-key, so that nobody on the"
            " way reads it."
        )
    return made


def new_token() -> str:
    """A token that nobody can guess."""
    return secrets.token_urlsafe(32)


def _is_loopback(address: str) -> bool:
    return ip_address(address).is_loopback


def _address_of(host: str) -> str:
    try:
        if not host:
            raise OSError
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ExposureError(
            f"--host {host!r} leads to no address. Give an address of this machine, 0.0.0.0 for"
            " all of them, or leave it out for 127.0.0.1."
        ) from error
    # Only the first is listened on, and so only that is judged. Of localhost that is to be IPv4,
    # where the programs of this machine look.
    addresses = [str(one[4][0]).partition("%")[0] for one in found]
    return LOOPBACK if LOOPBACK in addresses else addresses[0]


def _access(environment: Mapping[str, str]) -> Access | None:
    tokens: dict[str, Power] = {}
    for name, power in TOKENS.items():
        token = _token(name, environment)
        if token in tokens:
            raise ExposureError(f"{name} is the same as another token; each needs its own.")
        if token:
            tokens[token] = power
    if tokens and Power.ALL not in tokens.values():
        raise ExposureError(
            f"There is a token for one purpose and none for all: set {_FULL} or {_FULL}_FILE too."
        )
    return Access(tokens) if tokens else None


def _token(name: str, environment: Mapping[str, str]) -> str:
    """The token of a variable or of the file that it names; empty if there is none."""
    token, file = environment.get(name, ""), environment.get(f"{name}_FILE", "")
    if token and file:
        raise ExposureError(f"Both {name} and {name}_FILE are set; set one of them.")
    source = name
    if file:
        source = f"the file of {name}_FILE"
        try:
            token = Path(file).expanduser().read_text(encoding="ascii").strip()
        except UnicodeDecodeError as error:
            raise ExposureError(f"{file}, named by {name}_FILE, holds no token.") from error
        except OSError as error:
            raise ExposureError(
                f"{file}, named by {name}_FILE, cannot be read ({error.strerror})."
            ) from error
    elif not token:
        return ""
    fits = SHORTEST <= len(token) <= LONGEST and token.isascii() and token.isprintable()
    if not fits or " " in token:
        raise ExposureError(
            f"The token in {source} is no good: it must have {SHORTEST} to {LONGEST} letters,"
            " digits and signs of ASCII without blanks. Make one: openssl rand -hex 32"
        )
    return token


def _certificate(chain: Path | None, key: Path | None) -> Certificate | None:
    if chain is None:
        if key is not None:
            raise ExposureError("--tls-key needs --tls-cert, the certificate that it belongs to.")
        return None
    made = Certificate(chain.expanduser().absolute(), (key or chain).expanduser().absolute())
    for file in (made.chain, made.key):
        try:
            file.open("rb").close()
        except OSError as error:
            raise ExposureError(f"{file} cannot be read ({error.strerror}).") from error
    try:
        # The empty password keeps OpenSSL from asking for one at the terminal.
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(
            made.chain, made.key, password=lambda: ""
        )
    except (ssl.SSLError, OSError, ValueError) as error:
        raise ExposureError(
            f"{made.chain} and {made.key} cannot be used for TLS: they must be a certificate and"
            " the key that belongs to it, PEM, the key without a password."
        ) from error
    return made
