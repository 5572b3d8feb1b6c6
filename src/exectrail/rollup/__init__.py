"""Folds what was told into rows that are quick to ask: per run, run and agent, hour and day.

Enters: runs of which there is news, as the views show them (`queries/fold_*.sql`).
Leaves: rows in `runs`, `runs_by_agent` and the roll-ups, each written anew from what it stands for
and never added to; and in `open_known` and `folds`, by which the views find quickly what is open.
The command `exectrail rollup`.
May import: queries; `commands` storage too. The store is handed in.
"""

from exectrail.rollup.fold import FOLD_EVERY, Fold, Folded, Store

__all__ = ["FOLD_EVERY", "Fold", "Folded", "Store"]
