"""The judge: says of open executions what they do not say themselves, and takes it back.

Enters: findings of `queries/judge_due.sql`; what is judged how is SQL alone (view `judged`).
Leaves: rows in `verdicts` and `baselines`, appended, never changed; the command `exectrail judge`.
May import: conventions, config, guard, queries; `commands` storage and rollup too, for whoever
judges also folds. The store is handed in.
"""

from exectrail.judge.judge import RULE_VERSION, Judge, Store, rule_settings

__all__ = ["RULE_VERSION", "Judge", "Store", "rule_settings"]
