"""Signals: an execution becomes spans, events and metrics, by the names of `conventions`.

Enters: calls on the `Recorder` of `execution`. Leaves: OpenTelemetry spans (built once, at their
end), log records at once, metrics now and then. Error texts are scrubbed and calls priced here.
May import: execution, conventions, pricing, guard, and the OpenTelemetry API and SDK.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from exectrail.signals.recorder import OTelRecorder
    from exectrail.signals.worker import Worker

__all__ = ["OTelRecorder", "Worker"]


def __getattr__(name: str) -> object:
    # With their first use: modules beside them are used where OpenTelemetry is not to be loaded.
    if name == "OTelRecorder":
        from exectrail.signals.recorder import OTelRecorder

        return OTelRecorder
    if name == "Worker":
        from exectrail.signals.worker import Worker

        return Worker
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
