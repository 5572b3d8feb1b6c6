"""What `exectrail prices` prints: tables for people and documents for programs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from rich.text import Text

from exectrail.cli.documents import decimal, document, plain
from exectrail.cli.layout import Column, table, title, wrap
from exectrail.cli.screen import View
from exectrail.cli.words import clean, moment, money, places, rfc3339
from exectrail.costing import Difference, Kept
from exectrail.queries import ExchangeRate, PriceVersion, Recost, StoredPrice

_SYMBOLS: Final = {"USD": "$", "EUR": "€", "GBP": "£"}
_DAY: Final = 86_400_000_000
_HOUR: Final = 3_600_000_000
_MOST: Final = 40
"""Changes that are listed for people; programs get all."""


def kept(done: Sequence[Kept], *, dry_run: bool) -> list[Text]:
    """What a sync did, or would do."""
    lines: list[Text] = []
    for each in done:
        verb = ("would keep" if dry_run else "kept") if each.new else "is there already:"
        name = clean(each.version)
        said = f"{verb} {name}" if each.new else f"{name} {verb}"
        lines.append(Text(f"{said}  {each.listings:,} listings, {each.prices:,} prices"))
    return lines


def versions(found: Sequence[PriceVersion], view: View) -> list[Text]:
    """The versions, the latest first; their names are never cut, for commands take them whole."""
    columns = [
        Column("VERSION"),
        Column("SOURCE", drop=1),
        Column("OVER", optional=True, drop=3),
        Column("LISTINGS", right=True, drop=2),
        Column("KEPT SINCE"),
    ]
    rows = [
        [
            clean(each.version),
            clean(each.source),
            clean(each.base),
            f"{each.listings:,}",
            moment(each.synced_at, view.zone),
        ]
        for each in found
    ]
    return table(columns, rows, view.width).lines


def prices(version: str, rows: Sequence[StoredPrice], view: View) -> list[Text]:
    """Prices for a million tokens, and for a call where it has one."""
    columns = [
        Column("PROVIDER", minimum=8),
        Column("MODEL", minimum=16),
        Column("FROM", optional=True),
        Column("UTC", optional=True),
        Column("ABOVE", right=True, optional=True),
        Column("INPUT", right=True),
        Column("CACHE READ", right=True, drop=2),
        Column("CACHE WRITE", right=True, drop=3),
        Column("OUTPUT", right=True),
        Column("REASONING", right=True, optional=True, drop=1),
        Column("A CALL", right=True, optional=True),
    ]
    lines = [
        [
            clean(row.provider) or "(any)",
            clean(row.model),
            "" if row.since.year <= 1900 else f"{row.since:%Y-%m-%d}",
            "" if (row.day_from, row.day_until) == (0, _DAY) else _hours(row),
            "" if row.above < 0 else f"{row.above:,}",
            _price(row.input, row.currency),
            _price(row.cache_read, row.currency),
            _price(row.cache_write, row.currency),
            _price(row.output, row.currency),
            "" if row.reasoning == row.output else _price(row.reasoning, row.currency),
            "" if not row.requests else _price(row.requests / 1000, row.currency),
        ]
        for row in rows
    ]
    return [
        title(clean(version), "for a million tokens", view.width),
        Text(),
        *table(columns, lines, view.width).lines,
    ]


def _hours(row: StoredPrice) -> str:
    def clock(microseconds: int) -> str:
        minutes = microseconds * 60 // _HOUR
        return f"{minutes // 60:02d}:{minutes % 60:02d}"

    return f"{clock(row.day_from)}-{clock(row.day_until)}"


def _price(price: Decimal | None, currency: str) -> Text | str:
    if price is None:
        return Text("?", "yellow")
    return f"{_SYMBOLS.get(currency) or clean(currency) + ' '}{decimal(price)}"


def difference(found: Difference, since: datetime, view: View) -> list[Text]:
    """Listings that changed, and models whose calls cost otherwise."""
    columns = [
        Column("CHANGE"),
        Column("PROVIDER", minimum=8),
        Column("MODEL", minimum=16),
        Column("INPUT", right=True),
        Column("OUTPUT", right=True),
    ]
    rows: list[list[Text | str]] = []
    for change in found.changes[:_MOST]:
        was, now = change.before[-1:], change.after[-1:]
        rows.append(
            [
                change.kind,
                clean(change.provider) or "(any)",
                clean(change.model),
                _both([row.input for row in (*was, *now)], (*was, *now)),
                _both([row.output for row in (*was, *now)], (*was, *now)),
            ]
        )
    names = f"{clean(found.before)} → {clean(found.after)}"
    count = len(found.changes)
    differ = f"{count:,} {'listing differs' if count == 1 else 'listings differ'}"
    lines = [title(names, differ, view.width)]
    if rows:
        lines += [Text(), *table(columns, rows, view.width).lines]
    if count > _MOST:
        lines.append(Text(f"and {count - _MOST:,} more: --json has all", "dim"))
    return [*lines, Text(), *_money(found, since, view)]


def _both(amounts: Sequence[Decimal | None], rows: Sequence[StoredPrice]) -> Text:
    parts = [_price(amount, row.currency) for amount, row in zip(amounts, rows, strict=True)]
    texts = [part if isinstance(part, Text) else Text(part) for part in parts]
    alike = len({text.plain for text in texts}) == 1
    return texts[0] if alike else Text(" → ").join(texts)


def _money(found: Difference, since: datetime, view: View) -> list[Text]:
    when = moment(since, view.zone)
    if not found.money:
        return [Text(f"the calls since {when} cost the same by both")]
    columns = [
        Column("MODEL", minimum=16),
        Column("CALLS", right=True),
        Column("BEFORE", right=True),
        Column("AFTER", right=True),
    ]
    digits = places(amount for each in found.money for amount in (each.before, each.after))
    rows = [
        [
            clean(each.model) or "(unknown)",
            f"{each.calls:,}",
            _amount(each.before, each.currency, digits),
            _amount(each.after, each.currency, digits),
        ]
        for each in found.money
    ]
    return [
        Text(f"what the calls since {when} cost by each:"),
        *table(columns, rows, view.width).lines,
    ]


def _amount(amount: Decimal | None, currency: str, digits: int) -> Text | str:
    return Text("?", "yellow") if amount is None else money(amount, currency, digits)


def difference_document(found: Difference, since: datetime) -> dict[str, object]:
    """The JSON document."""
    return {
        "before": found.before,
        "after": found.after,
        "since": rfc3339(since),
        "changes": [
            {
                "change": each.kind,
                "provider": each.provider,
                "model": each.model,
                "before": [document(row) for row in each.before],
                "after": [document(row) for row in each.after],
            }
            for each in found.changes
        ],
        "money": [document(each) for each in found.money],
    }


def recost(version: str, rows: Sequence[Recost], view: View, *, applied: bool) -> list[Text]:
    """Before and after, by model, with the part of the calls that has a price."""
    columns = [
        Column("MODEL", minimum=16),
        Column("CALLS", right=True),
        Column("CHANGED", right=True),
        Column("PRICED", right=True),
        Column("AFTER", right=True),
        Column("COST", right=True),
        Column("AFTER", right=True),
    ]
    digits = places(amount for row in rows for amount in (row.cost, row.new_cost))
    lines = [
        [
            clean(row.model) or "(unknown)",
            f"{row.calls:,}",
            f"{row.changed:,}" if row.changed else "",
            _share(row.priced_calls, row.calls),
            _share(row.new_priced_calls, row.calls),
            _amount(row.cost, row.currency or "USD", digits),
            _amount(row.new_cost, row.new_currency or "USD", digits),
        ]
        for row in rows
    ]
    totals = _totals(rows)
    for currency, (cost, after) in totals.items():
        calls = sum(row.calls for row in rows)
        name = "TOTAL" if len(totals) == 1 else f"TOTAL {clean(currency)}"
        lines.append(
            [
                Text(name, "bold"),
                f"{calls:,}" if len(totals) == 1 else "",
                f"{sum(row.changed for row in rows):,}" if len(totals) == 1 else "",
                _share(sum(row.priced_calls for row in rows), calls) if len(totals) == 1 else "",
                _share(sum(r.new_priced_calls for r in rows), calls) if len(totals) == 1 else "",
                _amount(cost, currency, digits),
                _amount(after, currency, digits),
            ]
        )
    by = f"by {clean(version)}" if version else "as told"
    return [
        title(f"Calls costed again {by}", "" if applied else "dry run", view.width),
        Text(),
        *table(columns, lines, view.width).lines,
        Text(),
        *wrap(Text(_ending(version, rows, applied=applied)), view.width),
    ]


def _ending(version: str, rows: Sequence[Recost], *, applied: bool) -> str:
    changed = sum(row.changed for row in rows)
    calls = f"{changed:,} {'call' if changed == 1 else 'calls'}"
    if not changed:
        return "No call would change." if not applied else "No call changed."
    if applied and not version:
        return f"{calls} changed: what was told holds again."
    if applied:
        return f"{calls} changed. `exectrail prices recost --as-told --yes` takes it back."
    return f"{calls} would change; nothing was. Add --yes to have all figures use these costs."


def _share(priced: int, calls: int) -> str:
    percent = 100 * priced // calls if calls else 0
    return "<1%" if percent == 0 and priced else f"{percent}%"


def _totals(rows: Iterable[Recost]) -> dict[str, tuple[Decimal | None, Decimal | None]]:
    """Before and after for each currency: amounts in two are never added up."""
    found: dict[str, tuple[Decimal | None, Decimal | None]] = {}
    for row in rows:
        if row.cost is not None:
            cost, after = found.get(row.currency, (None, None))
            found[row.currency] = ((cost or Decimal(0)) + row.cost, after)
        if row.new_cost is not None:
            cost, after = found.get(row.new_currency, (None, None))
            found[row.new_currency] = (cost, (after or Decimal(0)) + row.new_cost)
    return dict(sorted(found.items())) or {"USD": (None, None)}


def recost_document(version: str, rows: Sequence[Recost], *, applied: bool) -> dict[str, object]:
    """The JSON document; `version` is None where calls stand as told."""
    return {
        "version": version or None,
        "applied": applied,
        "rows": [document(row) for row in rows],
        "calls": sum(row.calls for row in rows),
        "changed": sum(row.changed for row in rows),
        "priced_calls": sum(row.priced_calls for row in rows),
        "new_priced_calls": sum(row.new_priced_calls for row in rows),
        "total": [
            {"currency": currency, "cost": plain(cost), "new_cost": plain(after)}
            for currency, (cost, after) in (_totals(rows).items())
        ],
    }


def rates(found: Sequence[ExchangeRate], view: View) -> list[Text]:
    """The rates."""
    columns = [Column("FROM"), Column("INTO"), Column("SINCE"), Column("RATE", right=True)]
    rows = [
        [clean(r.currency), clean(r.into), r.valid_from.isoformat(), decimal(r.rate)] for r in found
    ]
    return table(columns, rows, view.width).lines
