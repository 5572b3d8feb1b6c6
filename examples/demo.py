"""The whole of exectrail in a minute: four programs that know nothing of it, and what it tells.

    python examples/demo.py [--directory .demo]

Starts the embedded stack in a directory of its own, runs the programs under `exectrail run`, one of
them to its death, prints what became of each, and stops the stack.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
EXECTRAIL = (sys.executable, "-m", "exectrail")
LEASE = "3"
"""Seconds a worker may be silent: short, so that the demo does not take long."""
PATIENCE = 60.0
"""Seconds to wait for anything before the demo gives up."""


class Demo:
    """A stack in a directory, and how to call exectrail against it."""

    def __init__(self, directory: Path) -> None:
        self.stack = directory / "stack"
        self.checkpoints = os.path.relpath(directory / "checkpoints.db")
        self.otlp_port, self.clickhouse_port = free_ports(2)
        self.environment = {
            **os.environ,
            "EXECTRAIL_LEASE": LEASE,
            "EXECTRAIL_SPOOL": str(directory.absolute() / "spool"),
            "EXECTRAIL_CLICKHOUSE_URL": f"http://127.0.0.1:{self.clickhouse_port}",
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self.otlp_port}",
            "OTEL_RESOURCE_ATTRIBUTES": "service.namespace=demo",
            "COLUMNS": "100",
        }

    def forget(self) -> None:
        """Remove what an earlier demo left, and nothing else; its stack may still run."""
        if self.stack.exists():
            self.call("down", "--path", str(self.stack))
            shutil.rmtree(self.stack)
        shutil.rmtree(self.stack.parent / "spool", ignore_errors=True)
        for file in self.stack.parent.glob("checkpoints.db*"):
            file.unlink()

    def call(self, *words: str, check: bool = True) -> str:
        """What an exectrail command prints."""
        done = subprocess.run(
            [*EXECTRAIL, *words],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=None if check else subprocess.PIPE,
            text=True,
            check=False,
        )
        if check and done.returncode != 0:
            raise SystemExit(f"exectrail {' '.join(words)} ended with {done.returncode}")
        return done.stdout

    def show(self, *words: str) -> None:
        """Print a command and what it says."""
        print(f"\n$ exectrail {' '.join(words)}", flush=True)
        print(self.call(*words), end="", flush=True)

    def program(self, name: str, *words: str) -> list[str]:
        """The command line of an example under `exectrail run`."""
        return [*EXECTRAIL, "run", sys.executable, str(HERE / f"{name}.py"), *words]

    def run(self, name: str, *words: str) -> None:
        """Run an example to its end, whatever that is."""
        print(f"$ exectrail run python examples/{' '.join((f'{name}.py', *words))}", flush=True)
        done = subprocess.run(
            self.program(name, *words),
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        print(f"  exit code {done.returncode}" if done.returncode else f"  {done.stdout.strip()}")

    def kill_in_second_step(self) -> None:
        """Start the long job, and kill it with SIGKILL once it is in its second step."""
        print("$ exectrail run python examples/nightly_index.py 600", flush=True)
        with subprocess.Popen(
            self.program("nightly_index", "600"), env=self.environment, stdout=subprocess.PIPE
        ) as job:
            assert job.stdout is not None
            job.stdout.readline()
            self.wait("the second step to be seen", lambda: self.state("nightly_index", "embed"))
            # The program, not `exectrail run`, which is its parent.
            pid = next(run["pid"] for run in self.runs() if run["workflow"] == "nightly_index")
            os.kill(pid, signal.SIGKILL)
        print(f"  killed with SIGKILL, pid {pid}")

    def runs(self) -> list[dict[str, Any]]:
        """All runs, as `exectrail runs --json` has them."""
        return json.loads(self.call("runs", "--json"))["runs"]

    def state(self, workflow: str, step: str = "") -> str:
        """The state of the newest run of a workflow, or of a step of it; empty if none is."""
        run = next((run for run in self.runs() if run["workflow"] == workflow), None)
        if run is None or not step:
            return run["state"] if run else ""
        tree = json.loads(self.call("tree", run["execution_id"], "--json"))
        return next((node["state"] for node in nodes(tree["tree"]) if node["name"] == step), "")

    def wait(self, what: str, until: Callable[[], Any]) -> None:
        """Wait for something to be true."""
        deadline = time.monotonic() + PATIENCE
        while not until():
            if time.monotonic() > deadline:
                raise SystemExit(f"waited {PATIENCE:.0f} s for {what}, in vain")
            time.sleep(0.2)


def nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A node of a tree and all beneath it."""
    yield node
    for child in node["children"]:
        yield from nodes(child)


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on just now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


@contextmanager
def stack_of(demo: Demo) -> Generator[None]:
    """The embedded stack, as long as the block runs."""
    demo.call(
        *("up", "--detach", "--path", str(demo.stack)),
        *("--otlp-port", str(demo.otlp_port), "--clickhouse-port", str(demo.clickhouse_port)),
    )
    try:
        yield
    finally:
        demo.call("down", "--path", str(demo.stack))


def play(demo: Demo) -> None:
    """Run the programs, and let each come to its end."""
    print("(a) a supervisor and three agents, two turns each")
    demo.run("research_team")
    print("(b) the same, and its last step fails")
    demo.run("research_team", "--offline-printer")
    print("(c) waits for a person, and its process ends")
    demo.run("approval", "ask", demo.checkpoints)
    asked = time.monotonic()
    print("(d) killed in its second step")
    demo.kill_in_second_step()
    demo.wait("the kill to be noticed", lambda: demo.state("nightly_index") == "abandoned")
    demo.wait("the lease to pass", lambda: time.monotonic() > asked + float(LEASE) * 2)
    waiting = demo.state("refund")
    print(f"\n(c) after twice its lease of {LEASE} s: {waiting}, and nobody calls it dead")
    print("    another process answers")
    demo.run("approval", "answer", demo.checkpoints)
    demo.wait("the answer to be seen", lambda: demo.state("refund") == "completed")


def tell(demo: Demo) -> None:
    """Print what exectrail knows of them."""
    newest = {}
    for run in demo.runs():
        newest.setdefault((run["workflow"], run["outcome"]), run["execution_id"])
    team = newest["research_team", "success"]
    demo.show("runs")
    demo.show("tree", team)
    demo.show("cost", "--by", "agent", "--run", team)
    demo.show("show", newest["nightly_index", "abandoned"])


def main() -> int:
    parser = argparse.ArgumentParser(description="Four programs, and what exectrail tells of them.")
    parser.add_argument("--directory", type=Path, default=Path(".demo"), help="where it is kept")
    directory: Path = parser.parse_args().directory.absolute()
    directory.mkdir(parents=True, exist_ok=True)
    demo = Demo(directory)
    demo.forget()
    with stack_of(demo):
        play(demo)
        tell(demo)
    stack = os.path.relpath(demo.stack)
    print(f"""
Look further: the data is kept in {stack}
  exectrail up --detach --path {stack}     the stack again, on its ordinary ports
  exectrail runs --outcome partial             what failed after some of it succeeded
  exectrail cost --by model                    money, and how much of it has a price
  exectrail sql 'SHOW TABLES'                  everything, in SQL
  exectrail down --path {stack}""")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
