"""Questions carry their parameters by name, and SQL files know nothing but them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from importlib import resources

import pytest

from exectrail import queries
from exectrail.queries import Match, Query, Usage, total

_FILES = sorted(
    entry.name
    for entry in resources.files("exectrail.queries").iterdir()
    if entry.name.endswith(".sql")
)


def _usage(calls: int, priced: int, cost: Decimal | None) -> Usage:
    return Usage(
        calls=calls,
        priced_calls=priced,
        input_tokens=10 * calls,
        uncached_tokens=7 * calls,
        cache_read_tokens=2 * calls,
        cache_write_tokens=calls,
        output_tokens=5 * calls,
        reasoning_tokens=calls,
        cost=cost,
    )


@pytest.mark.parametrize("name", _FILES)
def test_a_file_says_what_it_asks_and_uses_native_parameters_only(name: str) -> None:
    text = (resources.files("exectrail.queries") / name).read_text(encoding="utf-8")
    assert text.startswith("-- ")
    for brace in re.findall(r"\{[^}]*\}", text):
        assert re.fullmatch(r"\{[a-z_]+:[A-Za-z0-9(), ']+\}", brace), brace
    assert not re.search(r"\$|%\(|\{\{", text)


@pytest.mark.parametrize(
    "query",
    [
        queries.runs(),
        queries.run("a"),
        queries.execution("a"),
        queries.resolve_id("a"),
        queries.states_of([]),
        queries.tree("a"),
        queries.run_transitions("a"),
        queries.run_agents("a"),
        queries.run_errors("a"),
        queries.cost_by(queries.CostBy.DAY),
        queries.cost_by_agent_of_runs(["a"]),
        queries.rejects(),
        queries.pipeline_status(),
        queries.judge_due(),
        queries.cost_by(queries.CostBy.STATE),
        queries.cost_of_run(queries.CostBy.MODEL, "a"),
        queries.cost_of_run(queries.CostBy.CAUSE, "a"),
        queries.price_versions(),
        queries.price_matching("v"),
        queries.prices_of_version("v"),
        queries.models_called("v", since=None, until=None),
        queries.cost_at_prices("v", since=None, until=None),
        queries.recost_preview("v", since=None, until=None),
        queries.recost_apply("v", since=None, until=None),
        queries.recost_back_preview(since=None, until=None),
        queries.recost_back(since=None, until=None),
        queries.exchange_rates(),
    ],
    ids=lambda query: query.name,
)
def test_every_parameter_of_a_question_has_a_value_and_every_value_a_parameter(
    query: Query[object],
) -> None:
    assert set(re.findall(r"\{([a-z_]+):", query.sql)) == set(query.parameters)


def test_times_are_sent_in_utc() -> None:
    east = datetime(2026, 11, 21, 3, 0, 0, 250_000, tzinfo=timezone(timedelta(hours=2)))
    assert queries.runs(since=east).parameters["since"] == "2026-11-21 01:00:00.250000"
    assert queries.runs(since=datetime(2026, 1, 1, tzinfo=UTC)).parameters["since"] == (
        "2026-01-01 00:00:00.000000"
    )


def test_a_row_needs_all_its_columns() -> None:
    query = queries.resolve_id("a")
    values = {name: name for name in Match.__dataclass_fields__}
    assert query.row(values | {"another": 1}) == Match(**values)
    del values["root_id"]
    with pytest.raises(KeyError, match="root_id"):
        query.row(values)


def test_a_total_keeps_unknown_prices_unknown() -> None:
    assert total([]) == _usage(0, 0, None)
    assert total([_usage(2, 0, None)]) == _usage(2, 0, None)
    assert total([_usage(2, 0, None), _usage(3, 3, Decimal("0.1")), _usage(1, 1, Decimal(0))]) == (
        _usage(6, 4, Decimal("0.1"))
    )
    assert _usage(4, 3, None).priced_share == 0.75
    assert _usage(0, 0, None).priced_share is None
