"""Signals: an execution becomes spans, events and metrics, by the names of `conventions`.

Enters: calls on the `Recorder` of `execution`. Leaves: OpenTelemetry spans (built once, at their
end), log records at once, metrics now and then. Error texts are scrubbed and calls priced here.
May import: execution, conventions, pricing, guard, and the OpenTelemetry API and SDK.
"""

from exectrail.signals.recorder import OTelRecorder
from exectrail.signals.worker import Worker

__all__ = ["OTelRecorder", "Worker"]
