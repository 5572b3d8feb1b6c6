"""A parent execution as text: what stands in `EXECTRAIL_PARENT`, and goes with tasks of pools.

    0198...;0198...;at=1763700000&workflow=office&agent=writer

Its id; the id of its root; and what may be left out, as in a URL's query: `at`, when it was handed
down, in seconds since the epoch; `workflow` and `agent`, the nearest ones; `span` and `state`, its
traceparent and tracestate, which stand there where no TRACEPARENT beside says the same.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl, urlencode

from exectrail.execution import Execution, Remote

VARIABLE: Final = "EXECTRAIL_PARENT"
MAX_AGE: Final = 86_400.0
"""Seconds. A process that starts later than this after it was handed down got it by way of
something that lives long, a terminal multiplexer or a daemon, and is no child."""
MAX_NAME: Final = 512
MAX_TEXT: Final = 16_384
_ID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class StaleError(ValueError):
    """It was handed down too long ago, or will be."""


def write(execution: Execution, span: Mapping[str, str]) -> str:
    """A parent as text.

    Args:
        execution: The parent; one of this process, or one that was handed down.
        span: Its `traceparent` and `tracestate`, where they are to stand in the text.
    """
    fields = {
        "at": str(int(time.time())),
        "workflow": execution.workflow[:MAX_NAME],
        "agent": execution.agent[:MAX_NAME],
        "span": span.get("traceparent", ""),
        "state": span.get("tracestate", ""),
    }
    known = {name: value for name, value in fields.items() if value}
    return f"{execution.id};{execution.root_id};{urlencode(known, errors='replace')}"


def read(
    text: str, *, traceparent: str = "", tracestate: str = "", nearest: bool = False
) -> Remote:
    """The parent that a text means.

    Args:
        text: As `write` makes it; fields that are not known are left alone.
        traceparent: Its span, where the text says none.
        tracestate: The rest of that.
        nearest: See `Remote`.

    Raises:
        StaleError: It is older than `MAX_AGE`.
        ValueError: It is no such text.
    """
    if len(text) > MAX_TEXT:
        raise ValueError("too long")
    own, _, rest = text.strip().partition(";")
    root, _, rest = rest.partition(";")
    fields = dict(parse_qsl(rest, strict_parsing=bool(rest)))
    if not (_ID.fullmatch(own) and _ID.fullmatch(root)):
        raise ValueError("no parent")
    if "at" in fields and abs(time.time() - float(fields["at"])) > MAX_AGE:
        raise StaleError
    if fields.get("span"):
        traceparent, tracestate = fields["span"], fields.get("state", "")
    return Remote(
        own,
        root,
        workflow=fields.get("workflow", "")[:MAX_NAME],
        agent=fields.get("agent", "")[:MAX_NAME],
        traceparent=traceparent,
        tracestate=tracestate,
        nearest=nearest,
    )
