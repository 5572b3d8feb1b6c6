"""Money by the prices in the store: the same to the last digit as while calls are made."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from pathlib import Path
from typing import Any

import pytest
from genai_prices.data import providers

from exectrail import costing, queries
from exectrail.conventions import names
from exectrail.conventions.names import CostSource
from exectrail.costing import CostingError, Range
from exectrail.pricing import PriceTable
from exectrail.pricing.book import Book, public_book, user_book
from exectrail.queries import CostBy, total
from exectrail.rollup.fold import Fold
from exectrail.storage.client import Client

_TOKENS = (
    ("input_tokens", names.GEN_AI_USAGE_INPUT_TOKENS),
    ("output_tokens", names.GEN_AI_USAGE_OUTPUT_TOKENS),
    ("cache_read_tokens", names.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS),
    ("cache_write_tokens", names.GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS),
    ("reasoning_tokens", names.GEN_AI_USAGE_REASONING_OUTPUT_TOKENS),
)
_OVERRIDES = """
version = "contract"

[[price]]
model = "gpt-4o*"
from = 2026-03-01
input = "0.123456789"
output = "7"
cache_read = "0.01"

[[price]]
model = "gpt-4o*"
provider = "openai"
from = 2026-06-01T12:30:00
currency = "EUR"
version = "offer-17"
input = "2"
output = "8"

[[price]]
model = "claude-*"
input = "1"
output = "2"

