"""OTLP/JSON to protobuf, for receivers whose user asks for that alone."""

from __future__ import annotations

import base64
import json
from typing import Any, Final

_IDS: Final = frozenset({"traceId", "spanId", "parentSpanId"})


def to_protobuf(signal: str, body: bytes) -> bytes:
    """An export request in protobuf.

    Args:
        signal: traces, logs or metrics.
        body: The same request as OTLP/JSON: ids in hex, where protobuf's own JSON has base64.
    """
    from google.protobuf.json_format import ParseDict

    return ParseDict(_with_bytes(json.loads(body)), _request(signal)).SerializeToString()


def _request(signal: str) -> Any:
    if signal == "traces":
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
            ExportTraceServiceRequest,
        )

        return ExportTraceServiceRequest()
    if signal == "logs":
        from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

        return ExportLogsServiceRequest()
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
        ExportMetricsServiceRequest,
    )

    return ExportMetricsServiceRequest()


def _with_bytes(item: Any) -> Any:
    if isinstance(item, list):
        return [_with_bytes(part) for part in item]
    if not isinstance(item, dict):
        return item
    return {
        name: base64.b64encode(bytes.fromhex(value)).decode()
        if name in _IDS and isinstance(value, str)
        else _with_bytes(value)
        for name, value in item.items()
    }
