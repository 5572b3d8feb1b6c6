"""What calls cost, held against genai-prices' own arithmetic."""

from __future__ import annotations

import decimal
import subprocess
import sys
import threading
import time
import timeit
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from genai_prices import Usage
from genai_prices import data_snapshot as snapshots
from genai_prices.data import providers
from genai_prices.types import ModelInfo, ModelPrice, Provider, TieredPrices
from hypothesis import given, settings
from hypothesis import strategies as st

from exectrail.conventions.names import CostSource
from exectrail.pricing import Price, PriceTable, catalogue
from exectrail.pricing import prices as prices_module
from exectrail.pricing.catalogue import Listing, catalogue_version, listing_of
from exectrail.pricing.tokens import Buckets

TABLE = PriceTable()
ALL = [(provider, model) for provider in providers for model in provider.models]


def _has(model: ModelInfo, what: str) -> bool:
    lists = [model.prices] if isinstance(model.prices, ModelPrice) else []
    if isinstance(model.prices, list):
        lists = [each.prices for each in model.prices]
    if what == "tiers":
        return any(isinstance(v, TieredPrices) for each in lists for v in vars(each).values())
    return any(what in vars(each) for each in lists)


SPECIAL = [
    pair
    for pair in ALL
    if isinstance(pair[1].prices, list)
    or any(_has(pair[1], what) for what in ("tiers", "requests_kcount", "output_reasoning_mtok"))
]

_tokens = st.integers(min_value=0, max_value=3_000_000)
_times = st.datetimes(datetime(2023, 1, 1), datetime(2027, 12, 31)).map(  # noqa: DTZ001
    lambda moment: moment.replace(tzinfo=UTC)
)


@settings(max_examples=1500, deadline=None)
@given(
    pair=st.sampled_from(ALL) | st.sampled_from(SPECIAL),
    uncached=_tokens,
    read=st.just(0) | _tokens,
    write=st.just(0) | _tokens,
    output=_tokens,
    share=st.floats(0, 1),
    at=_times,
)
def test_amounts_equal_those_of_genai_prices(
    pair: tuple[Provider, ModelInfo],
    uncached: int,
    read: int,
    write: int,
    output: int,
    share: float,
    at: datetime,
) -> None:
    provider, model = pair
    reasoning = int(output * share)
    listing = listing_of(provider, model)
    ours = listing.amount(Buckets(uncached, read, write, output), reasoning, at)
    usage = Usage(
        input_tokens=uncached + read + write,
        output_tokens=output,
        cache_read_tokens=read,
        cache_write_tokens=write,
        output_reasoning_tokens=reasoning,
    )
    theirs = model.calc_price(usage, provider, genai_request_timestamp=at).total_price
    if ours is None:  # a kind of token without a rate, which they count as free
        rates = model.get_prices(at)
        assert (rates.input_mtok is None and uncached + read + write) or (
            rates.output_mtok is None and output
        )
    else:
        assert abs(ours - theirs) < Decimal("1e-12")


def test_every_listed_model_is_priced_as_genai_prices_does() -> None:
    """Once through all of them, by name as a user would ask."""
    at = datetime(2026, 7, 1, 12, tzinfo=UTC)
    usage = Usage(input_tokens=1234, output_tokens=567, cache_read_tokens=100)
    priced = 0
    for provider, model in ALL:
        try:
            theirs = snapshots.get_snapshot().calc(usage, model.id, provider.id, None, at)
        except LookupError:
            continue  # some ids are labels that their own pattern does not match
        ours = TABLE.price(
            provider.id,
            model.id,
            input_tokens=1234,
            output_tokens=567,
            cache_read_tokens=100,
            at=at,
        )
        if ours.amount is not None:
            priced += 1
            assert abs(ours.amount - theirs.total_price) < Decimal("1e-12"), (provider.id, model.id)
    assert priced > 1500