[[price]]
model = "m-1"
provider = "acme"
input = "10"
output = "100"
cache_read = "1"
"""


@pytest.fixture(scope="session")
def public() -> Book:
    return public_book()


@pytest.fixture
def overrides(tmp_path: Path) -> Path:
    file = tmp_path / "prices.toml"
    file.write_text(_OVERRIDES)
    return file


def _count(chance: random.Random) -> int | None:
    return chance.choice(
        [None, 0, 1, 7, chance.randrange(1000), chance.randrange(300_000), 200_000, 200_001]
    )


def _calls(seed: int, names_: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    """Calls with counts of all kinds, from 2024 on, many at a turn of the day or the month."""
    chance = random.Random(seed)
    first = datetime(2024, 1, 1, tzinfo=UTC)
    calls: list[dict[str, Any]] = []
    for provider, model in names_:
        at = first + timedelta(days=chance.randrange(1050), hours=chance.randrange(24))
        at += timedelta(microseconds=chance.choice([0, 0, -1, 1_800_000_000]))
        counts = {name: _count(chance) for name, _ in _TOKENS}
        calls.append({"provider": provider, "model": model, "at": at, **counts})
    return calls


def _send(store: Client, calls: Sequence[dict[str, Any]], make: Callable[..., Any]) -> None:
    records = []
    for call in calls:
        program = make()
        program.base = call["at"]
        root = program.start("workflow", "w", 0)
        counts = {key: call[name] for name, key in _TOKENS}
        root.use(
            0,
            cost=None,
            model=call["model"],
            **{names.GEN_AI_PROVIDER_NAME: call["provider"]},
            **{key: "" if count is None else str(count) for key, count in counts.items()},
        )
        # Arrived today: rows are kept by when they came.
        records.append(program.records[-1] | {"Received": datetime.now(UTC)})
    store.insert("otel_logs", records)


def _agree(
    store: Client, version: str, table: PriceTable, calls: Sequence[dict[str, Any]]
) -> tuple[int, int]:
    """Compare each call; how many were priced, of how many."""
    costing.preview(store, version, Range())
    rows = store.query(
        "SELECT provider, model, ts, new_cost, new_currency, new_version FROM calls_at_prices_of("
        f"version = '{version}', since = '1990-01-01 00:00:00', until = '2200-01-01 00:00:00')"
    )
    answers = {(row["provider"], row["model"], row["ts"]): row for row in rows}
    priced = 0
    for call in calls:
        said = table.price(
            call["provider"] or None,
            call["model"],
            **{name: call[name] for name, _ in _TOKENS},
            at=call["at"],
        )
        row = answers[call["provider"], call["model"], call["at"]]
        expected = (
            None if said.amount is None else said.amount.quantize(Decimal("1e-12"), ROUND_DOWN)
        )
        assert row["new_cost"] == expected, call
        if expected is not None:
            assert (row["new_currency"], row["new_version"]) == (said.currency, said.version), call
            priced += 1
    return priced, len(calls)


@pytest.mark.parametrize("seed", range(2))
def test_sql_says_of_every_listed_model_what_pricing_does(
    seed: int, store: Client, public: Book, program: Callable[..., Any]
) -> None:
    costing.keep(store, public)
    listed = [(each.id, model.id) for each in providers for model in each.models]
    calls = _calls(seed, listed)
    _send(store, calls, program)
    priced, of = _agree(store, public.version, PriceTable(), calls)
    assert of == len(listed)
    assert priced > of / 2


def test_sql_says_the_same_with_the_users_prices_over_it_and_names_as_frameworks_write_them(
    store: Client, public: Book, program: Callable[..., Any], overrides: Path
) -> None:
    costing.keep(store, public)
    book = user_book(overrides, public.version)
    costing.keep(store, book)
    asked = [
        ("openai", "gpt-4o"),
        ("azure.ai.openai", "gpt-4o-2024-08-06"),
        ("", "openai/gpt-4o-mini"),
        ("anthropic", "claude-sonnet-4-5"),
        ("aws.bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ("acme", "m-1"),
        ("deepseek", "deepseek-chat"),
        ("deepseek", "deepseek-v4-flash"),
        ("perplexity", "sonar-deep-research"),
        ("perplexity", "sonar-pro"),
        ("gcp.gemini", "models/gemini-2.5-pro"),
        ("openai", "o3"),
        ("openai", "text-embedding-3-small"),
        ("nobody", "nothing"),
        ("", ""),
    ]
    calls = _calls(7, asked * 60)
    _send(store, calls, program)
    priced, of = _agree(store, book.version, PriceTable(overrides), calls)
    assert priced > of / 3


def test_a_version_is_appended_once_and_never_changed(
    store: Client, public: Book, overrides: Path
) -> None:
    dry = costing.keep(store, public, dry_run=True)
    assert (dry.new, costing.versions(store)) == (True, [])
    assert costing.keep(store, public).new
    assert not costing.keep(store, public).new
    assert costing.keep(store, user_book(overrides, public.version)).new
    kept = [(each.version, each.base) for each in costing.versions(store)]
    own = f"contract+{public.version}"
    assert kept == [(own, public.version), (public.version, "")]
    [counted] = store.query("SELECT count() AS n, uniqExact(version) AS versions FROM prices")
    assert counted == {"n": len(public.rows) + 4, "versions": 2}

    overrides.write_text(_OVERRIDES.replace('"7"', '"8"'))
    with pytest.raises(CostingError, match="other prices under the version contract"):
        costing.keep(store, user_book(overrides, public.version))


def test_calls_are_costed_again_and_back(
    store: Client,
    program: Callable[..., Any],
    send: Callable[..., None],
    public: Book,
    overrides: Path,
) -> None:
    writer = program()
    root = writer.start("workflow", "w", -60)
    # 60 uncached, 30 read, 10 written, 20 output
    root.use(-59, cost="1").use(-58, cost=None).use(-57, cost="5", model="strange")
    root.use(-56, cost="7", **{names.COST_SOURCE: CostSource.PROVIDER.value})
    send(writer)
    costing.keep(store, public)
    costing.keep(store, user_book(overrides, public.version))
    version = f"contract+{public.version}"
    at_contract = Decimal("0.00273")  # 70 at 10, 30 at 1, 20 at 100 for a million

    before = store.fetch(queries.runs())
    seen = costing.preview(store, version, Range())
    assert sum(row.changed for row in seen) == 2
    assert sum(row.unknown for row in seen) == 1
    assert [run.cost for run in before] == [Decimal(13)]
    assert store.fetch(queries.runs())[0].cost == Decimal(13)  # a preview changes nothing

    costing.recost(store, version, Range(only_unpriced=True))
    assert store.fetch(queries.runs())[0].cost == Decimal(13) + at_contract
    assert store.fetch(queries.runs())[0].priced_calls == 4

    costing.recost(store, version, Range())
    expected = {"calls": 4, "priced": 4, "cost": 2 * at_contract + 5 + 7}
    [run] = store.fetch(queries.runs())
    assert (run.calls, run.priced_calls, run.cost) == tuple(expected.values())
    for by in CostBy:
        lines = total(store.fetch(queries.cost_by(by)))
        assert (lines.calls, lines.priced_calls, lines.cost) == tuple(expected.values())
    told = store.query(
        "SELECT told_cost, told_cost_source, cost, price_version, recosted_by != '' AS again"
        " FROM model_calls ORDER BY sequence"
    )
    assert [tuple(row.values()) for row in told] == [
        (Decimal(1), "priced", at_contract, "contract", 1),
        (None, "unknown", at_contract, "contract", 1),
        (Decimal(5), "priced", Decimal(5), "", 0),
        (Decimal(7), "provider", Decimal(7), "", 0),
    ]

    # again, and with the events sent again: nothing moves
    [there] = store.query("SELECT count() AS n FROM usage")
    assert sum(row.changed for row in costing.recost(store, version, Range())) == 0
    assert store.query("SELECT count() AS n FROM usage") == [there]
    store.insert("otel_logs", list(reversed(writer.records)))
    assert store.fetch(queries.runs())[0].cost == expected["cost"]

    costing.recost(store, version, Range(over_provider=True))
    assert store.fetch(queries.runs())[0].cost == 3 * at_contract + 5

    back = costing.as_told(store, Range())
    assert sum(row.changed for row in back) == 3
    assert [run.cost for run in store.fetch(queries.runs())] == [Decimal(13)]
    assert costing.as_told(store, Range()) == []


def test_only_calls_of_the_time_are_costed_again(
    store: Client,
    program: Callable[..., Any],
    send: Callable[..., None],
    public: Book,
    overrides: Path,
    base: datetime,
) -> None:
    writer = program()
    root = writer.start("workflow", "w", -60)
    for at in (-50, -40, -30):
        root.use(at, cost="1")
    send(writer)
    costing.keep(store, public)
    costing.keep(store, user_book(overrides, public.version))
    span = Range(since=base - timedelta(seconds=45), until=base - timedelta(seconds=30))
    costing.recost(store, f"contract+{public.version}", span)
    rows = store.query("SELECT recosted_by != '' AS again FROM model_calls ORDER BY ts")
    assert [row["again"] for row in rows] == [0, 1, 0]


def test_what_changed_between_versions_and_what_it_costs(
    store: Client,
    program: Callable[..., Any],
    send: Callable[..., None],
    public: Book,
    overrides: Path,
) -> None:
    writer = program()
    writer.start("workflow", "w", -60).use(-59, cost="1").use(-58, cost=None)
    send(writer)
    costing.keep(store, public)
    costing.keep(store, user_book(overrides, public.version))
    overrides.write_text(
        _OVERRIDES.replace('"contract"', '"contract-2"').replace('"100"', '"200"').replace("-*", "")
    )
    costing.keep(store, user_book(overrides, public.version))

    found = costing.compare(
        store, f"contract+{public.version}", f"contract-2+{public.version}", Range()
    )
    assert [(each.model, each.kind) for each in found.changes] == [
        ("claude", "added"),
        ("claude-*", "removed"),
        ("m-1", "changed"),
    ]
    assert [(m.model, m.calls, m.before, m.after) for m in found.money] == [
        ("m-1", 2, Decimal("0.00546"), Decimal("0.00946"))
    ]
    with pytest.raises(CostingError, match="no version 'x' of the prices; it has"):
        costing.compare(store, "x", public.version, Range())


def _ends(program: Callable[..., Any]) -> tuple[Any, ...]:
    """Runs that ended in every way; amounts are powers of two: a sum tells its parts."""
    writer, dead = program(), program(host="gone", pid=1)
    dead.beat(-3600)
    fine = writer.start("workflow", "fine", -100).use(-99, cost="1")
    first = fine.child("step", "s", -90).use(-89, cost="2")
    first.child("agent", "deep", -88).use(-87, cost="4").move("completed", -86)
    first.move("failed", -85)
    fine.child("step", "s", -80, **{names.EXECUTION_ATTEMPT: "2"}).use(-79, cost="8").move(
        "completed", -78
    )
    # a later attempt in another turn is none of this one
    for turn, attempt, state, cost in (
        ("1", "1", "failed", "32"),
        ("2", "2", "completed", "16"),
    ):
        more = {names.EXECUTION_ITERATION: turn, names.EXECUTION_ATTEMPT: attempt}
        fine.child("step", "loop", -77, **more).use(-76, cost=cost).move(state, -75)
    fine.move("completed", -60)

    broken = writer.start("workflow", "broken", -100).use(-99, cost="64")
    broken.child("step", "s", -90).use(-89, cost="128").move("failed", -88)
    broken.child("step", "s", -80, **{names.EXECUTION_ATTEMPT: "2"}).use(-79, cost="256").move(
        "failed", -78
    )
    broken.move("failed", -60)
    stopped = writer.start("workflow", "stopped", -100).use(-99, cost="512").move("cancelled", -90)
    open_ = writer.start("workflow", "open", -100).use(-99, cost="1024").use(-98, cost=None)
    lost = dead.start("workflow", "lost", -3600).use(-3599, cost="2048")
    return (writer, dead), fine, broken, stopped, open_, lost


def test_wasted_money_has_one_cause_and_all_of_it_adds_up(
    store: Client,
    program: Callable[..., Any],
    send: Callable[..., None],
    canary: Callable[..., None],
) -> None:
    writers, _, broken, *_ = _ends(program)
    writers[0].beat(-1)
    send(*writers)
    canary()
    causes = {line.key: line.cost for line in store.fetch(queries.cost_by(CostBy.CAUSE))}
    assert causes == {
        "retried": Decimal(2 + 4 + 128),
        "failed": Decimal(32 + 64 + 256),
        "cancelled": Decimal(512),
        "abandoned": Decimal(2048),
        "": Decimal(1 + 8 + 16 + 1024),
    }
    states = store.fetch(queries.cost_by(CostBy.STATE))
    assert {line.key: (line.calls, line.priced_calls, line.cost) for line in states} == {
        "completed": (6, 6, Decimal(63)),
        "failed": (3, 3, Decimal(448)),
        "cancelled": (1, 1, Decimal(512)),
        "running": (2, 1, Decimal(1024)),
        "abandoned": (1, 1, Decimal(2048)),
    }
    view = store.query("SELECT cause, sum(w.cost) AS cost FROM wasted_cost AS w GROUP BY cause")
    assert {row["cause"]: row["cost"] for row in view} == {
        cause: cost for cause, cost in causes.items() if cause
    }
    one = store.fetch(queries.cost_of_run(CostBy.CAUSE, broken.id))
    assert {line.key: line.cost for line in one} == {
        "retried": Decimal(128),
        "failed": Decimal(64 + 256),
    }


def test_what_lies_beneath_a_resumed_part_is_wasted_with_it(
    store: Client, program: Callable[..., Any], send: Callable[..., None]
) -> None:
    before, after = program(), program(pid=2)
    root = before.start("workflow", "w", -100).use(-99, cost="1")
    root.move("paused", -98, **{names.EXECUTION_RESUME_KEY: "k"})
    again = after.start("workflow", "w", -50, resumes="k").use(-49, cost="2")
    again.child("agent", "a", -48).use(-47, cost="4").move("completed", -46)
    again.move("failed", -45)
    send(before, after)
    lines = store.fetch(queries.cost_by(CostBy.CAUSE))
    assert {line.key: line.cost for line in lines} == {"failed": Decimal(7)}


def test_a_call_stands_under_the_run_that_counts_it(
    store: Client, program: Callable[..., Any], send: Callable[..., None]
) -> None:
    """In a process that goes on with a run, in a part of it, and where the call names no run."""
    before, after = program(), program(pid=2)
    run = before.start("workflow", "w", -100).use(-99, cost="1")
    part = run.child("step", "s", -98).use(-97, cost="2", **{names.EXECUTION_ROOT_ID: ""})
    part.move("paused", -96, **{names.EXECUTION_RESUME_KEY: "part"})
    run.move("paused", -95, **{names.EXECUTION_RESUME_KEY: "run"})
    again = after.start("workflow", "w", -50, resumes="run").use(-49, cost="4")
    part = again.child("step", "s", -48, resumes="part").use(-47, cost="8")
    part.move("failed", -46)
    again.move("completed", -45)
    other = after.start("workflow", "other", -40).use(-39, cost="16").move("completed", -30)
    send(before, after)

    runs = store.query("SELECT execution_id AS run, e.cost AS cost FROM executions AS e")
    ends = store.query("SELECT run_id AS run, sum(e.cost) AS cost FROM call_ends AS e GROUP BY run")
    assert {row["run"]: row["cost"] for row in ends} == {run.id: 15, other.id: 16}
    assert {row["run"]: row["cost"] for row in ends} == {row["run"]: row["cost"] for row in runs}
    lines = store.fetch(queries.cost_of_run(CostBy.CAUSE, run.id))
    assert {line.key: line.cost for line in lines} == {"": 1 + 4, "failed": 2 + 8}


def test_amounts_are_turned_into_a_currency_from_the_day_a_rate_is_known(
    store: Client, program: Callable[..., Any], send: Callable[..., None], base: datetime
) -> None:
    writer = program()
    root = writer.start("workflow", "w", -10 * 86400)
    root.use(-9 * 86400, cost="100")
    for at, cost, currency in ((-60, "10", "USD"), (-60, "7", "EUR"), (-60, "5", "GBP")):
        root.use(at, cost=cost, **{names.COST_CURRENCY: currency})
    send(writer)
    day = (base - timedelta(days=2)).date()
    rates = [
        {"currency": "USD", "into": "EUR", "valid_from": day, "rate": Decimal(rate)}
        for rate in ("0.5", "0.9")  # of one day, the later said holds
    ]
    for rate in rates:
        store.insert("exchange_rates", [rate])

    for by in CostBy:
        lines = store.fetch(queries.cost_by(by, currency="EUR"))
        sums = {
            currency: total(line for line in lines if line.currency == currency).cost
            for currency in {line.currency for line in lines}
        }
        assert sums == {"EUR": Decimal(7 + 9), "USD": Decimal(100), "GBP": Decimal(5)}
        of_run = store.fetch(queries.cost_of_run(by, root.id, currency="EUR"))
        assert {line.currency for line in of_run} == set(sums)
        plain = total(line for line in store.fetch(queries.cost_by(by)) if line.currency == "USD")
        assert plain.cost == Decimal(110)


def test_roll_ups_follow_a_costing(
    store: Client,
    program: Callable[..., Any],
    send: Callable[..., None],
    public: Book,
    overrides: Path,
) -> None:
    def folded() -> list[Any]:
        # A fold of its own each time, as the stack's would be after a restart.
        assert list(Fold(store).run())[-1].done
        rows = store.query(
            "SELECT sum(r.cost) AS cost FROM runs AS r FINAL"
            " UNION ALL SELECT sum(h.cost) FROM usage_hourly AS h FINAL WHERE NOT gone"
            " UNION ALL SELECT sum(d.cost) FROM usage_daily AS d FINAL WHERE NOT gone"
        )
        return [row["cost"] for row in rows]

    writer = program()
    writer.start("workflow", "w", -60).use(-59, cost="1").use(-58, cost=None).move("completed", -1)
    send(writer)
    costing.keep(store, public)
    costing.keep(store, user_book(overrides, public.version))
    assert folded() == [Decimal(1)] * 3
    costing.recost(store, f"contract+{public.version}", Range())
    assert folded() == [Decimal("0.00546")] * 3
    costing.as_told(store, Range())
    assert folded() == [Decimal(1)] * 3
