"""Runs the program under a tool, in the tool's environment, and hands back what was said of it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from crash_stack import EXECTRAIL, QUESTION, Stack
from peers_sink import PeerSink, Record
from peers_tools import Tool

from exectrail.storage.client import connect

PROGRAM: Final = Path(__file__).with_name("peers_program.py")
MLFLOW_READER: Final = Path(__file__).with_name("peers_mlflow.py")
PATIENCE_S: Final = 90.0
SETTLE_S: Final = 1.0
"""What is on its way when a process dies gets this long to arrive."""
LEASE_S: Final = 5.0
"""exectrail's lease here; 45 s is its default."""
SIGNALS: Final = {"sigkill": signal.SIGKILL, "sigterm": signal.SIGTERM}
OWN: Final = {"exectrail": "exectrail run", "exectrail-alone": "exectrail run --exec"}


@dataclass(frozen=True, slots=True)
class Death:
    """A way to end."""

    deed: str
    seconds: float
    """How long the open step has been at work."""

    @property
    def title(self) -> str:
        """As it is printed."""
        return f"{self.deed}, {self.seconds:.0f} s"


class Peer:
    """A tool, its environment, and the runs that it observes."""

    def __init__(self, name: str, tool: Tool, directory: Path) -> None:
        self.name = name
        self._tool = tool
        self._directory = directory
        self._environment = directory / "environments" / tool.environment
        self._python = self._environment / "bin" / "python"

    def install(self) -> str:
        """Make its environment if there is none yet; returns what went wrong."""
        if self._python.exists():
            return ""
        own = f"{sys.version_info.major}.{sys.version_info.minor}"
        make = ("venv", "--quiet", "--no-python-downloads", "--python", own)
        fill = ("pip", "install", "--quiet", "--python", str(self._python), "langgraph")
        for words in ((*make, str(self._environment)), (*fill, *self._tool.packages)):
            done = subprocess.run(["uv", *words], capture_output=True, text=True)
            if done.returncode != 0:
                shutil.rmtree(self._environment, ignore_errors=True)
                return f"does not install: {last_line(done.stderr)}"
        return ""

    def version(self) -> str:
        """Of the tool's packages, as installed."""
        packages = [package.split("<")[0].split("[")[0] for package in self._tool.packages]
        code = "import sys, importlib.metadata as m\nfor n in sys.argv[1:]: print(n, m.version(n))"
        done = subprocess.run(
            [str(self._python), "-c", code, *packages], capture_output=True, text=True
        )
        return ", ".join(done.stdout.splitlines())

    def observe(self, death: Death) -> tuple[list[Record], str]:
        """Run the program to its end; what is known then, and what it printed to stderr."""
        directory = _new_directory(self._directory, f"{self.name}-{death.deed}-{death.seconds:.0f}")
        with PeerSink() as sink:
            words = [str(self._python), str(PROGRAM), self.name, death.deed, str(death.seconds)]
            errors = run_to_death(
                [*words, str(directory), sink.url], death, directory, _offline(directory)
            )
            time.sleep(SETTLE_S)
            records = sink.records()
        if self._tool.environment == "mlflow":
            done = subprocess.run(
                [str(self._python), str(MLFLOW_READER), str(directory)],
                env=_offline(directory),
                cwd=directory,
                capture_output=True,
                text=True,
                timeout=PATIENCE_S,
            )
            records = [Record(**each) for each in json.loads(done.stdout or "[]")]
        _keep(records, directory)
        return records, errors


