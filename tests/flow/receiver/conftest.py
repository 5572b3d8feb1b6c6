"""A service of one test's own."""

from __future__ import annotations

import uuid

import pytest


@pytest.fixture
def service() -> str:
    """A service of one test's own, so that tests share the tables."""
    return f"test-{uuid.uuid4()}"
