"""Export: where signals go. Our own providers by the OTEL_* variables, or the user's.

Enters: configuration and the environment. Leaves: a `Pipeline`: spans, records, a meter, and how
to flush and stop them.
May import: signals, config, conventions, guard, and the OpenTelemetry SDK and exporter.
"""

from exectrail.export.pipeline import Pipeline
from exectrail.export.providers import Exporters, from_environment, from_exporters, from_providers
from exectrail.export.resource import worker_attributes, worker_resource

__all__ = [
    "Exporters",
    "Pipeline",
    "from_environment",
    "from_exporters",
    "from_providers",
    "worker_attributes",
    "worker_resource",
]
