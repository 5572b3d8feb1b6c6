"""The highest value since a moment, for anybody who asks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from exectrail.resources.peaks import MOST, Peaks


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 100)), max_size=100))
def test_it_is_the_maximum_of_what_came_since(steps: list[tuple[int, int]]) -> None:
    peaks, came, moment = Peaks(), list[tuple[int, int]](), 0
    for on, value in steps:
        moment += on
        peaks.add(moment, value)
        came.append((moment, value))

    for since in range(moment + 2):
        later = [value for at, value in came if at >= since]
        assert peaks.since(since) == (max(later) if later else None)


def test_a_process_that_only_shrinks_takes_no_more_and_more_memory() -> None:
    peaks = Peaks()
    for moment in range(10 * MOST):
        peaks.add(moment, 20 * MOST - moment)

    assert len(peaks._values) <= MOST
    assert peaks.since(0) == 20 * MOST
