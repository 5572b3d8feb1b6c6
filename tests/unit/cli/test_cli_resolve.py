"""The beginning of an id is enough, and where it is not, the candidates are named."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exectrail.cli.resolve import ambiguous, choose, short_ids
from exectrail.cli.screen import View
from exectrail.cli.session import CommandError
from exectrail.queries import Match


def match(rows: Any, number: int, *, root: int = 0, name: str = "refund") -> Match:
    return rows.make(
        Match,
        execution_id=rows.id(number),
        root_id=rows.id(root or number),
        is_root=int(not root),
        kind="step" if root else "workflow",
        name=name,
        started_at=rows.before(60),
    )


def test_a_beginning_that_one_run_has_means_the_run_and_not_its_parts(rows: Any) -> None:
    parts = [match(rows, number, root=1) for number in (2, 3)]

    assert choose("01a1", [match(rows, 1), *parts]) == [match(rows, 1)]
    assert choose("01a1", parts[:1]) == parts[:1]


def test_a_whole_id_means_itself(rows: Any) -> None:
    found = [match(rows, 1), match(rows, 2, root=1)]

    assert choose(rows.id(2).upper(), found) == found[1:]


def test_an_id_that_nothing_has_is_told() -> None:
    with pytest.raises(CommandError, match=r"no execution has an id that begins with 'x'"):
        choose("x", [])


def test_an_ambiguous_beginning_names_the_candidates(rows: Any, view: View) -> None:
    found = choose("01a1", [match(rows, 1), match(rows, 2, name="nightly\x1b[2J")])
    states = {rows.id(1): "running", rows.id(2): "abandoned"}

    assert ambiguous("01a1", found, states, view).splitlines() == [
        "'01a1' begins more than one id; give more of it:",
        "  ID                                    KIND      NAME            STATE      AGE",
        "  01a1fdf9-5ba0-7001-8000-000000000001  workflow  refund          running    1m",
        "  01a1fdf9-5ba0-7002-8000-000000000002  workflow  nightly\\x1b[2J  abandoned  1m",
    ]


def test_lists_show_the_millisecond_of_an_id_and_more_where_two_share_it(rows: Any) -> None:
    early, late, twin = rows.id(1, 60), rows.id(2, 30), rows.id(3, 30)

    assert short_ids([twin, early, late]) == {
        early: "01a1fdf9-5ba0",
        late: "01a1fdf9-d0d0-7002",
        twin: "01a1fdf9-d0d0-7003",
    }


@settings(deadline=None)
@given(st.sets(st.text("01a-", max_size=40), max_size=12))
def test_a_short_id_begins_its_id_and_no_other_one_that_is_shown(ids: set[str]) -> None:
    for whole, short in short_ids(ids).items():
        assert whole.startswith(short)
        assert short == whole or not any(other.startswith(short) for other in ids if other != whole)
