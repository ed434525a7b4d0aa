"""The page on what the shadow costs, made of nothing but results."""

from typing import Any

import pytest

from benchmarks.shadow_report import build_shadow_report, compute_ratio


def results(*, with_per_s: list[float], errors: int = 0) -> dict[str, Any]:
    """Rounds in which the service without a challenger answers 1,000 a second."""
    figures = {"p50_ms": 1.0, "p99_ms": 2.0, "cpu_us_per_request": 100.0}
    rows = [
        {"load": load, "system": system, "round": number, "requests_per_s": per_s, "errors": errors, **figures}
        for load in ("half", "full")
        for number, each in enumerate(with_per_s)
        for system, per_s in (("without", 1000.0), ("with", each))
    ]
    return {
        "date": "2026-01-01",
        "machine": {
            **dict.fromkeys(("cpu", "cores", "load_before", "system", "python", "wrk"), "some"),
            "libraries": {"numpy": "2"},
        },
        "settings": {"rounds": len(with_per_s), "seconds": 1, "connections": 8},
        "half_per_s": 1000.0,
        "load": rows,
        "shadowed": {"paired": 10, "failed": 0, "dropped": 2},
    }


@pytest.mark.parametrize(("per_s", "verdict"), [([990, 950, 500], "meets"), ([990, 800, 500], "misses")])
def test_the_median_of_the_rounds_ratios_decides(per_s: list[float], verdict: str) -> None:
    page = build_shadow_report(results(with_per_s=per_s))
    assert f"it **{verdict}** that" in page
    assert f"**{sorted(per_s)[1] / 1000:.3f} times**" in page
    assert "answered 10 of 12 times; 2 answers were dropped" in page


def test_a_round_with_an_error_gives_no_ratio() -> None:
    assert compute_ratio(results(with_per_s=[900], errors=1), "half", "requests_per_s") is None
    assert "**Not measured**" in build_shadow_report(results(with_per_s=[900], errors=1))
