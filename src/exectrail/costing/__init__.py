"""Prices in the store: versions of them, and what calls cost by one.

Enters: a `Book` of prices (of the installed genai-prices or a user's file), a time. Leaves: rows in
`price_versions`, `prices`, `model_prices`, and re-costed calls in `usage`, all appended.
May import: pricing, queries, storage, conventions. The commands stand in `cli`.
"""

from exectrail.costing.compare import Change, Difference, compare
from exectrail.costing.keeping import CostingError, Kept, keep, latest, names_of, versions
from exectrail.costing.recosting import Range, as_told, as_told_preview, preview, recost

__all__ = [
    "Change",
    "CostingError",
    "Difference",
    "Kept",
    "Range",
    "as_told",
    "as_told_preview",
    "compare",
    "keep",
    "latest",
    "names_of",
    "preview",
    "recost",
    "versions",
]
