"""The committed reports of the benchmarks are what their measurements say."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.explainers_report import build_explainers_report
from benchmarks.instructions_report import build_instructions_report
from benchmarks.judge.report import build_judge_report
from benchmarks.learning.report import build_learning_report
from benchmarks.outcomes.report import build_outcomes_report
from benchmarks.report import PLOT, build_report
from benchmarks.shadow_report import build_shadow_report
from benchmarks.task_report import PLOT as TASK_PLOT
from benchmarks.task_report import build_task_report
from churn.files import encode_samples

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.parametrize(
    ("page", "measurements", "write_page"),
    [
        ("benchmarks/README.md", "benchmarks/results.json", build_report),
        ("benchmarks/shadow.md", "benchmarks/shadow.json", build_shadow_report),
        ("benchmarks/task.md", "benchmarks/task.json", build_task_report),
        ("benchmarks/explainers.md", "benchmarks/explainers.json", build_explainers_report),
        ("benchmarks/instructions.md", "benchmarks/instructions.json", build_instructions_report),
        ("judge/simulation.md", "judge/simulation.json", build_judge_report),
        ("outcomes/simulation.md", "outcomes/simulation.json", build_outcomes_report),
        ("learning/simulation.md", "learning/simulation.json", build_learning_report),
    ],
)
def test_each_report_follows_from_its_measurements(
    page: str, measurements: str, write_page: Callable[[dict[str, Any]], str]
) -> None:
    stored = (DOCS / measurements).read_bytes()
    assert (DOCS / page).read_text(encoding="utf-8") == write_page(json.loads(stored))
    assert stored == encode_samples(json.loads(stored))


@pytest.mark.parametrize(
    "plot",
    [
        f"benchmarks/{PLOT}",
        f"benchmarks/{TASK_PLOT}",
        "judge/simulation.svg",
        "outcomes/simulation.svg",
        "learning/simulation.svg",
    ],
)
def test_each_plot_of_a_report_exists(plot: str) -> None:
    assert (DOCS / plot).exists()
