"""A receiver, and a place where scripts run that send to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from exectrail.testing.sink import Sink

from .scripts import Shell


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


@pytest.fixture
def shell(tmp_path: Path, sink: Sink) -> Shell:
    return Shell(tmp_path, sink.url)
