"""Takes secrets out of error messages and addresses, and cuts them to a length.

Three ways to know a secret, in this order: by its shape (`secret_shapes`), by its place (a URL's
userinfo, what follows `Bearer`, and the values of `keyed_secrets`), and by its randomness. Whatever
goes wrong here drops the text: nothing leaves unscrubbed.
"""

from __future__ import annotations

import re
from typing import Final

from exectrail.signals.keyed_secrets import (
    SECRET_KEYS,
    ends_with,
    is_keylike,
    joined,
    replace_keyed,
)
from exectrail.signals.secret_shapes import SHAPES, replace_random

FAILED: Final = "[redacted]"
"""Stands for a text that could not be scrubbed."""

_MARGIN: Final = 1024
"""Characters beyond the limit that are scrubbed too, so that a secret on the edge is whole."""
_LONGEST_URL: Final = 8192

_EDGES: Final = frozenset(" \t\r\n\"'`<>,;(){}")
_USERINFO: Final = re.compile(
    # user:password@, whatever the password holds; but no port, as in http://host:8080/?to=a@b
    r"(?<=//)(?:[^\s:/?#@\"'<>]{0,128}+:(?!\d{1,5}(?:[/?#\s]|$))[^\s\"'<>]{0,512}@"
    r"|(?!git@)[^\s/?#\"'<>]{0,512}@)"
)
_LOGIN: Final = re.compile(
    # user:password@host without a scheme; but no e-mail address, no image:tag@sha256:...
    r"(?<![\w./:@+\[-])(?!mailto:|sip:)[\w.+-]{1,64}+:[^\s@/:\"'<>]{3,128}@(?!sha\d{3}:)(?=[\w-])"
)
_SCHEME: Final = re.compile(
    r"(?i)(?<![\w-])(bearer|basic|token|apikey|digest|negotiate)([ ]{1,3})([\w.~+/=-]{8,})"
)
_PARAMETER: Final = re.compile(
    r"sig|signature|token|auth|jwt|sid|ticket|assertion|awsaccesskeyid|googleaccessid"
    r"|x(?:amz|goog)(?:signature|credential|securitytoken)"
)
"""Parameters of a URL that are the right to use it."""
_PERHAPS_PARAMETER: Final = re.compile(r"code|key|state")
"""Parameters that may be; `state=open` and `key=PROJ-1` are not."""
_CURL_USER: Final = re.compile(
    r"(?<![\w-])((?:-u|--user)[\"']?,?[ =][\"']?)[\w.@+-]{1,64}:[^\s\"']+"
)


def scrub(text: str, limit: int = 1024) -> str:
    """Take secrets out of a text, and cut it.

    A secret on the edge of the cut is seen whole, because the text is first cut further out, and
    what is cut there, in the middle of a word, is dropped.

    Args:
        text: A message, a line of output, a piece of JSON.
        limit: Longest result, in characters.

    Returns:
        The text with `[redacted:kind]` in the place of secrets, ending in an ellipsis where it was
        cut; `[redacted]` if scrubbing failed. Never raises.
    """
    try:
        if limit <= 0:
            return ""
        near = _pre_cut(text, limit)
        clean = _scrub(near)
        if len(clean) > limit or len(near) < len(text):
            return f"{clean[: limit - 1]}…"
        return clean
    except Exception:  # noqa: BLE001 - a text that could not be scrubbed must not leave
        return FAILED[:limit]


def scrub_url(url: str) -> str:
    """Take credentials and secret parameters out of an address; the rest stays as it was written.

    Args:
        url: A URL or a path.

    Returns:
        The address, `[redacted]` if scrubbing failed. Never raises.
    """
    try:
        url = _pre_cut(url, _LONGEST_URL) if len(url) > _LONGEST_URL else url
        address, mark, fragment = url.partition("#")
        address, question, query = address.partition("?")
        address = _known_shapes(_USERINFO.sub(_mark("credentials") + "@", address))
        if question:
            address += question + _parameters(query)
        return address + mark + (_parameters(fragment) if "=" in fragment else fragment)
    except Exception:  # noqa: BLE001 - an address that could not be scrubbed must not leave
        return FAILED


def _mark(kind: str) -> str:
    return f"[redacted:{kind}]"


def _pre_cut(text: str, limit: int) -> str:
    """The text, or its beginning up to a little beyond the limit, without a word cut in two."""
    if len(text) <= limit + _MARGIN:
        return text
    head = text[: limit + _MARGIN]
    end = max(head.rfind(space, limit) for space in " \n\t")
    if end < 0:  # one word, longer than the margin
        end = limit
        while end and head[end - 1] not in _EDGES:
            end -= 1
    return head[:end]


def _scrub(text: str) -> str:
    text = _known_shapes(text)
    if "@" in text:
        if "//" in text:
            text = _USERINFO.sub(_mark("credentials") + "@", text)
        text = _LOGIN.sub(_mark("credentials") + "@", text)
    if "-u" in text:
        text = _CURL_USER.sub(rf"\1{_mark('credentials')}", text)
    text = replace_keyed(text, _mark)
    if " " in text:
        text = _SCHEME.sub(_after_scheme, text)
    return replace_random(text, _mark)


def _known_shapes(text: str) -> str:
    for shape in SHAPES:
        for hint in shape.hints:
            if hint in text:
                text = shape.pattern.sub(_mark(shape.kind), text)
                break
    return text


def _after_scheme(match: re.Match[str]) -> str:
    value = match[3]
    words = all(part.isalpha() and _worded(part) for part in re.split(r"[._~+/=-]+", value) if part)
    return match[0] if words else f"{match[1]}{match[2]}{_mark('authorization')}"


def _worded(part: str) -> bool:
    return part.islower() or part.istitle() or part.isupper()


def _parameters(query: str) -> str:
    parts = re.split(r"([&;])", query)
    return "".join(map(_parameter, parts))


def _parameter(part: str) -> str:
    name, equals, value = part.partition("=")
    if not value:
        return _known_shapes(part)
    key = joined(name.lower().replace("%5f", "_").replace("%2d", "-"))
    perhaps = _PERHAPS_PARAMETER.fullmatch(key) and is_keylike(value, 8)
    if perhaps or _PARAMETER.fullmatch(key) or ends_with(SECRET_KEYS, key):
        return f"{name}{equals}{_mark('parameter')}"
    return _known_shapes(part)
