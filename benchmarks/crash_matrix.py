"""Is any execution lost, or shown as what it is not, whatever way its process goes?

    python benchmarks/crash_matrix.py                       # all rows: some half an hour
    python benchmarks/crash_matrix.py --quick               # 20 executions a row: what CI runs
    python benchmarks/crash_matrix.py --rows sigkill,oom --supervised --json

Starts a real stack (`exectrail up`) and real programs (`crash_program.py`: LangGraph graphs and
blocks of the API) under `exectrail run`, lets each come to its end at a seeded random moment, and
compares what the views show with what the programs themselves wrote down of it
(`crash_truth.py`), by a table of what is right (`crash_table.toml`) that is older than its first
run. Exit code 1 where in any row anything is lost, invented, wrong, or late; with `--whenever` late
is counted, and no failure: a machine that is busy is no judge of time.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from crash_stack import Sidecar, Stack, Watch, run
from crash_trials import Runner, Trial, cgroups
from crash_verdicts import SLACK_S, TABLE, Tally, Verdicts

DEATHS: Final = 50
EXECUTIONS: Final = 200
QUICK_DEATHS: Final = 4
QUICK_EXECUTIONS: Final = 20
MODES: Final = {"unsupervised": False, "supervised": True}
SHOWN_WRONGS: Final = 8
SHIP_TRIES: Final = 10
AWAY_LEASE_S: Final = 12.0
"""Least lease where the receiver goes away: senders try again after 5 s at the latest, and a lease
that ends before they do says nothing."""
OWN_STACK: Final = ("receiver_down", "receiver_killed")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked for."""

    deaths: int
    executions: int
    lease: float
    seed: int
    jobs: int
    directory: Path


@dataclass(slots=True)
class Case:
    """A row in one mode, and its trials."""

    row: str
    supervised: bool
    trials: list[Trial] = field(default_factory=list[Trial])


