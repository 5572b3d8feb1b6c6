"""What the tests of the signals share: a harness with prices that stay as they are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from exectrail.testing.harness import Harness

PRICES = """
version = "test-1"

[[price]]
model = "acme-1"
input = "2"
output = "10"
cache_read = "0.5"
"""


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    """Per million tokens, acme-1 costs 2 USD in, 10 out and 0.50 from the cache."""
    file = tmp_path / "prices.toml"
    file.write_text(PRICES)
    return file


@pytest.fixture
def harness(prices: Path) -> Iterator[Harness]:
    with Harness(prices=prices) as harness:
        yield harness