class Own:
    """exectrail itself, from the same program."""

    def __init__(self, name: str, directory: Path) -> None:
        self.name = name
        self._directory = directory

    def install(self) -> str:
        """It is there."""
        return ""

    def version(self) -> str:
        """Its own."""
        done = subprocess.run([*EXECTRAIL, "--version"], capture_output=True, text=True)
        return done.stdout.strip()

    def observe(self, death: Death) -> tuple[list[Record], str]:
        """Run the program to its end, and ask the views of a stack of its own."""
        directory = _new_directory(self._directory, f"{self.name}-{death.deed}-{death.seconds:.0f}")
        stack = Stack(directory / "stack")
        stack.start()
        try:
            environment = {
                **_offline(directory),
                "EXECTRAIL_LEASE": str(LEASE_S),
                "EXECTRAIL_SPOOL": str(directory / "spool"),
                "OTEL_EXPORTER_OTLP_ENDPOINT": stack.endpoint,
            }
            words = [*EXECTRAIL, *OWN[self.name].split()[1:], sys.executable, str(PROGRAM)]
            words += [self.name, death.deed, str(death.seconds), str(directory), stack.endpoint]
            errors = run_to_death(words, death, directory, environment)
            # What a process that died unseen left behind is shipped by whoever comes next.
            subprocess.run([*EXECTRAIL, "ship"], env=environment, capture_output=True)
            time.sleep(LEASE_S + SETTLE_S + 1.0)
            rows = connect(stack.clickhouse_url).query(QUESTION)
        finally:
            stack.stop()
        records = [
            Record(
                row["name"],
                row["parent_id"],
                row["effective_state"],
                " ".join(filter(None, (row["reason"], row["signal"]))),
            )
            for row in rows
        ]
        _keep(records, directory)
        return records, errors


def run_to_death(
    words: Sequence[str], death: Death, directory: Path, environment: Mapping[str, str]
) -> str:
    """Start a program, end it as is asked for, and wait; returns what it wrote to stderr.

    A signal goes to the process that runs the graph, as the kernel or an orchestrator would send
    it, and not to one that watches over it.
    """
    with (directory / "stderr").open("wb") as errors:
        program = subprocess.Popen(
            list(words),
            env=dict(environment),
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
        )
    over = time.monotonic() + PATIENCE_S
    try:
        if death.deed in SIGNALS:
            at_work = directory / "at_work"
            while not at_work.exists() and program.poll() is None and time.monotonic() < over:
                time.sleep(0.02)
            time.sleep(death.seconds)
            os.kill(_runs_graph(program.pid), SIGNALS[death.deed])
        program.wait(max(0.0, over - time.monotonic()))
    except (subprocess.TimeoutExpired, ProcessLookupError):
        with suppress(ProcessLookupError):
            os.killpg(program.pid, signal.SIGKILL)
        program.wait()
    return (directory / "stderr").read_text(encoding="utf-8", errors="replace")


def _runs_graph(pid: int) -> int:
    """The process with the program's file as an argument right after its Python's: not a parent."""
    listed = Path("/proc").glob("[0-9]*/cmdline")
    for file in listed:
        with suppress(OSError):
            words = file.read_bytes().split(b"\0")
            parent = int((file.parent / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == pid and len(words) > 1 and words[1] == os.fsencode(PROGRAM):
                return int(file.parent.name)
    return pid


# -- where it runs ---------------------------------------------------------------------------------


def _new_directory(above: Path, name: str) -> Path:
    directory = above / "runs" / name
    directory.mkdir(parents=True)
    return directory


def _keep(records: Sequence[Record], directory: Path) -> None:
    """For whoever wants to see more than the table says (`--keep`)."""
    text = json.dumps([asdict(record) for record in records], indent=1)
    (directory / "records.json").write_text(text, encoding="utf-8")


def _offline(directory: Path) -> dict[str, str]:
    """No way out to the internet, no settings of the user's, and a home of its own."""
    ours = ("OTEL_", "EXECTRAIL_", "LANGSMITH_", "LANGCHAIN_", "PYTHONPATH", "VIRTUAL_ENV")
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(ours) and not name.lower().endswith("_proxy")
    }
    nowhere = "http://127.0.0.1:9"
    return {
        **kept,
        "HOME": str(directory),
        "HTTP_PROXY": nowhere,
        "HTTPS_PROXY": nowhere,
        "NO_PROXY": "127.0.0.1,localhost",
    }


def last_line(text: str) -> str:
    """Of what a program printed, to say why it failed."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:200] if lines else ""
