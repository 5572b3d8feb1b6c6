"""Token counts taken apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exectrail.pricing import Buckets

_counts = st.none() | st.integers(min_value=-10, max_value=10**9)


@pytest.mark.parametrize(
    ("told", "buckets"),
    [
        ({}, Buckets(0, 0, 0, 0)),
        ({"input_tokens": 100, "output_tokens": 20}, Buckets(100, 0, 0, 20)),
        (
            {"input_tokens": 100, "cache_read_tokens": 60, "cache_write_tokens": 10},
            Buckets(30, 60, 10, 0),
        ),
        ({"input_tokens": 100, "cache_read_tokens": 100}, Buckets(0, 100, 0, 0)),
        ({"output_tokens": 50, "reasoning_tokens": 50}, Buckets(0, 0, 0, 50)),
        # The part is larger than the whole: the whole was counted without it.
        ({"input_tokens": 12, "cache_read_tokens": 900}, Buckets(12, 900, 0, 0)),
        (
            {"input_tokens": 12, "cache_read_tokens": 8, "cache_write_tokens": 8},
            Buckets(12, 8, 8, 0),
        ),
        ({"output_tokens": 5, "reasoning_tokens": 70}, Buckets(0, 0, 0, 75)),
        ({"input_tokens": -4, "output_tokens": -1, "cache_read_tokens": -9}, Buckets(0, 0, 0, 0)),
        ({"input_tokens": 10, "cache_read_tokens": -9}, Buckets(10, 0, 0, 0)),
    ],
)
def test_inclusive_counts_become_exclusive(told: dict[str, int], buckets: Buckets) -> None:
    assert Buckets.exclusive(**told) == buckets


@given(input_=_counts, output=_counts, read=_counts, write=_counts, reasoning=_counts)
def test_no_bucket_is_negative_and_no_paid_token_is_lost(
    input_: int | None,
    output: int | None,
    read: int | None,
    write: int | None,
    reasoning: int | None,
) -> None:
    tokens = Buckets.exclusive(
        input_tokens=input_,
        output_tokens=output,
        cache_read_tokens=read,
        cache_write_tokens=write,
        reasoning_tokens=reasoning,
    )
    assert min(tokens.input_uncached, tokens.cache_read, tokens.cache_write, tokens.output) >= 0
    assert tokens.input_total >= max(input_ or 0, 0)
    assert tokens.input_total >= max(read or 0, 0) + max(write or 0, 0)
    assert tokens.output >= max(output or 0, reasoning or 0, 0)
    assert tokens.total == tokens.input_total + tokens.output
