"""What leaves the process, through the real write half with the adapter switched on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from exectrail_langgraph import LangGraphInstrumentor

from exectrail.testing.harness import Harness


@pytest.fixture
def harness() -> Iterator[Harness]:
    instrumentor = LangGraphInstrumentor()
    with Harness(project="acme") as harness:
        instrumentor.activate()
        yield harness
        instrumentor.uninstrument()