def test_price_says_its_amount_currency_source_and_version() -> None:
    price = TABLE.price(
        "openai",
        "gpt-4o-2024-08-06",
        input_tokens=1000,
        output_tokens=200,
        cache_read_tokens=100,
        at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    # 900 at 2.50, 100 cached at 1.25, 200 at 10 dollars per million
    assert price == Price(Decimal("0.004375"), "USD", CostSource.PRICED, catalogue_version())
    assert price.text == "0.004375"
    assert catalogue_version().startswith("genai-prices/0.")


def test_cliff_of_a_tier_counts_the_cache_as_input() -> None:
    below = TABLE.price("google", "gemini-2.5-pro", input_tokens=200_000, output_tokens=0)
    above = TABLE.price(
        "google", "gemini-2.5-pro", input_tokens=200_001, output_tokens=0, cache_read_tokens=200_000
    )
    assert below.amount == Decimal("0.25")
    # beyond 200 000 all tokens are paid at the next rates: 1 at 2.50, 200 000 cached at 0.25
    assert above.amount == Decimal("0.0500025")


@pytest.mark.parametrize(
    ("provider", "model", "listed"),
    [
        # OpenTelemetry's words for providers
        ("openai", "gpt-4o-2024-08-06", ("openai", "gpt-4o")),
        ("anthropic", "claude-sonnet-4-5-20250929", ("anthropic", "claude-sonnet-4-5")),
        ("gcp.gemini", "gemini-2.5-pro", ("google", "gemini-2.5-pro")),
        ("gcp.gen_ai", "gemini-2.5-pro", ("google", "gemini-2.5-pro")),
        ("gcp.vertex_ai", "claude-sonnet-4-5@20250929", ("google", "claude-sonnet-4-5")),
        (
            "aws.bedrock",
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            ("aws", "regional.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ),
        ("azure.ai.openai", "gpt-4o-2024-08-06", ("azure", "gpt-4o")),
        ("azure.ai.inference", "gpt-4o", ("azure", "gpt-4o")),
        ("mistral_ai", "mistral-large-latest", ("mistral", "mistral-large")),
        ("x_ai", "grok-4", ("x-ai", "grok-4-0709")),
        ("cohere", "command-r-plus", ("cohere", "command-r-plus")),
        ("deepseek", "deepseek-chat", ("deepseek", "deepseek-chat")),
        ("groq", "openai/gpt-oss-120b", ("groq", "openai/gpt-oss-120b")),
        ("perplexity", "sonar-pro", ("perplexity", "sonar-pro")),
        ("moonshot_ai", "kimi-k2-0905-preview", ("moonshotai", None)),
        ("ibm.watsonx.ai", "ibm/granite-3-8b-instruct", None),
        # words of frameworks
        ("google_genai", "models/gemini-2.5-pro", ("google", "gemini-2.5-pro")),
        ("google_vertexai", "gemini-2.5-pro", ("google", "gemini-2.5-pro")),
        ("amazon_bedrock", "anthropic.claude-3-5-sonnet-20241022-v2:0", ("aws", None)),
        ("mistralai", "mistral-large-latest", ("mistral", "mistral-large")),
        ("xai", "grok-4", ("x-ai", "grok-4-0709")),
        ("fireworks_ai", "accounts/fireworks/models/deepseek-v3", None),
        ("OpenAI", " gpt-4o ", ("openai", "gpt-4o")),
        # ways to write a model
        ("openai", "openai/gpt-4o", ("openai", "gpt-4o")),
        (None, "openai/gpt-4o", ("openai", "gpt-4o")),
        (None, "openai:gpt-4o", ("openai", "gpt-4o")),
        (None, "gpt-4o", ("openai", "gpt-4o")),
        ("unknown", "gpt-4o", ("openai", "gpt-4o")),
        (None, "models/gemini-2.5-pro", ("google", "gemini-2.5-pro")),
        (None, "gemini/gemini-2.5-pro", ("google", "gemini-2.5-pro")),
        ("google", "publishers/google/models/gemini-2.5-pro", ("google", "gemini-2.5-pro")),
        ("litellm", "anthropic/claude-sonnet-4-5", ("anthropic", "claude-sonnet-4-5")),
        (None, "bedrock/anthropic.claude-3-5-sonnet-20241022-v2:0", ("aws", None)),
        (None, "azure/gpt-4o", ("azure", "gpt-4o")),
        (
            "openrouter",
            "anthropic/claude-sonnet-4.5",
            ("openrouter", "anthropic/claude-sonnet-4.5"),
        ),
        ("openai", "ft:gpt-4o-2024-08-06:acme::abc", ("openai", "ft:gpt-4o")),
        # no guesses
        ("openai", "gpt-99", None),
        ("openai", "anthropic/claude-sonnet-4-5", None),
        ("ollama", "gpt-oss:20b", None),
        ("vllm", "gpt-4o", None),
        (None, "llama3:8b", None),
        ("azure", "my-deployment", None),
    ],
)
def test_names_of_providers_and_models_find_their_listing(
    provider: str | None, model: str, listed: tuple[str, str | None] | None
) -> None:
    found = catalogue.find(provider, model)
    if listed is None:
        assert found is None
    else:
        assert found is not None
        assert found.provider.id == listed[0]
        assert listed[1] is None or found.model.id == listed[1]


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "gpt-99"),
        ("nobody", "nothing"),
        (None, None),
        ("openai", None),
        ("openai", ""),
        ("openai", "x" * 100_000),
        ("\x00", "\ud800"),
        ("openrouter", "agentica-org/deepcoder-14b-preview:free"),
    ],
)
def test_unknown_model_has_no_amount_and_never_zero(
    provider: str | None, model: str | None
) -> None:
    price = TABLE.price(provider, model, input_tokens=10, output_tokens=10)
    assert price == Price(None, "USD", CostSource.UNKNOWN, catalogue_version())
    assert price.text is None


