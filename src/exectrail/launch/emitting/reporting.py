"""One call of the command: restore or start the execution, let it report, write what that tells."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from exectrail.config import Config
from exectrail.conventions.names import Kind, State
from exectrail.execution import About, Execution
from exectrail.execution.ids import uuid7
from exectrail.launch.emitting import processes
from exectrail.launch.emitting.above import Above, new_span_id, new_trace_id
from exectrail.launch.emitting.kept import FOLDER, Keeper, Kept, about_json
from exectrail.launch.emitting.lines import Line, LineRecorder, Place
from exectrail.launch.emitting.processes import NoProcessError
from exectrail.launch.emitting.worker import Worker, find, without_process
from exectrail.spool import Spool

ALONE_LEASE: Final = 86_400.0
"""Seconds without a word after which an execution that no process stands for is called lost."""


@dataclass(slots=True)
class New:
    """What a new execution is."""

    kind: Kind
    name: str
    above: Above
    workflow: str = ""
    state: str = State.RUNNING.value
    reason: str = ""
    attempt: int = 1
    iteration: int = 0
    resume_key: str = ""
    resumed: bool = False
    checkpoint_id: str = ""
    about: About = field(default_factory=About)


@dataclass(slots=True)
class Outcome:
    """What came of a call."""

    kept: Kept
    recorded: bool
    """Whether anything was written."""
    problems: list[str]
    """What the user should know; empty if all is well."""


class Reporter:
    """Reports for executions of scripts.

    Args:
        root: The folder of all spools.
        config: Settings.
        environment: Variables: which service, and where telemetry goes.
        now_ns: Clock, nanoseconds since the epoch.
    """

    def __init__(
        self,
        root: Path,
        config: Config,
        environment: Mapping[str, str],
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._root = root
        self._config = config
        self._environment = environment
        self._now_ns = now_ns
        self.keeper = Keeper(root)

    def start(self, execution_id: str, new: New, pid: int, lease: float = 0.0) -> Outcome:
        """Start an execution.

        Args:
            execution_id: Its id, a UUIDv7.
            new: What it is.
            pid: The process that it depends on; 0 for none.
            lease: Seconds that this may be silent; the configured ones if 0.

        Raises:
            OSError: It cannot be written.
        """
        self.keeper.forget_old()
        problems: list[str] = []
        worker, watched = self._worker(pid, lease, problems)
        above = new.above
        kept = Kept(
            id=execution_id,
            kind=new.kind.value,
            name=new.name,
            root_id=above.root_id or execution_id,
            started_ns=self._now_ns(),
            parent_id=above.parent_id,
            workflow=new.name if new.kind is Kind.WORKFLOW else above.workflow or new.workflow,
            agent=new.name if new.kind is Kind.AGENT else above.agent,
            attempt=new.attempt,
            iteration=new.iteration,
            resume_key=new.resume_key,
            checkpoint_id=new.checkpoint_id,
            resumed=new.resumed,
            trace_id=f"{above.trace_id or new_trace_id():032x}",
            span_id=f"{new_span_id():016x}",
            parent_span_id=f"{above.span_id:016x}",
            flags=above.flags,
            pid=worker.pid,
            pid_started=worker.pid_started,
            lease=worker.lease,
            worker_id=worker.id,
            resource=dict(worker.resource),
            about=about_json(new.about),
        )
        report: Callable[[Execution], object] = lambda execution: execution.status(  # noqa: E731
            new.state, new.reason
        )
        return self._tell(kept, report, watched, problems)

    def report(self, execution_id: str, report: Callable[[Execution], object]) -> Outcome:
        """Let an execution report.

        Args:
            execution_id: Its id.
            report: Calls methods of the execution.

        Raises:
            UnknownExecutionError: It is not known here.
            OSError: It cannot be written.
        """
        with self.keeper.held(execution_id) as kept:
            return self._tell(kept, report, self._still_watched(kept), [])

    def _tell(
        self,
        kept: Kept,
        report: Callable[[Execution], object],
        watched: bool,
        problems: list[str],
    ) -> Outcome:
        place = Place(
            int(kept.trace_id, 16),
            int(kept.span_id, 16),
            int(kept.parent_span_id, 16),
            kept.flags,
        )
        recorder = LineRecorder(kept.resource, place, self._config)
        execution = kept.execution(recorder, self._now_ns)
        before = execution.state
        report(execution)
        if recorder.refused is not None:
            was = before.value if before else "not started"
            problems.append(
                f"{was} -> {recorder.refused.state.value} is no allowed change; "
                f"recorded as refused, the execution stays {was}"
            )
        elif not recorder.lines:
            state = execution.state.value if execution.state else "new"
            problems.append(
                f"nothing to record: the execution {'ended' if execution.closed else 'is'} {state}"
            )
        # Kept first: where a line is lost then, its number is missing, and never given twice.
        kept.note(execution)
        self.keeper.save(kept)
        if recorder.lines:
            self._write(kept, recorder.lines, watched)
        return Outcome(kept, bool(recorder.lines), problems + recorder.problems)

    def _worker(self, pid: int, lease: float, problems: list[str]) -> tuple[Worker, bool]:
        if not pid:
            return without_process(lease or ALONE_LEASE, self._environment), False
        try:
            return self._watched(pid, lease or self._config.lease)
        except NoProcessError as error:
            problems.append(f"{error}; reported without a process")
            return without_process(lease or ALONE_LEASE, self._environment), False

    def _still_watched(self, kept: Kept) -> bool:
        """Whether somebody watches the process of an execution; a watcher that died is replaced."""
        try:
            if kept.pid and processes.started(kept.pid) == kept.pid_started:
                return self._watched(kept.pid, kept.lease)[1]
        except OSError:
            pass
        return False  # the process has ended, and its watcher with it

    def _watched(self, pid: int, lease: float) -> tuple[Worker, bool]:
        """The worker that a process is, and whether it is watched now.

        Raises:
            NoProcessError: It has ended.
            OSError: It cannot be watched.
        """
        worker, claim = find(self._root / FOLDER, pid, lease, self._environment)
        if claim is not None:

            def watch() -> None:
                from exectrail.launch.emitting.watcher import watch

                watch(self._root, claim)

            try:
                processes.apart(watch, keep=(claim.lock, claim.process))
            finally:
                claim.close()
        return worker, True

    def _write(self, kept: Kept, lines: list[Line], watched: bool) -> None:
        from exectrail.launch.emitting.watcher import FOR_WORKER, about, ship_alone

        known = {**about(kept.resource, os.getpid(), kept.lease), FOR_WORKER: kept.worker_id}
        spool = Spool.create(self._root, uuid7(time.time_ns()), known)
        path = spool.folder.path if spool.folder is not None else self._root
        try:
            for line in lines:
                spool.write(line.stream, line.text)
            if spool.in_memory:
                raise OSError("the spool took only a part of it")
        finally:
            spool.close()
        if not watched:
            processes.apart(lambda: ship_alone(path))
