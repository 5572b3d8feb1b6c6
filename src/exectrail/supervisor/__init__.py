"""The supervisor: the parent of a program under `exectrail run`, and the witness of its end.

Enters: a command line, and the spools in which the program's processes announced themselves.
Leaves: the program's exit code; heartbeats and exits of those processes, with what they used; their
spools, delivered.
May import: spool, signals.redaction, resources, conventions, config and guard; no OpenTelemetry:
the program waits for our start. What is not needed for that is imported while it runs.
"""

from exectrail.supervisor.programs import CannotStartError
from exectrail.supervisor.run import SUPERVISOR, become, supervise

__all__ = ["SUPERVISOR", "CannotStartError", "become", "supervise"]
