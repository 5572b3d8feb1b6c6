"""Sessions, over an engine that only counts its handles."""

from __future__ import annotations

from typing import Any, cast

import pytest

from exectrail.clickhouse_http.engine import Engine
from exectrail.clickhouse_http.errors import ClickHouseError
from exectrail.clickhouse_http.sessions import MAX_SESSIONS, Sessions


class Handle:
    def __init__(self, *, readonly: bool, database: str) -> None:
        self.readonly, self.database, self.closed = readonly, database, False

    def close(self) -> None:
        assert not self.closed
        self.closed = True

    def __enter__(self) -> Handle:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class CountingEngine:
    def __init__(self) -> None:
        self.handles: list[Handle] = []

    def handle(self, *, readonly: bool, database: str) -> Handle:
        made = Handle(readonly=readonly, database=database)
        self.handles.append(made)
        return made


class World:
    def __init__(self) -> None:
        self.engine, self.now = CountingEngine(), 0.0
        self.sessions = Sessions(cast(Engine, self.engine), lambda: self.now)

    def visit(self, session: str, **options: Any) -> Any:
        with self.sessions.handle(session, **{"readonly": False, **options}) as handle:
            return handle


@pytest.fixture
def world() -> World:
    return World()


def code_of(world: World, session: str, **options: Any) -> int:
    with pytest.raises(ClickHouseError) as caught:
        world.visit(session, **options)
    return caught.value.code


def test_a_session_keeps_its_handle_and_no_session_gets_a_new_one(world: World):
    assert world.visit("a") is world.visit("a")
    assert world.visit("a") is not world.visit("b")
    assert world.visit("") is not world.visit("")
    assert [handle.closed for handle in world.engine.handles] == [False, False, True, True]


def test_a_reader_never_gets_the_handle_of_a_writer(world: World):
    writer, reader = world.visit("a"), world.visit("a", readonly=True)

    assert (writer.readonly, reader.readonly) == (False, True)
    assert world.visit("a", readonly=True) is reader


def test_a_session_ends_when_it_was_not_used_for_its_timeout(world: World):
    first = world.visit("a", timeout=10)
    world.now = 10
    assert world.visit("a", timeout=10) is first
    world.now = 20.5
    assert world.visit("b", timeout=1) is not first
    assert world.visit("a") is not first
    assert first.closed


def test_a_session_may_have_to_exist(world: World):
    assert code_of(world, "a", must_exist=True) == 372
    world.visit("a")
    assert world.visit("a", must_exist=True, ends=True).closed
    assert code_of(world, "a", must_exist=True) == 372
    assert len(world.sessions) == 0


def test_a_session_at_work_is_locked_and_not_dropped(world: World):
    with world.sessions.handle("a", readonly=False, timeout=1) as handle:
        world.now = 100
        assert code_of(world, "a") == 373
        world.visit("b")
        assert not cast(Any, handle).closed
    assert world.visit("a") is handle


def test_a_failed_request_leaves_the_session_usable(world: World):
    with (
        pytest.raises(ZeroDivisionError),
        world.sessions.handle("a", readonly=False) as first,
    ):
        raise ZeroDivisionError

    assert world.visit("a") is first


def test_the_session_unused_for_longest_makes_room(world: World):
    for number in range(MAX_SESSIONS + 1):
        world.now = number / 1000
        world.visit(str(number))

    assert len(world.sessions) == MAX_SESSIONS
    assert [h.closed for h in world.engine.handles] == [True] + [False] * MAX_SESSIONS

    world.sessions.close()
    assert all(handle.closed for handle in world.engine.handles)
