"""The canary: a metric that the pipeline sends through itself.

While it arrives, silence of a worker means something; while it does not, nobody is judged. So it
goes the way of every request, encoded, decoded and stored.
"""

from __future__ import annotations

import time
from importlib.metadata import version
from typing import Final

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from exectrail.conventions import names
from exectrail.guard import logger
from exectrail.receiver.intake import Intake
from exectrail.receiver.otlp import PROTOBUF, Signal

SERVICE: Final = "exectrail-receiver"
INTERVAL: Final = 5.0
"""Seconds from one to the next."""


def send_canary(intake: Intake, *, starts: bool = False) -> bool:
    """Send one through the intake, and say whether it was stored. Blocks.

    Args:
        intake: Where all requests go.
        starts: It is the first one: what was sent before may still be on its way.
    """
    request = encode_canary(time.time_ns(), starts=starts)
    answer = intake.answer(Signal.METRICS, PROTOBUF, "", request)
    if answer.status != 200:
        logger.error("exectrail: the canary was not stored (status %d)", answer.status)
    return answer.status == 200


def encode_canary(now: int, *, starts: bool = False) -> bytes:
    """The request with one point.

    Args:
        now: Time of the point, nanoseconds since 1970, UTC.
        starts: It is the first one: 0 instead of 1.
    """
    request = ExportMetricsServiceRequest()
    resource = request.resource_metrics.add()
    resource.resource.attributes.append(
        KeyValue(key=names.SERVICE_NAME, value=AnyValue(string_value=SERVICE))
    )
    scope = resource.scope_metrics.add()
    scope.scope.name = __name__.rpartition(".")[0]
    scope.scope.version = version("exectrail")
    name = names.METRIC_PIPELINE_CANARY
    metric = scope.metrics.add(
        name=name, unit=names.METRIC_UNITS[name], description=names.METRIC_BRIEFS[name]
    )
    metric.gauge.data_points.add(time_unix_nano=now, as_int=0 if starts else 1)
    return request.SerializeToString()
