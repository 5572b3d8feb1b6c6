"""Executions: what a run is, which state it is in, and what is known of it.

Enters: calls of adapters and of the API. Leaves: calls on a `Recorder`, which another room
implements. No OpenTelemetry and no I/O here; clock and ids come from outside.
May import: conventions, guard.
"""

from exectrail.execution.artifact import Artifact
from exectrail.execution.call import ModelCall, ProviderCost
from exectrail.execution.current import current, resolve_current_with
from exectrail.execution.details import About, Progress
from exectrail.execution.errors import ErrorInfo
from exectrail.execution.execution import Execution
from exectrail.execution.executions import Executions
from exectrail.execution.logged import Logged
from exectrail.execution.plan import Plan, PlanStep
from exectrail.execution.recorder import NullRecorder, Recorder, Transition
from exectrail.execution.remote import Remote
from exectrail.execution.resources import Meter, NullMeter, Resources
from exectrail.execution.result import Result
from exectrail.execution.usage import Usage
from exectrail.execution.variable import Variable

__all__ = [
    "About",
    "Artifact",
    "ErrorInfo",
    "Execution",
    "Executions",
    "Logged",
    "Meter",
    "ModelCall",
    "NullMeter",
    "NullRecorder",
    "Plan",
    "PlanStep",
    "Progress",
    "ProviderCost",
    "Recorder",
    "Remote",
    "Resources",
    "Result",
    "Transition",
    "Usage",
    "Variable",
    "current",
    "resolve_current_with",
]
