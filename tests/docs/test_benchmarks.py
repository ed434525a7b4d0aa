"""The committed report of the benchmarks is what its measurements say."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.report import PLOT, report

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "benchmarks"


def test_the_report_follows_from_the_results() -> None:
    results = json.loads((FOLDER / "results.json").read_bytes())
    assert (FOLDER / "README.md").read_text(encoding="utf-8") == report(results)
    assert (FOLDER / PLOT).exists()