@pytest.mark.parametrize(
    "told", [{}, {"input_tokens": 0, "output_tokens": 0}, {"input_tokens": -1}]
)
def test_call_without_any_tokens_has_no_amount(told: dict[str, int]) -> None:
    assert TABLE.price("openai", "gpt-4o", **told).amount is None


def test_count_that_is_missing_leaves_the_price_unknown_only_where_it_costs() -> None:
    assert TABLE.price("openai", "gpt-4o", input_tokens=100).amount is None
    assert TABLE.price("openai", "gpt-4o", output_tokens=100).amount is None
    embedding = TABLE.price("openai", "text-embedding-3-small", input_tokens=1_000_000)
    assert embedding.amount == Decimal("0.02")
    # told as reasoning alone, a single token too
    for reasoning in (1, 50):
        told = TABLE.price("openai", "o3", input_tokens=9, reasoning_tokens=reasoning)
        assert told.amount is None


def test_tokens_of_a_kind_without_a_rate_leave_the_price_unknown() -> None:
    assert TABLE.price("openai", "whisper-1", input_tokens=5, output_tokens=5).amount is None


@settings(max_examples=300, deadline=None)
@given(
    provider=st.none() | st.text(max_size=30) | st.sampled_from(["openai", "google", "litellm"]),
    model=st.none() | st.text(max_size=400) | st.sampled_from(["gpt-4o", "gemini-2.5-pro"]),
    counts=st.lists(st.none() | st.integers(), min_size=5, max_size=5),
    at=st.none() | st.datetimes(),
)
def test_price_never_raises(
    provider: str | None, model: str | None, counts: list[int | None], at: datetime | None
) -> None:
    names = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
    price = TABLE.price(
        provider, model, **dict(zip((*names, "reasoning_tokens"), counts, strict=True)), at=at
    )
    assert (price.amount is None) == (price.source is CostSource.UNKNOWN)
    assert price.amount is None or price.amount >= 0


def test_broken_genai_prices_gives_unknown_and_says_so_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> Listing:
        raise RuntimeError("broken catalogue")

    monkeypatch.setattr(prices_module.catalogue, "find", broken)
    table = PriceTable()
    for model in ("gpt-4o", "gpt-4", "o3"):
        price = table.price("openai", model, input_tokens=1, output_tokens=1)
        assert (price.amount, price.source) == (None, CostSource.UNKNOWN)
    assert caplog.messages == [
        "exectrail: pricing failed (RuntimeError); costs may be unknown. Said once."
    ]


