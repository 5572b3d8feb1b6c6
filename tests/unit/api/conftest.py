"""What the tests of the API share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from exectrail.testing import Recording, recording


@pytest.fixture
def told() -> Iterator[Recording]:
    """The process's executions report here, with a fake clock and fake ids."""
    with recording() as recorder:
        yield recorder
