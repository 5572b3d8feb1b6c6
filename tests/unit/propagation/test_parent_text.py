"""A parent as text: what is written is read, and what is no parent is refused."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exectrail.execution import Executions, Remote
from exectrail.execution.ids import uuid7
from exectrail.propagation.parent import MAX_AGE, MAX_NAME, StaleError, read, write

OWN, ROOT = uuid7(1), uuid7(2)


@given(st.text(), st.text())
def test_a_parent_is_read_as_it_was_written(workflow: str, agent: str) -> None:
    text = write(Remote(OWN, ROOT, workflow=workflow, agent=agent), {})
    found = read(text, traceparent="beside", tracestate="too")

    assert text.isascii()
    assert text.isprintable()
    assert text.split(";")[:2] == [OWN, ROOT]  # what a shell takes it apart by
    assert (found.id, found.root_id) == (OWN, ROOT)
    assert (found.workflow, found.agent) == (workflow[:MAX_NAME], agent[:MAX_NAME])
    assert (found.traceparent, found.tracestate) == ("beside", "too")


def test_a_name_that_no_encoding_has_is_written_all_the_same() -> None:
    assert read(write(Remote(OWN, ROOT, workflow="a\udcffb"), {})).workflow == "a?b"


def test_a_span_in_the_text_goes_before_the_one_beside_it() -> None:
    text = write(Remote(OWN, ROOT), {"traceparent": "00-1-2-01", "tracestate": "a=b,c=d;e"})
    found = read(text, traceparent="beside", tracestate="too")

    assert (found.traceparent, found.tracestate) == ("00-1-2-01", "a=b,c=d;e")


def test_two_ids_are_enough() -> None:
    found = read(f"{OWN};{ROOT}")

    assert (found.id, found.root_id, found.workflow) == (OWN, ROOT, "")


@given(st.text())
def test_what_is_no_parent_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        read(text)


@pytest.mark.parametrize("seconds", [-MAX_AGE - 60, MAX_AGE + 60, 10**9])
def test_what_was_handed_down_too_long_ago_is_stale(seconds: float) -> None:
    with pytest.raises(StaleError):
        read(f"{OWN};{ROOT};at={time.time() + seconds}")


def test_nobody_writes_a_remote_parent() -> None:
    remote = Remote(OWN, ROOT, workflow="w", agent="a")
    engine = Executions()
    child = engine.start("step", "s", parent=remote)

    remote.complete()
    remote.progress(0.5)

    assert remote.state is None
    assert (child.parent_id, child.root_id) == (OWN, ROOT)
    assert (child.workflow, child.agent) == ("w", "a")
