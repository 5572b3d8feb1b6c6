"""The way of blocks into a table: together where they wait, once each, and answered in truth."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from exectrail.clickhouse_http.errors import ClickHouseError
from exectrail.receiver.lane import Lane


class Table:
    """What a lane writes to; it stops where a test tells it to."""

    def __init__(self) -> None:
        self.inserts: list[list[bytes]] = []
        self.writing = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def write(self, blocks: Sequence[bytes]) -> None:
        self.writing.set()
        assert self.go_on.wait(30)
        if b"bad" in blocks:
            raise ClickHouseError(117, "bad block")
        if b"broken" in blocks:
            raise ZeroDivisionError
        self.inserts.append(list(blocks))


@pytest.fixture
def table() -> Table:
    return Table()


@pytest.fixture
def lane(table: Table) -> Iterator[Lane]:
    made = Lane("t", table.write)
    yield made
    table.go_on.set()
    made.close()


def hold(table: Table, lane: Lane, block: bytes):
    """Let the lane be at work on a block until the test lets it go on."""
    table.go_on.clear()
    table.writing.clear()
    ticket = lane.submit(block)
    assert table.writing.wait(30)
    return ticket


def test_a_block_is_stored_when_its_wait_ends(table: Table, lane: Lane):
    lane.submit(b"a").wait()

    assert table.inserts == [[b"a"]]


def test_what_waits_meanwhile_goes_together(table: Table, lane: Lane):
    first = hold(table, lane, b"a")
    others = [lane.submit(block) for block in (b"b", b"c", b"d")]
    assert not any(ticket.done.is_set() for ticket in (first, *others))

    table.go_on.set()
    for ticket in (first, *others):
        ticket.wait()

    assert table.inserts == [[b"a"], [b"b", b"c", b"d"]]


def test_a_block_that_comes_again_is_stored_once(table: Table, lane: Lane):
    first = hold(table, lane, b"a")
    again = lane.submit(b"a")
    assert not again.done.is_set()
    table.go_on.set()
    first.wait()
    again.wait()

    lane.submit(b"a").wait()

    assert table.inserts == [[b"a"]]


def test_a_bad_block_fails_alone(table: Table, lane: Lane):
    hold(table, lane, b"a")
    good, bad, other = (lane.submit(block) for block in (b"b", b"bad", b"c"))
    table.go_on.set()

    good.wait()
    other.wait()
    with pytest.raises(ClickHouseError, match="bad block"):
        bad.wait()

    assert table.inserts == [[b"a"], [b"b"], [b"c"]]


def test_a_block_that_failed_may_come_again(table: Table, lane: Lane):
    for _ in range(2):
        table.writing.clear()
        with pytest.raises(ClickHouseError):
            lane.submit(b"bad").wait()
        assert table.writing.is_set()


def test_an_error_of_ours_is_no_acknowledgement_and_no_end(
    table: Table, lane: Lane, caplog: pytest.LogCaptureFixture
):
    with pytest.raises(ClickHouseError):
        lane.submit(b"broken").wait()

    lane.submit(b"a").wait()
    assert table.inserts == [[b"a"]]


def test_large_blocks_go_alone(table: Table, lane: Lane):
    hold(table, lane, b"a")
    large = [bytes([number]) * (20 << 20) for number in range(2)]
    tickets = [lane.submit(block) for block in large]
    table.go_on.set()
    for ticket in tickets:
        ticket.wait()

    assert [len(blocks) for blocks in table.inserts] == [1, 1, 1]


def test_closing_stores_what_waits(table: Table):
    lane = Lane("t", table.write)
    hold(table, lane, b"a")
    ticket = lane.submit(b"b")
    with ThreadPoolExecutor() as pool:
        closing = pool.submit(lane.close)
        table.go_on.set()
        closing.result(30)

    ticket.wait()
    assert table.inserts == [[b"a"], [b"b"]]
