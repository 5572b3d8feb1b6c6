"""The HTTP session of our exporters: it knows at once whether the receiver fails.

OpenTelemetry's exporters tell of a failed try by their logs alone, which a program may have turned
off, and of the whole only when they have given up, seconds later.
"""

from __future__ import annotations

import threading
from typing import Any

import requests


class WatchedSession(requests.Session):
    """A session that says whether its last request failed.

    Args:
        trouble: Set while requests fail.
    """

    def __init__(self, trouble: threading.Event) -> None:
        super().__init__()
        self._trouble = trouble

    def request(self, *arguments: Any, **options: Any) -> requests.Response:
        """Send a request, and note how it went."""
        try:
            response = super().request(*arguments, **options)
        except BaseException:
            self._trouble.set()
            raise
        if response.ok:
            self._trouble.clear()
        else:
            self._trouble.set()
        return response
