"""What MLflow's own store holds of a run, read by MLflow's own client in MLflow's environment.

    python peers_mlflow.py DIRECTORY

Prints a JSON list of `name`, `parent`, `state`, `words`; a trace itself has no parent.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

from peers_tools import MLFLOW_EXPERIMENT, mlflow_store


def main() -> None:
    """Read the store."""
    mlflow: Any = importlib.import_module("mlflow")
    mlflow.set_tracking_uri(mlflow_store(Path(sys.argv[1])))
    mlflow.set_experiment(MLFLOW_EXPERIMENT)
    records: list[dict[str, str]] = []
    for trace in mlflow.search_traces(return_type="list"):
        records.append(
            {
                "name": "research_run",
                "parent": "",
                "state": str(trace.info.state.value),
                "words": str(trace.info.state.value),
            }
        )
        records.extend(
            {
                "name": span.name,
                "parent": str(span.parent_id or trace.info.trace_id),
                "state": str(span.status.status_code.value),
                "words": str(span.status.description or ""),
            }
            for span in trace.data.spans
        )
    print(json.dumps(records))


if __name__ == "__main__":
    main()
