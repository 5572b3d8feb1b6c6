"""The judge: says of open executions that they are dead, and takes it back when they are not.

Enters: findings of `queries/judge_due.sql`. Leaves: rows in `verdicts`, appended, never changed.
May import: conventions, queries. The store is handed in.
"""

from exectrail.judge.judge import RULE_VERSION, Judge, Store

__all__ = ["RULE_VERSION", "Judge", "Store"]
