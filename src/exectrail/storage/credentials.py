"""What the environment says of who we are and whom we trust: EXECTRAIL_CLICKHOUSE_*."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypedDict


class UnreadableFileError(Exception):
    """A file that the environment names cannot be read; the message says which."""


class Tls(TypedDict):
    """Files for TLS, as clickhouse-connect takes them; None for none."""

    ca_cert: str | None
    client_cert: str | None
    client_cert_key: str | None


def setting(name: str) -> str:
    """The variable EXECTRAIL_CLICKHOUSE_name; empty if it is not set."""
    return os.environ.get(f"EXECTRAIL_CLICKHOUSE_{name}", "")


def password() -> str:
    """The password, from the variable or from the file that _PASSWORD_FILE names.

    Raises:
        UnreadableFileError: The file cannot be read.
    """
    file = setting("PASSWORD_FILE")
    if not file:
        return setting("PASSWORD")
    try:
        return Path(file).expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(file, "PASSWORD_FILE") from error


def tls() -> Tls:
    """The authority to trust instead of those of the system, and a certificate of our own.

    Raises:
        UnreadableFileError: One of the files cannot be read.
    """
    return Tls(
        ca_cert=_file("CA_FILE"), client_cert=_file("CERT_FILE"), client_cert_key=_file("KEY_FILE")
    )


def _file(name: str) -> str | None:
    file = setting(name)
    if not file:
        return None
    try:
        Path(file).open("rb").close()
    except OSError as error:
        raise _unreadable(file, name) from error
    return file


def _unreadable(file: str, name: str) -> UnreadableFileError:
    return UnreadableFileError(f"{file}, named by EXECTRAIL_CLICKHOUSE_{name}, cannot be read.")
