"""Pricing: what the tokens of one model call cost.

Enters: provider, model, token counts and a time, and optionally the user's own price file.
Leaves: `Price` (a Decimal amount, or none where no price is known) and `Buckets` (token counts that
exclude each other). No I/O but that one file, no network. genai-prices is loaded at the first price
that is asked of it, not when this room is imported: it costs up to half a second and 40 MB.
May import: the standard library, genai-prices, conventions.
"""

from exectrail.pricing.errors import PriceFileError
from exectrail.pricing.tokens import Buckets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from exectrail.pricing.prices import Price, PriceTable

__all__ = ["Buckets", "Price", "PriceFileError", "PriceTable"]


def __getattr__(name: str) -> object:
    # With their first use: whoever counts tokens alone, or none, starts faster.
    if name not in ("Price", "PriceTable"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from exectrail.pricing import prices

    return getattr(prices, name)
