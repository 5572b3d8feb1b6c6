"""The examples run against a stack, and what its tables and views make of them."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from pathlib import Path

from exectrail import queries
from exectrail.queries.rows import Node, Run
from exectrail.storage.client import Client

from .running import EXAMPLES, environment, kill_in_second_step, run, wait_until


class Fleet:
    """The examples (a) to (d), run against a stack under one project."""

    def __init__(self, client: Client, project: str) -> None:
        self.client = client
        self.project = project

    def run(self, endpoint: str, folder: Path) -> None:
        variables = environment(endpoint, self.project)
        database = str(folder / f"{self.project}.db")
        run(variables, EXAMPLES / "research_team.py")
        run(variables, EXAMPLES / "research_team.py", "--offline-printer")
        run(variables, EXAMPLES / "approval.py", "ask", database)
        kill_in_second_step(variables, lambda: "embed" in self.names_of("nightly_index"))
        wait_until(lambda: self.find("nightly_index").effective_state == "abandoned")
        self.refund_while_waiting = self.find("refund")
        run(variables, EXAMPLES / "approval.py", "answer", database)
        wait_until(lambda: self.find("refund").effective_state == "completed")

    def runs(self) -> list[Run]:
        return self.client.fetch(queries.runs(project=self.project))

    def find(self, workflow: str, outcome: str = "") -> Run:
        return self.client.fetch(
            queries.runs(project=self.project, workflow=workflow, outcome=outcome)
        )[0]

    def nodes(self, workflow: str, outcome: str = "") -> list[Node]:
        root = self.find(workflow, outcome).execution_id
        return self.client.fetch(queries.tree(root))

    def names_of(self, workflow: str) -> set[str]:
        found = self.client.fetch(queries.runs(project=self.project, workflow=workflow))
        if not found:
            return set()
        return {node.name for node in self.client.fetch(queries.tree(found[0].execution_id))}

    def tree(self, workflow: str, outcome: str = "") -> str:
        nodes = self.nodes(workflow, outcome)
        below: defaultdict[str, list[Node]] = defaultdict(list)
        for node in sorted(nodes, key=lambda one: (one.started_at, one.execution_id)):
            below[node.parent_id].append(node)
        written: list[str] = []

        def write(node: Node, depth: int) -> None:
            words = [node.kind, node.name, node.effective_state]
            words += [f"({node.reason})"] if node.reason else []
            words += [f"#{node.iteration}"] if node.iteration else []
            words += [f"in={node.input_tokens} out={node.output_tokens}"] if node.calls else []
            words += [f"cost={plain(node.cost)}"] if node.calls else []
            written.append("  " * depth + " ".join(words))
            for child in below[node.execution_id]:
                write(child, depth + 1)

        for root in below[""]:
            write(root, 0)
        return "\n".join(written)


def plain(amount: Decimal | None) -> str:
    return "?" if amount is None else f"{amount.normalize():f}"
