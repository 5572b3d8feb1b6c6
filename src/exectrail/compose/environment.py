"""The .env of a directory: settings with their defaults, and passwords drawn at random.

Lines are `NAME=value`, without quotes, as docker compose reads them; of two lines with one name the
last holds.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from typing import Final

FILE: Final = ".env"
_LINE: Final = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)")
_DRAWN: Final = "_PASSWORD"
"""How the names of what is drawn at random end."""


def parse(text: str) -> dict[str, str]:
    """Names and values of a file; quotes around a value and comments are left out."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        match = _LINE.fullmatch(line.strip())
        if match:
            value = match[2].strip()
            if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
                value = value[1:-1]
            found[match[1]] = value
    return found


def random_password() -> str:
    """192 random bits in letters and digits, which mean nothing to a shell, a URL or XML."""
    return secrets.token_hex(24)


def fill(
    template: str, settings: Mapping[str, str], password: Callable[[], str] = random_password
) -> str:
    """The text of a new .env.

    Args:
        template: Its lines; each password's is empty.
        settings: Values that stand in place of the template's.
        password: Draws one.
    """
    lines: list[str] = []
    for line in template.splitlines():
        match = _LINE.fullmatch(line)
        lines.append(_filled(match[1], match[2], settings, password) if match else line)
    return "\n".join(lines) + "\n"


def missing(
    text: str,
    template: str,
    settings: Mapping[str, str],
    password: Callable[[], str] = random_password,
) -> dict[str, str]:
    """The lines that an .env lacks, by name: those of the template that it does not have,
    passwords that are empty in it, and settings that stand otherwise in it.

    Args:
        text: The .env as it is.
        template: As for `fill`.
        settings: As for `fill`.
        password: As for `fill`.
    """
    has = parse(text)
    return {
        name: _filled(name, value, settings, password)
        for name, value in parse(template).items()
        if name not in has
        or (name.endswith(_DRAWN) and not has[name])
        or has[name] != settings.get(name, has[name])
    }


def _filled(name: str, value: str, settings: Mapping[str, str], password: Callable[[], str]) -> str:
    if name.endswith(_DRAWN) and not value:
        value = password()
    return f"{name}={settings.get(name, value)}"
