"""Which service, host, process and worker signals come from."""

from __future__ import annotations

import os
import runpy
import socket
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from exectrail.conventions import names
from exectrail.export.resource import program_name, worker_attributes, worker_resource


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTEL_SERVICE_NAME", raising=False)
    monkeypatch.delenv("OTEL_RESOURCE_ATTRIBUTES", raising=False)


def test_worker_is_named_by_id_lease_host_and_process() -> None:
    assert worker_attributes("w1", 45.0) == {
        names.WORKER_ID: "w1",
        names.WORKER_LEASE: 45.0,
        names.HOST_NAME: socket.gethostname(),
        names.PROCESS_PID: os.getpid(),
    }


def test_variables_name_service_project_and_host_but_not_the_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(
        "OTEL_RESOURCE_ATTRIBUTES",
        "service.name=by-attribute,service.namespace=shop,host.name=node-7,"
        "deployment.environment.name=prod,process.pid=1,exectrail.worker.id=another",
    )
    found = worker_resource("w1", 45.0).attributes
    assert found[names.SERVICE_NAME] == "by-attribute"
    assert found[names.SERVICE_NAMESPACE] == "shop"
    assert found[names.HOST_NAME] == "node-7"
    assert found[names.DEPLOYMENT_ENVIRONMENT_NAME] == "prod"
    assert found[names.PROCESS_PID] == os.getpid()
    assert found[names.WORKER_ID] == "w1"
    monkeypatch.setenv("OTEL_SERVICE_NAME", "by-name")
    assert worker_resource("w1", 45.0).attributes[names.SERVICE_NAME] == "by-name"


def test_without_variables_the_program_names_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/srv/app/orders.py", "-m", "other"])
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", None)
    found = worker_resource("w1", 45.0).attributes
    assert found[names.SERVICE_NAME] == "orders"
    assert found[names.HOST_NAME] == socket.gethostname()
    assert found["telemetry.sdk.language"] == "python"


@pytest.mark.parametrize(
    ("argv", "name"),
    [
        (["/srv/app/orders.py"], "orders"),
        (["orders.py", "-m", "json.tool"], "orders"),  # the program's own argument
        (["/usr/bin/orders"], "orders"),
        (["/srv/orders/__main__.py"], "orders"),
        (["-c"], "python"),
        (["-"], "python"),
        ([""], "python"),
        ([], "python"),
    ],
)
def test_program_is_named_by_its_file(
    monkeypatch: pytest.MonkeyPatch, argv: list[str], name: str
) -> None:
    monkeypatch.setattr(sys, "argv", argv)
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", None)
    assert program_name() == name


@pytest.mark.parametrize("spec", ["orders", "orders.__main__", "orders.cli"])
def test_program_is_named_by_its_module(monkeypatch: pytest.MonkeyPatch, spec: str) -> None:
    main = ModuleType("__main__")
    main.__spec__ = SimpleNamespace(name=spec)  # pyright: ignore[reportAttributeAccessIssue]
    monkeypatch.setitem(sys.modules, "__main__", main)
    assert program_name() == "orders"


def test_module_is_known_as_python_runs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "orders").mkdir()
    (tmp_path / "orders" / "__init__.py").write_text("")
    (tmp_path / "orders" / "__main__.py").write_text(
        "from exectrail.export.resource import program_name; found = program_name()"
    )
    monkeypatch.syspath_prepend(tmp_path)
    ran = runpy.run_module("orders", run_name="__main__", alter_sys=True)
    assert ran["found"] == "orders"
