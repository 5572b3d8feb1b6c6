"""What `exectrail prices` prints."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from exectrail.cli import price_tables
from exectrail.cli.screen import View
from exectrail.costing import Change, Difference
from exectrail.costing.compare import Money
from exectrail.queries import PriceVersion, Recost, StoredPrice

SINCE = datetime(2026, 10, 22, tzinfo=UTC)


def price(rows: Any, model: str, amount: str | None, **more: Any) -> StoredPrice:
    known: dict[str, Any] = {
        "provider": "openai",
        "model": model,
        "since": datetime(1900, 1, 1, tzinfo=UTC),
        "day_until": 86_400_000_000,
        "above": -1,
        "currency": "USD",
        "requests": Decimal(0),
        "others": {},
    }
    if amount is not None:
        known |= dict.fromkeys(("input", "cache_read", "cache_write"), Decimal(amount))
        known |= dict.fromkeys(("output", "reasoning"), 4 * Decimal(amount))
    return rows.make(StoredPrice, **(known | more))


def test_prices_with_dates_hours_sizes_and_what_has_none(
    rows: Any, view: View, golden: Any
) -> None:
    shown = [
        price(rows, "gpt-4o", "2.5"),
        price(rows, "gpt-4o", "5", above=200_000, since=datetime(2026, 3, 1, tzinfo=UTC)),
        price(rows, "at-night", "0.135", day_from=59_400_000_000),
        price(rows, "thinking-and-asking", "2", reasoning=Decimal(3), requests=Decimal(14)),
        price(rows, "contract-*", "0.123456789", provider="", currency="EUR"),
        price(rows, "nobody-knows", None),
    ]
    golden("prices", price_tables.prices("genai-prices/0.2.3", shown, view))


@pytest.mark.parametrize(
    ("width", "columns"),
    [
        (130, ["VERSION", "SOURCE", "OVER", "LISTINGS", "KEPT", "SINCE"]),
        (100, ["VERSION", "SOURCE", "LISTINGS", "KEPT", "SINCE"]),
        (60, ["VERSION", "KEPT", "SINCE"]),
    ],
)
def test_the_name_of_a_version_is_whole_and_other_columns_give_way(
    width: int, columns: list[str], rows: Any, narrow: Callable[[int], View], plain: Any
) -> None:
    public, own = "genai-prices/0.2.3", "contract-2026+genai-prices/0.2.3"
    kept = [
        rows.make(PriceVersion, version=own, source="user file", base=public, listings=2),
        rows.make(PriceVersion, version=public, source="genai-prices", listings=1100),
    ]

    lines = [line.split() for line in plain(price_tables.versions(kept, narrow(width)), width)]

    assert lines[0] == columns
    assert [line[0] for line in lines[1:]] == [own, public]


def recost(rows: Any, model: str, calls: int, cost: str | None, after: str | None) -> Recost:
    return rows.make(
        Recost,
        provider="openai",
        model=model,
        currency="USD" if cost or after else "",
        new_currency="USD" if after else "",
        calls=calls,
        priced_calls=calls if cost else 0,
        new_priced_calls=calls if after else 0,
        changed=calls if cost != after else 0,
        cost=None if cost is None else Decimal(cost),
        new_cost=None if after is None else Decimal(after),
    )


def test_costing_again_shows_before_and_after_with_the_part_that_has_a_price(
    rows: Any, view: View, golden: Any
) -> None:
    found = [
        recost(rows, "gpt-4o", 1200, "3.5", "2.75"),
        recost(rows, "acme-large-9", 20, None, "0.5"),
        recost(rows, "gpt-4o-mini", 7, "0.01", "0.01"),
        recost(rows, "", 1, None, None),
    ]
    golden("recost", price_tables.recost("contract-2", found, view, applied=False))
    made: Any = price_tables.recost_document("contract-2", found, applied=False)
    assert (made["calls"], made["changed"], made["priced_calls"], made["new_priced_calls"]) == (
        *(1228, 1220),
        *(1207, 1227),
    )
    assert made["total"] == [{"currency": "USD", "cost": "3.51", "new_cost": "3.26"}]


def test_what_changed_names_listings_and_money(rows: Any, view: View, golden: Any) -> None:
    before, after = price(rows, "gpt-4o", "2.5"), price(rows, "gpt-4o", "2")
    found = Difference(
        "genai-prices/0.2.2",
        "genai-prices/0.2.3",
        [
            Change("openai", "gpt-4o", (before,), (after,)),
            Change("openai", "gpt-6", (), (price(rows, "gpt-6", "9"),)),
            Change("openai", "gpt-2", (price(rows, "gpt-2", "1"),), ()),
        ],
        [
            Money("openai", "gpt-4o", "USD", 1200, Decimal("3.5"), Decimal("2.75")),
            Money("openai", "gpt-6", "USD", 3, None, Decimal("0.5")),
        ],
    )
    golden("price_changes", price_tables.difference(found, SINCE, view))
    made: Any = price_tables.difference_document(found, SINCE)
    assert [change["change"] for change in made["changes"]] == ["changed", "added", "removed"]
    assert made["money"][1] == {
        "provider": "openai",
        "model": "gpt-6",
        "currency": "USD",
        "calls": 3,
        "before": None,
        "after": "0.5",
    }
