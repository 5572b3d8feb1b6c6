"""The durable pipeline: signals go to the spool, and from there to the receiver."""

from __future__ import annotations

import os
import time
from collections.abc import Set
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

from exectrail.conventions import names
from exectrail.export.handover import Handover
from exectrail.export.own import meters, sampler
from exectrail.export.pipeline import Pipeline
from exectrail.export.spooling import SpoolMetrics, SpoolRecords, SpoolSpans
from exectrail.guard import guard, logger
from exectrail.spool import Destination, Spool, root_folder

SUPERVISOR: Final = "EXECTRAIL_SUPERVISOR"
"""Id of the supervisor that this process runs under."""


def spooled(pipeline: Pipeline, signals: Set[str], resource: Resource, version: str) -> Pipeline:
    """A pipeline through the spool, for the signals that go to OTLP.

    Args:
        pipeline: What takes the other signals.
        signals: Of TRACES, LOGS and METRICS.
        resource: Which service, host and worker.
        version: Version of exectrail, for the instrumentation scope.
    """
    attributes = dict(resource.attributes)
    destination = Destination.from_environment()
    root = root_folder()
    supervisor = os.environ.get(SUPERVISOR, "")
    spool = _spool(root, attributes, destination, supervisor)
    if spool.folder is None:
        root = None
    handover = Handover(spool, destination, root, supervised=bool(supervisor and root))
    spans = (
        SpoolSpans(spool, sampler(resource), attributes, version) if "TRACES" in signals else None
    )
    meter_provider = None
    if "METRICS" in signals:
        readers: list[MetricReader] = []
        with guard("export.set_up.metrics"):
            readers.append(PeriodicExportingMetricReader(SpoolMetrics(spool)))
        meter_provider = meters(readers, resource)

    def hand_over() -> None:
        """Everything that is ours to the spool."""
        if spans is not None:
            with guard("export.flush"):
                spans.write_waiting()
        if meter_provider is not None:
            with guard("export.flush"):
                meter_provider.force_flush()

    def flush() -> None:
        pipeline.flush()
        hand_over()
        with guard("export.flush"):
            handover.flush()

    def close(wait: float) -> None:
        pipeline.close(wait)
        if spans is not None:
            spans.stop_writing()
        if meter_provider is not None:
            with guard("export.close"):
                meter_provider.shutdown()
        with guard("export.close"):
            handover.close(wait)

    def abort() -> None:
        pipeline.abort()
        handover.abort()

    if spans is not None:
        spans.start_writing()
    handover.start()
    return replace(
        pipeline,
        spans=spans or pipeline.spans,
        records=SpoolRecords(spool, attributes, version) if "LOGS" in signals else pipeline.records,
        meter=meter_provider.get_meter(names.ROOT, version) if meter_provider else pipeline.meter,
        flush=flush,
        close=close,
        troubled=lambda: handover.troubled,
        abort=abort,
        durable=lambda: handover.durable,
        spool=spool,
    )


def _spool(
    root: Path | None, resource: dict[str, Any], destination: Destination, supervisor: str
) -> Spool:
    """This process's spool; memory alone where there can be none on the disk."""
    if root is not None:
        about = {
            "pid": os.getpid(),
            "host": resource.get(names.HOST_NAME, ""),
            "lease": resource.get(names.WORKER_LEASE, 0.0),
            "started_ns": time.time_ns(),
            "supervisor": supervisor,
            "endpoint": destination.endpoint,
            "resource": resource,
        }
        try:
            return Spool.create(root, str(resource.get(names.WORKER_ID)), about)
        except OSError as error:
            logger.warning(
                "exectrail: there can be no spool in %s (%s); what is not sent yet is lost if the "
                "process is killed. EXECTRAIL_SPOOL names another folder.",
                root,
                error.strerror or type(error).__name__,
            )
    return Spool()
