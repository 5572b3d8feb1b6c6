"""A connection to the stack's tables, and a service of one test's own."""

from __future__ import annotations

import uuid

import pytest

from exectrail.storage.client import connect


@pytest.fixture(scope="module")
def client(stack):
    with connect(stack.clickhouse_url) as opened:
        yield opened


@pytest.fixture
def service() -> str:
    """A service of one test's own, so that tests share the tables."""
    return f"test-{uuid.uuid4()}"
