"""What do other tools show of the same deaths?

    python benchmarks/crash_peers.py                              # all tools: some ten minutes
    python benchmarks/crash_peers.py --only langfuse,opik --json
    python benchmarks/crash_peers.py --quick                      # each death once, 1 s in

For every tool in `peers_tools.py` an environment is made in a temporary folder (by `uv`, from the
package index that is set up), with LangGraph and the newest release of the tool that fits. The
same small graph (`peers_program.py`: a run, a step that finished, a step at work) is then ended in
different ways while the tool sends to a server on loopback (`peers_sink.py`). Printed is what that
server was told, or for MLflow what its own store holds, and for exectrail what its views show.

A tool that cannot be installed, or shows no run or no step even of a run that ends well, is
reported with the reason and not measured. Only what leaves the process is looked at: what the
makers' own backends conclude from it is not seen.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from peers_runs import OWN, Death, Own, Peer, last_line
from peers_sink import ERROR, OPEN, Record
from peers_tools import TOOLS

EARLY_S: Final = 1.0
LATE_S: Final = 8.0
"""Beyond the five seconds that OpenTelemetry's batches wait by default."""
CONTROL: Final = "nothing"
RUN: Final = "research_run"
AGENTOPS_RUN: Final = "langgraph.workflow.execute"
"""It does not name the graph; its span above this one is that of the whole process."""


SUDDEN: Final = ("sigkill", "sigterm", "os_exit_0")
"""What leaves no time to say anything: here it matters how long ago the finished step was."""
DEATHS: Final = tuple(Death(deed, EARLY_S) for deed in (*SUDDEN, "exit_3", "cancel", "pause"))
LATE_DEATHS: Final = tuple(Death(deed, LATE_S) for deed in SUDDEN)


@dataclass(frozen=True, slots=True)
class Seen:
    """What was known of a run once it was over; '' where nothing was."""

    tool: str
    version: str
    death: str
    finished: str
    """The step that had ended."""
    at_work: str
    """The step that had not."""
    root: str
    told: str
    """Whether it is said what became of the run."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A tool that was not measured."""

    tool: str
    version: str
    reason: str


# -- what is made of it ----------------------------------------------------------------------------


def judge(peer: Peer | Own, version: str, death: Death, records: Sequence[Record]) -> Seen:
    """What a reader of the records learns."""
    tops = [record for record in records if not record.parent]
    root = _named(RUN, tops) or _named(RUN, records) or _named(AGENTOPS_RUN, records)
    open_step = "approve" if death.deed == "pause" else "write"
    return Seen(
        peer.name,
        version,
        death.title,
        _cell(_named("collect", records)),
        _cell(_named(open_step, records)),
        _cell(root),
        _told(death.deed, root, _named(open_step, records)),
    )


def _named(name: str, records: Sequence[Record]) -> Record | None:
    found = [record for record in records if name in record.name]
    return min(found, key=lambda record: len(record.name)) if found else None


def _cell(record: Record | None) -> str:
    if record is None:
        return ""
    named = [name for name in _NAMED if name in record.words]
    return f"{record.state.lower()} ({', '.join(named)})" if named else record.state.lower()


_NAMED: Final = (
    "SystemExit",
    "CancelledError",
    "Interrupt",
    "SIGKILL",
    "SIGTERM",
    "process_exited",
    "lease_expired",
    "user_request",
    "human_input",
)
"""What is quoted of the words that come with a state."""
_RUNNING: Final = (OPEN, "running", "in_progress")
_RAISED: Final = {"exit_3": "SystemExit", "cancel": "CancelledError", "pause": "Interrupt"}


def _told(deed: str, root: Record | None, step: Record | None) -> str:
    """Whether it is said what became of the run: by its state, or by what stands beside that."""
    if root is None:
        return "no run"
    state = root.state.lower()
    if state in _RUNNING:
        return "no: runs"
    is_error = state in (ERROR, "failed")
    right = {"cancel": "cancelled", "pause": "paused"}.get(deed)
    if state == right or (right is None and (is_error or state in ("abandoned", "cancelled"))):
        return "yes"
    if is_error:
        return "as an error"
    raised = _RAISED.get(deed)
    if raised and raised in root.words:
        return "by an exception"
    if raised and step is not None and raised in step.words:
        return "by its step"
    return "no: ended"


def measure(peer: Peer | Own, deaths: Sequence[Death], jobs: int) -> list[Seen] | Skipped:
    """All deaths of a tool, after a run that ends well has shown that it is set up."""
    if reason := peer.install():
        return Skipped(peer.name, "", reason)
    version = peer.version()
    control = Death(CONTROL, EARLY_S)
    records, errors = peer.observe(control)
    well = judge(peer, version, control, records)
    if missing := [part for part in ("root", "finished", "at_work") if not getattr(well, part)]:
        names = ", ".join(record.name for record in records) or "nothing"
        return Skipped(
            peer.name,
            version,
            f"shows no {', no '.join(missing)} of a run that ends well (it shows {names})"
            f" {last_line(errors)}".rstrip(),
        )
    with ThreadPoolExecutor(jobs) as pool:
        found = list(pool.map(lambda death: (death, peer.observe(death)[0]), deaths))
        return [judge(peer, version, death, records) for death, records in found]


# -- what is asked for, and what is said -----------------------------------------------------------

_HEAD: Final = (
    f"{'tool':<22} {'death':<15} {'finished step':<16} {'step at work':<34} {'run':<34} told"
)


def _line(seen: Seen) -> str:
    return (
        f"{seen.tool:<22} {seen.death:<15} {seen.finished or '-':<16} "
        f"{seen.at_work or '-':<34} {seen.root or '-':<34} {seen.told}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print; the exit code says nothing of the tools."""
    options = _parser().parse_args(arguments)
    names = options.only.split(",") if options.only else [*TOOLS, *OWN]
    if unknown := [name for name in names if name not in TOOLS and name not in OWN]:
        print(f"There is no {', '.join(unknown)}; there are {', '.join([*TOOLS, *OWN])}")
        return 2
    deaths = DEATHS if options.quick else DEATHS + LATE_DEATHS
    directory = Path(tempfile.mkdtemp(prefix="exectrail-peers-"))
    versions: dict[str, str] = {}
    try:
        if not options.json:
            print(_HEAD)
        for name in names:
            peer = Own(name, directory) if name in OWN else Peer(name, TOOLS[name], directory)
            found = measure(peer, deaths, options.jobs)
            if isinstance(found, Skipped):
                line = f"{found.tool:<22} not measured: {found.reason} [{found.version}]"
                print(json.dumps(asdict(found)) if options.json else line, flush=True)
                continue
            versions[name] = found[0].version
            for seen in found:
                print(json.dumps(asdict(seen)) if options.json else _line(seen), flush=True)
    finally:
        if options.keep:
            print(f"The runs: {directory}", file=sys.stderr)
        else:
            shutil.rmtree(directory, ignore_errors=True)
    if not options.json:
        print()
        for name, version in versions.items():
            print(f"{name}: {version}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--only", default="", help="only these tools, by comma")
    parser.add_argument("--quick", action="store_true", help="only the deaths 1 s in")
    parser.add_argument("--jobs", type=int, default=2, help="programs at once (%(default)s)")
    parser.add_argument("--json", action="store_true", help="one JSON object per tool and death")
    parser.add_argument("--keep", action="store_true", help="keep environments and runs")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