def test_the_programs_decimal_context_changes_no_amount() -> None:
    def amounts() -> list[Decimal | None]:
        return [
            TABLE.price(provider, model, input_tokens=123_457, output_tokens=98_765).amount
            for provider, model in (
                ("openai", "gpt-4o"),
                ("google", "gemini-2.5-pro"),
                ("perplexity", "sonar-pro"),
            )
        ]

    expected = amounts()
    assert None not in expected
    with decimal.localcontext(decimal.Context(prec=3, traps=[decimal.Inexact, decimal.Rounded])):
        assert amounts() == expected


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0.00000015", "0.00000015"),
        ("1E-12", "0.000000000001"),
        ("2.500", "2.5"),
        ("1E+3", "1000"),
        ("100", "100"),
        ("0.000", "0"),
    ],
)
def test_amount_travels_as_plain_digits(amount: str, text: str) -> None:
    assert Price(Decimal(amount), "USD", CostSource.PRICED, "v").text == text


def test_dated_prices_follow_the_time_of_the_call() -> None:
    amounts = {
        TABLE.price("openai", "o3", input_tokens=1_000_000, output_tokens=0, at=at).amount
        for at in (datetime(2025, 5, 1, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC))
    }
    assert amounts == {Decimal(10), Decimal(2)}
    offset = datetime(2025, 5, 1, 2).replace(tzinfo=UTC).astimezone()
    naive = datetime(2025, 5, 1, 2)  # noqa: DTZ001
    assert (
        TABLE.price("openai", "o3", input_tokens=9, output_tokens=0, at=offset)
        == TABLE.price("openai", "o3", input_tokens=9, output_tokens=0, at=naive)
        == TABLE.price(
            "openai", "o3", input_tokens=9, output_tokens=0, at=naive + timedelta(days=1)
        )
    )


def test_prices_that_the_program_fetched_do_not_change_ours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = PriceTable().price("openai", "gpt-4o", input_tokens=1000, output_tokens=1)
    monkeypatch.setattr(
        snapshots, "_custom_snapshot", snapshots.DataSnapshot(providers=[], from_auto_update=True)
    )
    assert PriceTable().price("openai", "gpt-4o", input_tokens=1000, output_tokens=1) == before


def test_names_that_are_asked_for_are_kept_in_bounds() -> None:
    table = PriceTable()
    for number in range(1500):
        table.price("nobody", f"model-{number}", input_tokens=1, output_tokens=1)
    assert table._model.cache_info().currsize == 1024
    shared = snapshots.get_snapshot()
    assert not any("model-14" in str(key) for key in shared._provider_misses)


def test_threads_share_a_table() -> None:
    table = PriceTable()
    found: list[Price] = []

    def ask() -> None:
        found.extend(
            table.price("anthropic", "claude-haiku-4-5", input_tokens=n, output_tokens=1)
            for n in range(1, 200)
        )

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8 * 199
    assert len(set(found)) == 199


def test_a_known_model_is_priced_in_a_few_microseconds() -> None:
    for provider, model in (("openai", "gpt-4o"), ("anthropic", "claude-sonnet-4-5")):

        def ask(provider: str = provider, model: str = model) -> Price:
            return TABLE.price(
                provider, model, input_tokens=1000, output_tokens=200, cache_read_tokens=100
            )

        best = float("inf")
        deadline = time.monotonic() + 10
        while best >= 20e-6 and time.monotonic() < deadline:  # a busy machine gets more tries
            best = min(best, timeit.timeit(ask, number=1000) / 1000)
        assert best < 20e-6


def test_room_loads_genai_prices_at_the_first_price_and_uses_no_network_and_no_thread() -> None:
    program = """
import sys, threading, socket
import exectrail.pricing
assert "genai_prices" not in sys.modules and "pydantic" not in sys.modules
def refuse(*args, **kwargs):
    raise AssertionError("network")
socket.socket.connect = refuse
socket.getaddrinfo = refuse
table = exectrail.pricing.PriceTable()
assert "genai_prices" not in sys.modules
price = table.price("openai", "gpt-4o", input_tokens=1000, output_tokens=0)
assert price.text == "0.0025", price
assert "genai_prices" in sys.modules
from genai_prices.data_snapshot import get_snapshot
assert not get_snapshot().from_auto_update
assert threading.active_count() == 1, threading.enumerate()
assert not [name for name in sys.modules if name.startswith("opentelemetry")]
print("fine")
"""
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, timeout=60
    )
    assert (ran.stdout, ran.stderr, ran.returncode) == ("fine\n", "", 0)
