"""How figures, times and states read. Pure; everything is short enough for a column."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, tzinfo
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from rich.text import Text

from exectrail.conventions.names import State
from exectrail.queries import Node, Run, Usage

STYLES: Final[dict[str, str]] = {
    State.CREATED: "cyan",
    State.QUEUED: "cyan",
    State.RUNNING: "blue",
    State.PAUSED: "yellow",
    State.BLOCKED: "magenta",
    State.COMPLETED: "green",
    State.FAILED: "red",
    State.CANCELLED: "bright_black",
    State.ABANDONED: "bold red",
}
"""The colour of a state, the same in every command."""

_SYMBOLS: Final = {"USD": "$", "EUR": "€", "GBP": "£"}
_FORMATTING: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def clean(value: object) -> str:
    """Text of the store on one line, harmless to a terminal.

    Names and messages come from programs: control and direction characters are shown, not obeyed.
    """
    text = " ".join(str(value).split())
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        ascii(c)[1:-1] if unicodedata.category(c) in _FORMATTING and c != "\u200d" else c
        for c in text
    )


def state_text(state: str, outcome: str = "", health: str = "", flags: Sequence[str] = ()) -> Text:
    """A state in its colour, with the outcome, and what is to be looked at or is not known."""
    text = Text(clean(state), STYLES.get(state, ""))
    if outcome not in ("", "success", state):
        text.append(f", {clean(outcome)}")
    for flag in flags:
        text.append(f", {clean(flag)}", "bold yellow")
    if health.startswith("unknown"):
        text.append(" (?)", "yellow")
    return text


def state_of(row: Run | Node) -> Text:
    """The state of an execution; of a run with the flags of all its parts."""
    return state_text(row.effective_state, row.outcome, row.health, row.flags)


def duration(milliseconds: float) -> str:
    """`<1ms`, `850ms`, `4.2s`, `4m05s`, `1h02m`, `3d04h`, `120d`."""
    if 0 < milliseconds <= 0.5:
        return "<1ms"
    if milliseconds < 999.5:
        return f"{milliseconds:.0f}ms"
    if milliseconds < 59_950:
        return f"{milliseconds / 1000:.1f}s"
    seconds = round(milliseconds / 1000)
    if seconds < 3600:
        return f"{seconds // 60}m{seconds % 60:02d}s"
    minutes = round(seconds / 60)
    if minutes < 24 * 60:
        return f"{minutes // 60}h{minutes % 60:02d}m"
    hours = round(minutes / 60)
    days = f"{hours // 24}d"
    return f"{days}{hours % 24:02d}h" if len(days) < 4 else days


def age(then: datetime, now: datetime) -> str:
    """`45s`, `3h`, `12d`; `-3m` where a clock is ahead."""
    seconds = (now - then).total_seconds()
    for unit, size, below in (("s", 1, 60), ("m", 60, 3600), ("h", 3600, 2 * 86400)):
        if abs(seconds) < below:
            return f"{int(seconds / size)}{unit}"
    return f"{int(seconds / 86400)}d"


def ago(then: datetime, now: datetime) -> str:
    """`45s ago`, `3h ago`, `12d ago`; `in 3m` where a clock is ahead."""
    text = age(then, now)
    return f"in {text[1:]}" if text.startswith("-") else f"{text} ago"


def moment(time: datetime, zone: tzinfo | None) -> str:
    """`2026-11-21 01:49:12 +0000`, in the zone given or else the local one."""
    return time.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S %z")


def clock(time: datetime, zone: tzinfo | None) -> str:
    """`01:49:12.345`, in the zone given or else the local one."""
    return time.astimezone(zone).isoformat(sep=" ", timespec="milliseconds")[11:23]


def rfc3339(time: datetime) -> str:
    """RFC 3339, UTC, microseconds: how times stand in JSON. A time without a zone is UTC."""
    known = time if time.tzinfo else time.replace(tzinfo=UTC)
    return known.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def count(number: int) -> str:
    """At most four characters: `999`, `1.2k`, `340k`, `1.2M`."""
    if number < 1000:
        return str(number)
    amount = float(number)
    for unit in "kMGTP":
        amount /= 1000
        if amount < 9.95:
            return f"{amount:.1f}{unit}"
        if amount < 999.5:
            return f"{amount:.0f}{unit}"
    return f"{amount:.0f}P"


def tokens(usage: Usage) -> str:
    """Input (cache included) and output: `12k/1.2k`; empty without a model call."""
    return f"{count(usage.input_tokens)}/{count(usage.output_tokens)}" if usage.calls else ""


def places(amounts: Iterable[Decimal | None]) -> int:
    """Digits after the point that suit a column of amounts."""
    greatest = max((abs(amount) for amount in amounts if amount is not None), default=Decimal(0))
    if greatest >= 100_000:
        return 2
    return 4 if greatest >= Decimal("0.01") else 6


def digits(amount: Decimal | None) -> int:
    """Digits after the point that suit an amount that stands alone."""
    return 2 if amount is not None and abs(amount) >= 100 else places([amount])


def money(amount: Decimal, currency: str = "USD", places: int = 4) -> str:
    """`$0.0123`, `CHF 0.0123`; what would round to nothing reads `<$0.0001`."""
    unit = _SYMBOLS.get(currency) or f"{clean(currency)} "
    least = Decimal(1).scaleb(-places)
    if 0 < amount < least / 2:
        return f"<{unit}{least:f}"
    return f"{unit}{amount.quantize(least, ROUND_HALF_UP):,f}"


def cost_text(usage: Usage, places: int = 4, currency: str = "USD") -> Text:
    """The cost: `?` where unknown, never 0; `+?` behind it where some calls had no price."""
    if not usage.calls:
        return Text("-", "dim")
    if usage.cost is None:
        return Text("?", "yellow")
    text = Text(money(usage.cost, currency, places))
    if usage.priced_calls < usage.calls:
        text.append(" +?", "yellow")
    return text


def share(usage: Usage) -> str:
    """Calls with a price, of all calls: `87%`. Only all of them are 100 %, only none are 0 %."""
    if not usage.calls:
        return ""
    percent = 100 * usage.priced_calls // usage.calls
    return "<1%" if percent == 0 and usage.priced_calls else f"{percent}%"
