"""The resource: which service, host and process the signals come from, and which worker it is."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

from opentelemetry.sdk.resources import OTELResourceDetector, Resource

from exectrail.conventions import names
from exectrail.signals.attributes import Attributes


def worker_attributes(worker_id: str, lease: float) -> Attributes:
    """Who this process is.

    Args:
        worker_id: UUIDv7 of the process.
        lease: Seconds it may be silent.
    """
    return {
        names.WORKER_ID: worker_id,
        names.WORKER_LEASE: lease,
        names.HOST_NAME: socket.gethostname(),
        names.PROCESS_PID: os.getpid(),
    }


def worker_resource(worker_id: str, lease: float) -> Resource:
    """The resource of this process: OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME win.

    Not over the worker and the process id, which they may have from a parent process.
    """
    ours = worker_attributes(worker_id, lease)
    environment = _of_environment()
    name = environment.attributes.get(names.SERVICE_NAME)
    if not name or str(name).startswith("unknown_service"):
        ours[names.SERVICE_NAME] = program_name()
    if environment.attributes.get(names.HOST_NAME):
        del ours[names.HOST_NAME]
    return environment.merge(Resource(ours))


def _of_environment() -> Resource:
    try:
        return Resource.create()
    except RuntimeError:  # it asks its detectors in threads, of which none start at the exit
        return OTELResourceDetector().detect()


def program_name() -> str:
    """A name for the program where nobody gave one: its file's or its module's name."""
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    if spec is not None:  # python -m
        return str(spec.name).split(".")[0]
    script = Path(sys.argv[0] if sys.argv else "")
    if script.name == "__main__.py":
        return script.parent.name
    return script.stem if script.stem not in ("", "-", "-c") else "python"
