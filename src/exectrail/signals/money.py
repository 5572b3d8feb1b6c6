"""What a model call cost: what the provider says, else tokens times price, else unknown."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from exectrail.conventions import names
from exectrail.conventions.names import CostSource
from exectrail.guard import guard
from exectrail.pricing import Price, PriceTable
from exectrail.signals.attributes import Attributes, cut, whole

if TYPE_CHECKING:
    from exectrail.execution import ModelCall

_GUARD = guard("pricing")
_UNKNOWN = Price(amount=None, currency="USD", source=CostSource.UNKNOWN, version="")


def price(call: ModelCall, table: PriceTable) -> Price:
    """The price of a call; its amount is None, never 0, where it is not known."""
    if call.cost is not None:
        with _GUARD:
            # By its text: a float of the program's stands for the digits that it shows.
            said = Decimal(str(call.cost.amount))
            if said.is_finite():
                return Price(said, cut(call.cost.currency), CostSource.PROVIDER, "")
    usage = call.usage
    if not usage.known:
        return _UNKNOWN
    with _GUARD:
        return table.price(
            call.provider or None,
            call.response_model or call.request_model or None,
            input_tokens=whole(usage.input_tokens),
            output_tokens=whole(usage.output_tokens),
            cache_read_tokens=whole(usage.cache_read_tokens),
            cache_write_tokens=whole(usage.cache_write_tokens),
            reasoning_tokens=whole(usage.reasoning_tokens),
        )
    return _UNKNOWN


def cost_attributes(cost: Price) -> Attributes:
    """Amount as decimal text, currency, source, version; no amount and currency where unknown."""
    attributes: Attributes = {names.COST_SOURCE: cost.source.value}
    if (text := cost.text) is not None:
        attributes[names.COST_AMOUNT] = text
        attributes[names.COST_CURRENCY] = cost.currency
    if cost.version:
        attributes[names.COST_PRICE_VERSION] = cost.version
    return attributes
