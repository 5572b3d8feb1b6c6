"""How each tool is set up: as its own documentation says for LangGraph, with default settings.

Only where it sends to is changed, and what would need the internet is switched off. Read by the
program inside each tool's environment and by the driver, so it imports nothing of theirs until
`start` is called.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

FAKE_KEY: Final = "00000000-0000-4000-8000-000000000000"
MLFLOW_DATABASE: Final = "mlflow.db"
MLFLOW_EXPERIMENT: Final = "crash-peers"


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool, and how it observes a program."""

    title: str
    environment: str
    """Tools with the same one share it."""
    packages: tuple[str, ...]
    """What is installed beside LangGraph; the first one is the tool's own."""
    start: Callable[[str, Path], list[Any]]
    """Sets it up, given where to send to and a directory; returns callbacks for the run."""
    set_up: str
    """What was called, for the reader."""


def _load(name: str) -> Any:
    return importlib.import_module(name)


def _openinference(endpoint: str, batch: bool) -> list[Any]:
    _load("phoenix.otel").register(
        endpoint=f"{endpoint}/v1/traces", auto_instrument=True, verbose=False, batch=batch
    )
    return []


def _logfire(endpoint: str) -> None:
    logfire = _load("logfire")
    advanced = logfire.AdvancedOptions(base_url=endpoint)
    logfire.configure(token=FAKE_KEY, advanced=advanced, console=False)


def _logfire_langsmith(endpoint: str, _directory: Path) -> list[Any]:
    for name in ("LANGSMITH_TRACING", "LANGSMITH_OTEL_ENABLED", "LANGSMITH_OTEL_ONLY"):
        os.environ[name] = "true"
    _logfire(endpoint)
    return []


def _logfire_openinference(endpoint: str, _directory: Path) -> list[Any]:
    _logfire(endpoint)
    _load("openinference.instrumentation.langchain").LangChainInstrumentor().instrument()
    return []


def _langfuse(endpoint: str, _directory: Path) -> list[Any]:
    os.environ["LANGFUSE_BASE_URL"] = endpoint
    os.environ["LANGFUSE_PUBLIC_KEY"] = f"pk-lf-{FAKE_KEY}"
    os.environ["LANGFUSE_SECRET_KEY"] = f"sk-lf-{FAKE_KEY}"
    return [_load("langfuse.langchain").CallbackHandler()]


def _openllmetry(endpoint: str, _directory: Path) -> list[Any]:
    traceloop = _load("traceloop.sdk").Traceloop
    traceloop.init(
        app_name="crash-peers", api_endpoint=endpoint, api_key=FAKE_KEY, telemetry_enabled=False
    )
    return []


def _openlit(endpoint: str, directory: Path) -> list[Any]:
    prices = directory / "prices.json"
    prices.write_text("{}", encoding="utf-8")
    _load("openlit").init(otlp_endpoint=endpoint, pricing_json=str(prices))
    return []


def _laminar(endpoint: str, _directory: Path) -> list[Any]:
    _load("lmnr").Laminar.initialize(
        project_api_key=FAKE_KEY,
        base_url="http://127.0.0.1",
        http_port=urlsplit(endpoint).port,
        force_http=True,
    )
    return []


def _opik(endpoint: str, _directory: Path) -> list[Any]:
    os.environ["OPIK_URL_OVERRIDE"] = f"{endpoint}/api"
    os.environ["OPIK_SENTRY_ENABLE"] = "false"
    return [_load("opik.integrations.langchain").OpikTracer()]


def _agentops(endpoint: str, _directory: Path) -> list[Any]:
    _load("langgraph.graph")  # its import hook meets a circular import where this comes later
    _load("agentops").init(
        api_key=FAKE_KEY, endpoint=endpoint, exporter_endpoint=f"{endpoint}/v1/traces"
    )
    return []


def _mlflow(_endpoint: str, directory: Path) -> list[Any]:
    mlflow = _load("mlflow")
    mlflow.set_tracking_uri(mlflow_store(directory))
    mlflow.set_experiment(MLFLOW_EXPERIMENT)  # makes the database, which takes it seconds
    mlflow.langchain.autolog()
    return []


def mlflow_store(directory: Path) -> str:
    """Where MLflow keeps its traces: a file, by default's kind."""
    return f"sqlite:///{directory / MLFLOW_DATABASE}"


_OPENINFERENCE: Final = ("openinference-instrumentation-langchain", "arize-phoenix-otel")
_LOGFIRE: Final = ("logfire", "openinference-instrumentation-langchain", "langsmith[otel]")

TOOLS: Final = {
    "openinference": Tool(
        "OpenInference",
        "openinference",
        _OPENINFERENCE,
        lambda endpoint, _directory: _openinference(endpoint, batch=False),
        "`phoenix.otel.register(auto_instrument=True)`",
    ),
    "openinference-batch": Tool(
        "OpenInference, batched",
        "openinference",
        _OPENINFERENCE,
        lambda endpoint, _directory: _openinference(endpoint, batch=True),
        "the same with `batch=True`",
    ),
    "logfire": Tool(
        "Logfire",
        "logfire",
        _LOGFIRE,
        _logfire_langsmith,
        "`LANGSMITH_OTEL_ENABLED` and the like, `logfire.configure()`",
    ),
    "logfire-openinference": Tool(
        "Logfire, OpenInference",
        "logfire",
        _LOGFIRE,
        _logfire_openinference,
        "`logfire.configure()`, OpenInference's `LangChainInstrumentor`",
    ),
    "langfuse": Tool(
        "Langfuse",
        "langfuse",
        ("langfuse", "langchain"),
        _langfuse,
        "`langfuse.langchain.CallbackHandler()`",
    ),
    "openllmetry": Tool(
        "OpenLLMetry",
        "openllmetry",
        ("traceloop-sdk", "opentelemetry-instrumentation-langchain"),
        _openllmetry,
        "`Traceloop.init()`",
    ),
    "openlit": Tool("OpenLIT", "openlit", ("openlit",), _openlit, "`openlit.init()`"),
    "laminar": Tool("Laminar", "laminar", ("lmnr",), _laminar, "`Laminar.initialize()`, over HTTP"),
    "opik": Tool("Opik", "opik", ("opik",), _opik, "`OpikTracer()`"),
    "mlflow": Tool(
        "MLflow",
        "mlflow",
        ("mlflow",),
        _mlflow,
        "`mlflow.set_experiment()`, `mlflow.langchain.autolog()`, SQLite store",
    ),
    "agentops": Tool(
        "AgentOps",
        "agentops",
        # Its exporter fails with the newest OpenTelemetry that its own requirements allow.
        ("agentops", "opentelemetry-sdk<1.40", "opentelemetry-exporter-otlp-proto-http<1.40"),
        _agentops,
        "`agentops.init()`",
    ),
}