class Group:
    """Cases that share a stack, and a spool for each mode."""

    def __init__(self, plan: Plan, name: str, cases: Sequence[Case]) -> None:
        self._plan = plan
        self._directory = plan.directory / name
        self._cases = cases
        self._stack = Stack(self._directory / "stack")
        self._away = [case.row for case in cases if case.row in OWN_STACK]
        self._lease = max(plan.lease, AWAY_LEASE_S) if self._away else plan.lease
        self._since = 0.0

    def run(self) -> list[Tally]:
        """Run all trials, and judge them once the lease and what comes after it are over."""
        self._directory.mkdir(parents=True)
        try:
            with ExitStack() as stack:
                sidecar = stack.enter_context(Sidecar(self._environment(supervised=False)))
                watch = Watch(self._stack)
                if "receiver_down" not in self._away:
                    self._stack.start()
                stack.enter_context(watch)
                self._all_trials(Runner(sidecar.died))
                if self._away:
                    self._come_back()
                time.sleep(self._lease + SLACK_S + 2.0)
                if watch.looks:
                    look = (
                        f"{statistics.median(watch.looks):.2f} s, {max(watch.looks):.2f} s at most"
                    )
                    print(f"the judge's question took {look}", file=sys.stderr)
                return [self._judge(case, watch) for case in self._cases]
        finally:
            self._stack.stop()

    def _all_trials(self, runner: Runner) -> None:
        with ThreadPoolExecutor(self._plan.jobs) as pool:
            waiting: list[Future[None]] = []
            for number in range(self._plan.deaths):
                waiting += [
                    pool.submit(runner.run, self._trial(case, number)) for case in self._cases
                ]
            self._follow(waiting)
            for case in self._cases:  # deaths came too early for the number of executions
                while sum(len(trial.fates()) for trial in case.trials) < self._plan.executions:
                    runner.run(self._trial(case, len(case.trials)))

    def _follow(self, waiting: Sequence[Future[None]]) -> None:
        """Wait for all trials; where the receiver is to be killed, a third of the way."""
        names = ", ".join(sorted({case.row for case in self._cases}))
        steps = {len(waiting) // 3: self._stack.kill, 2 * len(waiting) // 3: self._start_again}
        for number, future in enumerate(waiting):
            if "receiver_killed" in self._away and number in steps:
                steps[number]()
            future.result()
            if sys.stderr.isatty():
                print(f"\r{names[:60]}: {number + 1} of {len(waiting)} ", end="", file=sys.stderr)
        if sys.stderr.isatty():
            print("\r\x1b[K", end="", file=sys.stderr)

    def _start_again(self) -> None:
        self._stack.start()
        run(["ship"], self._environment(supervised=False), check=False)  # as any next program does

    def _come_back(self) -> None:
        """The receiver is back, and what dead processes left is shipped."""
        if "receiver_down" in self._away:
            self._stack.start()
        for supervised in MODES.values():
            environment = self._environment(supervised=supervised)
            for _ in range(SHIP_TRIES):  # a supervisor may be sending some of it just now
                try:
                    run(["ship"], environment)
                    break
                except RuntimeError as error:
                    print(error, file=sys.stderr)
                    time.sleep(SLACK_S)
        self._since = time.time()

    def _trial(self, case: Case, number: int) -> Trial:
        mode = "s" if case.supervised else "u"
        name = f"{case.row}-{mode}-{number}"
        trial = Trial(
            row=case.row,
            supervised=case.supervised,
            number=number,
            seed=random.Random(f"{self._plan.seed} {name}").getrandbits(32),
            directory=self._directory / name,
            environment=self._environment(supervised=case.supervised),
            lease=self._lease,
        )
        case.trials.append(trial)
        return trial

    def _environment(self, *, supervised: bool) -> dict[str, str]:
        spool = self._directory / ("spool-supervised" if supervised else "spool-unsupervised")
        return {
            **os.environ,
            "EXECTRAIL_LEASE": str(self._lease),
            "EXECTRAIL_SPOOL": str(spool),
            "OTEL_EXPORTER_OTLP_ENDPOINT": self._stack.endpoint,
            "OTEL_SERVICE_NAME": "crash-matrix",
        }

    def _judge(self, case: Case, watch: Watch) -> Tally:
        verdicts = Verdicts(case.row, case.supervised, self._lease)
        stories = watch.stories()
        for trial in case.trials:
            verdicts.add(trial, stories, self._since)
        tally = verdicts.tally
        if watch.unknown:
            tally.wrong += [f"nobody started {name}" for name in sorted(watch.unknown)]
            tally.unknown += len(watch.unknown)
        if tally.seconds:
            tally.verdict_s = {
                "median": round(statistics.median(tally.seconds), 2),
                "max": round(max(tally.seconds), 2),
            }
        return tally


# -- what is asked for, and what is said -----------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the rows; the exit code is 1 where one does not hold."""
    # A shell gives its background jobs an ignored SIGINT, and it would be handed down.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    options = _parser().parse_args(arguments)
    rows = options.rows.split(",") if options.rows else list(TABLE)
    if unknown := [row for row in rows if row not in TABLE]:
        print(
            f"There is no row {', '.join(unknown)}; there are {', '.join(TABLE)}", file=sys.stderr
        )
        return 2
    directory = Path(tempfile.mkdtemp(prefix="exectrail-crash-"))
    plan = Plan(
        deaths=options.deaths or (QUICK_DEATHS if options.quick else DEATHS),
        executions=options.n or (QUICK_EXECUTIONS if options.quick else EXECUTIONS),
        lease=options.lease,
        seed=options.seed,
        jobs=options.jobs,
        directory=directory,
    )
    modes = [mode for mode in MODES if getattr(options, mode)] or list(MODES)
    tallies: list[Tally] = []
    if not options.json:
        print(_HEAD)
    began = time.monotonic()
    for name, cases in _groups(rows, modes, together=options.quick).items():
        skipped = [case for case in cases if case.row == "oom" and not cgroups()]
        found = [_not_run(case) for case in skipped]
        wanted = [case for case in cases if case not in skipped]
        found += Group(plan, name, wanted).run() if wanted else []
        for tally in found:
            print(json.dumps(_as_json(tally)) if options.json else _line(tally), flush=True)
        tallies += found
    # How quick it is says as much of the machine: whether that fails the run is up to who runs it.
    wrong = [
        tally for tally in tallies if not (tally.is_right if options.whenever else tally.holds)
    ]
    for tally in tallies:
        said = tally.wrong + tally.lates
        if said:
            print(f"\n{tally.row}, {tally.mode}:", file=sys.stderr)
        for what in said[:SHOWN_WRONGS]:
            print(f"  {what}", file=sys.stderr)
        if len(said) > SHOWN_WRONGS:
            print(f"  and {len(said) - SHOWN_WRONGS} more", file=sys.stderr)
    minutes = (time.monotonic() - began) / 60
    if wrong or options.keep:
        print(f"\nLogs of the programs, and the stacks: {directory}", file=sys.stderr)
    else:
        shutil.rmtree(directory)
    if not options.json:
        started = sum(tally.started for tally in tallies)
        right = sum(tally.right for tally in tallies)
        late = sum(tally.late for tally in tallies)
        hold = sum(tally.holds for tally in tallies)
        print(
            f"{hold} of {len(tallies)} rows hold: {started} executions started, {right} right,"
            f" {late} late. Seed {plan.seed}, {minutes:.1f} min."
        )
    return 1 if wrong else 0


def _groups(
    rows: Sequence[str], modes: Sequence[str], *, together: bool
) -> Mapping[str, list[Case]]:
    groups: dict[str, list[Case]] = {}
    for row in rows:
        for mode in modes:
            own = row in OWN_STACK or not together
            groups.setdefault(row if own else "rows", []).append(Case(row, MODES[mode]))
    return groups


def _not_run(case: Case) -> Tally:
    mode = "supervised" if case.supervised else "unsupervised"
    return Tally(case.row, mode, not_run="no control group with a memory limit can be made here")


def _as_json(tally: Tally) -> dict[str, Any]:
    return {
        "row": tally.row,
        "mode": tally.mode,
        "processes": tally.processes,
        "started": tally.started,
        "accounted": tally.accounted,
        "right": tally.right,
        "late": tally.late,
        "unknown": tally.unknown,
        "verdict_s": tally.verdict_s,
        "limit_s": tally.limit_s,
        "holds": tally.holds,
        "not_run": tally.not_run,
        "wrong": tally.wrong[:SHOWN_WRONGS],
        "lates": tally.lates[:SHOWN_WRONGS],
    }


_HEAD: Final = (
    "row              mode           deaths  started  accounted  right  late   "
    "verdict median   max  limit"
)


def _line(tally: Tally) -> str:
    start = f"{tally.row:<16} {tally.mode:<13}"
    if tally.not_run:
        return f"{start}  not run: {tally.not_run}"
    median, most = (
        f"{tally.verdict_s[name]:.2f} s" if name in tally.verdict_s else "-"
        for name in ("median", "max")
    )
    return (
        f"{start}  {tally.processes:6}  {tally.started:7}  {tally.accounted:9}  {tally.right:5}"
        f"{tally.late:6}{median:>17}{most:>8}  {tally.limit_s:.0f} s"
        f"{'' if tally.holds else '   LATE' if tally.is_right else '   WRONG'}"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--rows", default="", help="only these, by comma")
    parser.add_argument("--supervised", action="store_true", help="only under a supervisor")
    parser.add_argument("--unsupervised", action="store_true", help="only without one")
    parser.add_argument("--n", type=int, help=f"executions a row at least ({EXECUTIONS})")
    parser.add_argument("--deaths", type=int, help=f"processes a row at least ({DEATHS})")
    parser.add_argument("--quick", action="store_true", help="CI's size: 20 executions a row")
    parser.add_argument("--seed", type=int, default=20261121, help="of all that is random")
    parser.add_argument("--lease", type=float, default=2.0, help="seconds (%(default)s)")
    jobs = max(1, min(3, (os.cpu_count() or 1) // 2))
    parser.add_argument("--jobs", type=int, default=jobs, help="programs at once (%(default)s)")
    parser.add_argument("--whenever", action="store_true", help="being late is no failure")
    parser.add_argument("--json", action="store_true", help="one JSON object per row")
    parser.add_argument("--keep", action="store_true", help="keep the logs and stacks")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
