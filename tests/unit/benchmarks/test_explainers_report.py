"""The page on the explanation alone."""

from typing import Any

import numpy as np

from benchmarks.explainers_report import build_explainers_report
from benchmarks.kernel import matrix_from_orders


def explained(contender: str, one_row_us: float, number: int = 0) -> dict[str, Any]:
    sides = {"model": "300x6", "contender": contender, "round": number, "bulk_rows": 4000}
    return sides | {"one_row_us": one_row_us, "bulk_us": 2.0, "difference": 2e-7}


def results(**parts: Any) -> dict[str, Any]:
    machine = {"cores": 2, "cpu": "a CPU", "system": "Linux", "load_before": 1.0, "python": "3.13", "libraries": {}}
    return {"date": "2026-11-29", "machine": machine, "settings": {"rounds": 1}, "kernel": [], "proof": []} | parts


def test_each_library_is_compared_with_ours_within_a_round() -> None:
    rows = [explained("ours", 10), explained("shapiq", 50), explained("ours", 100, 1), explained("shapiq", 300, 1)]
    page = build_explainers_report(results(kernel=rows))
    assert "order 1, Quadrature TreeSHAP | 175.00 | 4.0 | 2.00 | 1.0 | 4,000 | 2.0e-07 |" in page


def test_a_library_that_could_not_be_built_is_said_to_be_missing() -> None:
    assert "treeshap is missing" in build_explainers_report(results(kernel=[explained("ours", 10)]))
    assert "treeshap is missing" not in build_explainers_report(results(kernel=[explained("treeshap", 10)]))


def test_a_proof_that_takes_too_long_misses_its_target() -> None:
    proof = {"model": "300x6", "round": 0, "rows": 116_000, "proof_s": 20.0, "row_by_row_s": 40.0}
    page = build_explainers_report(results(proof=[proof]))
    assert "| 300x6 | 116,000 | 40.0 | 20.0 | 0.50 |" in page
    assert "≤ 0.4. Measured 0.50, which misses it." in page


def test_a_feature_without_a_value_contributes_nothing() -> None:
    assert matrix_from_orders({(2,): np.array([1.0, 2.0])}, (2, 3)).tolist() == [[0, 0, 1], [0, 0, 2]]
