"""What is generated from the model, and that it is what stands in the repository."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from exectrail.conventions import generate, names

MODEL: dict[str, Any] = yaml.safe_load(generate.MODEL.read_text(encoding="utf-8"))
SECTIONS = [
    ("attributes", ""),
    ("events", "EVENT_"),
    ("metrics", "METRIC_"),
]


def test_generated_files_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "exectrail.conventions.generate", "--check"],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_drift_is_named_and_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generate, "DOCS", tmp_path / "conventions.md")
    (tmp_path / "conventions.md").write_text("old")
    assert generate.main(["--check"]) == 1
    assert "conventions.md is not what model.yaml says" in capsys.readouterr().err
    assert (tmp_path / "conventions.md").read_text() == "old"
    assert generate.main([]) == 0
    assert capsys.readouterr().out == "wrote conventions.md\n"
    assert generate.main(["--check"]) == 0


@pytest.mark.parametrize(("section", "prefix"), SECTIONS)
def test_every_name_of_the_model_has_a_constant(section: str, prefix: str) -> None:
    for item in MODEL[section]:
        ours = item["id"].removeprefix("exectrail.")
        constant = prefix + ours.upper().replace(".", "_")
        assert getattr(names, constant) == item["id"]


def test_names_are_ours_or_opentelemetrys_and_unique() -> None:
    identifiers = [item["id"] for section, _ in SECTIONS for item in MODEL[section]]
    attributes = [item["id"] for item in MODEL["attributes"]]
    assert len(set(attributes)) == len(attributes)
    for section, _ in SECTIONS:
        for item in MODEL[section]:
            official = item.get("source") == "semconv"
            assert official != item["id"].startswith("exectrail."), item["id"]
    ours = {i for i in identifiers if i.startswith("exectrail.")}
    for identifier in ours:  # no attribute is also a namespace
        assert not any(other.startswith(f"{identifier}.") for other in set(attributes) & ours)


def test_no_two_attributes_of_a_signal_share_a_column() -> None:
    for signal in ("span", "event", "resource"):
        columns = [
            item["column"]["name"]
            for item in MODEL["attributes"]
            if signal in item["signals"] and "column" in item
        ]
        assert len(set(columns)) == len(columns)


def test_metrics_carry_no_execution_id_and_only_attributes_of_metrics() -> None:
    on_metrics = {item["id"] for item in MODEL["attributes"] if "metric" in item["signals"]}
    for metric in MODEL["metrics"]:
        assert set(metric["attributes"]) <= on_metrics, metric["id"]
    assert names.EXECUTION_ID not in on_metrics


def test_histograms_have_buckets_in_order() -> None:
    histograms = {m["id"] for m in MODEL["metrics"] if m["instrument"] == "histogram"}
    assert set(names.METRIC_BUCKETS) == histograms
    for buckets in names.METRIC_BUCKETS.values():
        assert list(buckets) == sorted(set(buckets))


def test_enumerations_hold_the_values_of_the_model() -> None:
    for name, enum in MODEL["enums"].items():
        members = getattr(names, generate.class_name(name))
        assert {member.name: member.value for member in members} == {
            value.upper(): value for value in enum["values"]
        }


def test_status_reasons_are_reasons() -> None:
    assert set(MODEL["status_reasons"].values()) <= set(MODEL["enums"]["reason"]["values"])


def test_columns_are_read_without_throwing() -> None:
    throwing = ("toUInt32(", "toUInt64(", "toFloat64(", "toDecimal128(", "parseDateTime64(")
    assert not any(cast in generate.columns_sql(MODEL) for cast in throwing)
    attribute = next(a for a in MODEL["attributes"] if a["id"] == names.EXECUTION_ATTEMPT)
    assert generate.extraction(attribute, "LogAttributes") == (
        f"greatest(toUInt32OrZero(LogAttributes['{names.EXECUTION_ATTEMPT}']), 1)"
    )
    valid = next(a for a in MODEL["attributes"] if a["id"] == names.EXECUTION_VALID)
    assert generate.extraction(valid, "L") == f"toUInt8(L['{names.EXECUTION_VALID}'] != 'false')"


def test_docs_show_every_name() -> None:
    page = generate.markdown(MODEL)
    for section, _ in SECTIONS:
        assert all(f"`{item['id']}`" in page for item in MODEL[section])
    assert all(f"`{word}" in page or f" {word}" in page for word in names.STATUS_STATES)
