"""Questions: one `*.sql` file each, with typed parameters and typed rows.

Enters: values to ask with. Leaves: a `Query`, which whoever holds a database client runs:
`client.fetch(queries.runs(state="failed"))`. The SQL knows native `{name:Type}` parameters only.
May import: conventions. It does not know `storage`.
"""

from exectrail.queries.catalog import (
    CostBy,
    cost_by,
    cost_by_agent_of_runs,
    execution,
    judge_due,
    pipeline_status,
    rejects,
    resolve_id,
    run,
    run_agents,
    run_errors,
    run_transitions,
    runs,
    tree,
)
from exectrail.queries.query import Query
from exectrail.queries.rows import (
    AgentCost,
    Cost,
    Finding,
    Match,
    Node,
    Pipeline,
    Reject,
    Run,
    RunAgent,
    RunError,
    Transition,
    Usage,
    total,
)

__all__ = [
    "AgentCost",
    "Cost",
    "CostBy",
    "Finding",
    "Match",
    "Node",
    "Pipeline",
    "Query",
    "Reject",
    "Run",
    "RunAgent",
    "RunError",
    "Transition",
    "Usage",
    "cost_by",
    "cost_by_agent_of_runs",
    "execution",
    "judge_due",
    "pipeline_status",
    "rejects",
    "resolve_id",
    "run",
    "run_agents",
    "run_errors",
    "run_transitions",
    "runs",
    "total",
    "tree",
]
