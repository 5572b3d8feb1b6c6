"""What a call does, what it prints, and its exit code. A failure of ours must not end a script."""

from __future__ import annotations

import json
import os
import sys
import time
from argparse import Namespace
from collections.abc import Callable
from shlex import quote
from typing import TYPE_CHECKING

from exectrail.conventions.names import Kind

if TYPE_CHECKING:
    from exectrail.launch.emitting.reporting import Outcome, Reporter


class NotRecordedError(Exception):
    """It cannot be recorded; the text says why."""


def _reporter() -> Reporter | None:
    """What reports; None where exectrail is switched off."""
    from exectrail.config import load
    from exectrail.launch.emitting.reporting import Reporter
    from exectrail.spool import root_folder

    config = load()
    if config.disabled:
        return None
    root = root_folder()
    if root is None:
        raise NotRecordedError(
            "EXECTRAIL_SPOOL=off: there is no place to keep it; unset it, or name one"
        )
    return Reporter(root, config, os.environ)


def start(a: Namespace) -> int:
    """`start`: print an id, and start an execution with it."""
    from exectrail.execution.ids import uuid7

    # Printed whatever happens: what follows in the script needs an id.
    execution_id = a.id or uuid7(time.time_ns())
    a.printed = execution_id

    def begin() -> Outcome | None:
        from exectrail.execution import About
        from exectrail.launch.emitting.above import Above, above
        from exectrail.launch.emitting.processes import caller
        from exectrail.launch.emitting.reporting import New

        reporter = _reporter()
        if reporter is None:
            return None
        reporter.keeper.path(execution_id)  # refuses what is no id
        if reporter.keeper.find(execution_id) is not None:
            raise NotRecordedError(f"execution {execution_id} was started before")
        about = About(
            external_id=a.external_id,
            mode=a.mode,
            deadline=a.deadline,
            max_iterations=a.max_iterations,
            conversation_id=a.conversation_id,
            agent_version=a.agent_version,
            tool_call_id=a.tool_call_id,
            target_type=a.target_type,
            target_id=a.target_id,
            trigger_source=a.trigger_source,
            trigger_key=a.trigger_key,
            trigger_status=a.trigger_status,
            trigger_intent=a.trigger_intent,
            tags=a.tag,
        )
        new = New(
            kind=Kind(a.kind),
            name=a.name,
            above=Above() if a.root else above(reporter.keeper, os.environ, a.parent),
            workflow=a.workflow,
            state=a.state,
            reason=a.reason,
            attempt=a.attempt,
            iteration=a.iteration,
            resume_key=a.resumes,
            resumed=bool(a.resumes),
            checkpoint_id=a.checkpoint_id,
            about=about,
        )
        return reporter.start(execution_id, new, caller() if a.pid is None else a.pid, a.lease)

    return _do(begin, a)


def report(a: Namespace) -> int:
    """The others: let an execution tell something."""

    def tell() -> Outcome | None:
        reporter = _reporter()
        if reporter is None:
            return None
        execution_id = a.id or os.environ.get("EXECTRAIL_EXECUTION", "")
        if not execution_id:
            raise NotRecordedError("which execution? Name it by --id or EXECTRAIL_EXECUTION")
        return reporter.report(execution_id, a.report(a))

    return _do(tell, a)


def _do(work: Callable[[], Outcome | None], a: Namespace) -> int:
    """Do it, and say what came of it. A failure of ours must not end a script."""
    from exectrail.launch.emitting.kept import UnknownExecutionError

    outcome = None
    problems: list[str] = []
    try:
        outcome = work()
        if outcome is not None:
            problems = outcome.problems
    except (NotRecordedError, UnknownExecutionError) as error:
        problems = [f"not recorded: {error}"]
    except OSError as error:
        place = f" ({error.filename})" if error.filename else ""
        problems = [f"not recorded: the spool cannot be written{place}: {error.strerror or error}"]
    for problem in problems:
        print(f"exectrail emit: {problem}", file=sys.stderr)
    _print(outcome, problems, a)
    return 1 if problems and a.strict else 0


def _print(outcome: Outcome | None, problems: list[str], a: Namespace) -> None:
    kept = outcome.kept if outcome is not None else None
    printed: str = getattr(a, "printed", "")
    if a.json:
        found = {
            "execution_id": kept.id if kept else printed or a.id,
            "root_id": kept.root_id if kept else "",
            "state": kept.state if kept else "",
            "sequence": kept.sequence if kept else 0,
            "recorded": outcome is not None and outcome.recorded,
            "problems": problems,
        }
        print(json.dumps(found))
    elif printed and a.export:
        from exectrail.launch.emitting.above import EXECUTION, exported

        variables = exported(kept) if kept else {EXECUTION: printed}
        for name, value in variables.items():
            print(f"export {name}={quote(value)}")
    elif printed:
        print(printed)
