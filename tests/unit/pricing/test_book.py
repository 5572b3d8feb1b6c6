"""A version of prices as rows and names: complete, and the same as what prices calls live."""

from __future__ import annotations

import json
from datetime import UTC, datetime, time
from decimal import Decimal
from pathlib import Path

import pytest
from genai_prices.data import providers
from genai_prices.types import (
    ClauseEquals,
    ConditionalPrice,
    ModelInfo,
    ModelPrice,
    StartDateConstraint,
    Tier,
    TieredPrices,
    TimeOfDateConstraint,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from exectrail.pricing import PriceFileError, catalogue
from exectrail.pricing.book import matcher, public_book, user_book
from exectrail.pricing.rows import ALWAYS, DAY, FOREVER, PriceRow, rows_of_model

PUBLIC = public_book()
NAMES = matcher(PUBLIC.version, PUBLIC.matching)
NUMBERS = {
    id(model): number
    for number, model in enumerate(model for each in providers for model in each.models)
}
_HOUR = 3_600_000_000


def _rows(model: ModelInfo) -> list[PriceRow]:
    return rows_of_model(model, listing=1, provider="p", currency="USD", label="v")


def test_the_public_book_has_every_model_and_says_where_it_is_from() -> None:
    assert PUBLIC.listings == len(NUMBERS) > 2000
    assert (PUBLIC.source, PUBLIC.base) == ("genai-prices", "")
    assert PUBLIC.version == catalogue.catalogue_version()
    assert PUBLIC.fingerprint == public_book().fingerprint


def test_rows_of_a_listing_exclude_each_other_and_leave_no_gap() -> None:
    by_span: dict[tuple[int, datetime, int], list[PriceRow]] = {}
    area: dict[int, float] = {}
    for row in PUBLIC.rows:
        by_span.setdefault((row.listing, row.since, row.day_from), []).append(row)
        if row.above == -1:
            part = (row.until - row.since).total_seconds() * (row.day_until - row.day_from)
            area[row.listing] = area.get(row.listing, 0) + part
    assert set(area.values()) == {(FOREVER - ALWAYS).total_seconds() * DAY}
    for rows in by_span.values():
        assert [row.above for row in rows] == [-1, *(row.up_to for row in rows[:-1])]
        assert rows[-1].up_to == 2**63 - 1


def test_the_last_price_that_holds_decides_by_date_hour_and_size() -> None:
    model = ModelInfo(
        id="m",
        match=ClauseEquals("m"),
        prices=[
            ConditionalPrice(prices=ModelPrice(input_mtok=Decimal(1), output_mtok=Decimal(2))),
            ConditionalPrice(
                StartDateConstraint(datetime(2026, 1, 1, tzinfo=UTC).date()),
                prices=ModelPrice(
                    input_mtok=TieredPrices(base=Decimal(3), tiers=[Tier(1000, Decimal(4))]),
                    cache_read_mtok=Decimal("0.5"),
                    web_searches_kcount=Decimal(10),
                ),
            ),
            ConditionalPrice(
                TimeOfDateConstraint(time(22, tzinfo=UTC), time(2, tzinfo=UTC)),
                prices=ModelPrice(input_mtok=Decimal(9), output_mtok=Decimal(9)),
            ),
        ],
    )
    said = [
        (row.since.year, row.day_from // _HOUR, row.day_until // _HOUR, row.above, row.input)
        for row in _rows(model)
    ]
    assert said == [
        (1900, 0, 2, -1, Decimal(9)),
        (1900, 2, 22, -1, Decimal(1)),
        (1900, 22, 24, -1, Decimal(9)),
        (2026, 0, 2, -1, Decimal(9)),
        (2026, 2, 22, -1, Decimal(3)),
        (2026, 2, 22, 1000, Decimal(4)),
        (2026, 22, 24, -1, Decimal(9)),
    ]
    [small] = [row for row in _rows(model) if row.input == 3]
    assert (small.cache_read, small.cache_write, small.output) == (Decimal("0.5"), Decimal(3), None)
    assert small.others == {"web_searches_kcount": Decimal(10)}


@settings(max_examples=400, deadline=None)
@given(
    provider=st.sampled_from(["", *(each.id for each in providers), "aws.bedrock", "azure_openai"]),
    model=st.sampled_from([model.id for each in providers for model in each.models])
    | st.text(max_size=20),
    mark=st.sampled_from(["", " ", "models/", "openai/", "-20250101"]),
)
def test_names_find_the_listing_that_they_do_live(provider: str, model: str, mark: str) -> None:
    name = model + mark if mark.startswith("-") else mark + model
    live = catalogue.find(provider or None, name) if name else None
    expected = [NUMBERS[id(live.model)]] if live else []
    assert [each.listing for each in NAMES.find(provider, name)] == expected


def test_a_name_that_the_store_may_have_cut_finds_nothing(tmp_path: Path) -> None:
    file = tmp_path / "prices.toml"
    file.write_text('[[price]]\nmodel = "*"\ninput = "1"\noutput = "1"\n')
    own = user_book(file, PUBLIC.version)
    names = matcher(own.version, own.matching, (PUBLIC.version, PUBLIC.matching))
    assert names.find("", "x" * 255) != []
    assert names.find("", "x" * 256) == names.find("", "") == []


def test_own_prices_follow_each_other_in_time_over_the_public_one(tmp_path: Path) -> None:
    file = tmp_path / "prices.toml"
    file.write_text(
        """
version = "mine"
[[price]]
model = "gpt-4*"
from = 2026-01-01
input = "1"
output = "1"
[[price]]
model = "gpt-4o"
from = 2026-06-01
input = "2"
output = "2"
[[price]]
model = "gpt-4*"
from = 2026-09-01
input = "3"
output = "3"
"""
    )
    own = user_book(file, PUBLIC.version)
    names = matcher(own.version, own.matching, (PUBLIC.version, PUBLIC.matching))
    prices = {(row.listing): row.input for row in own.rows}
    found = names.find("openai", "gpt-4o")
    assert (own.version, found[0].version) == (f"mine+{PUBLIC.version}", PUBLIC.version)
    # the exact name goes before the pattern, although that is newer
    assert [(each.since.month, prices[each.listing]) for each in found[1:]] == [
        (1, 1),
        (6, 2),
        (9, 2),
    ]
    assert [each.until for each in found] == [*(each.since for each in found[1:]), FOREVER]


def test_a_price_with_more_digits_than_can_be_stored_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "prices.toml"
    file.write_text(f'[[price]]\nmodel = "m"\ninput = "1.{"1" * 37}"\noutput = "1"\n')
    with pytest.raises(PriceFileError, match="more than 36 decimals"):
        user_book(file, PUBLIC.version)


def test_clauses_of_a_newer_version_are_refused_and_not_guessed() -> None:
    document = json.loads(PUBLIC.matching)
    document[0]["models"][0][2] = {"sounds_like": "gpt"}
    with pytest.raises(ValueError, match="'sounds_like' is not known"):
        matcher("v", json.dumps(document))
