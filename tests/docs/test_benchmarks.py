"""The committed reports of the benchmarks are what their measurements say."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.instructions_report import instructions_report
from benchmarks.report import PLOT, report
from benchmarks.samples import json_of_samples
from benchmarks.shadow_report import shadow_report
from benchmarks.task_report import PLOT as TASK_PLOT
from benchmarks.task_report import task_report

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "benchmarks"


@pytest.mark.parametrize(
    ("page", "measurements", "write_page"),
    [
        ("README.md", "results.json", report),
        ("shadow.md", "shadow.json", shadow_report),
        ("task.md", "task.json", task_report),
        ("instructions.md", "instructions.json", instructions_report),
    ],
)
def test_each_report_follows_from_its_measurements(
    page: str, measurements: str, write_page: Callable[[dict[str, Any]], str]
) -> None:
    stored = (FOLDER / measurements).read_bytes()
    assert (FOLDER / page).read_text(encoding="utf-8") == write_page(json.loads(stored))
    assert stored == json_of_samples(json.loads(stored))


@pytest.mark.parametrize("plot", [PLOT, TASK_PLOT])
def test_each_plot_of_a_report_exists(plot: str) -> None:
    assert (FOLDER / plot).exists()
