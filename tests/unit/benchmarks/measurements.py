"""Results of an invented run, small enough for mental arithmetic."""

from typing import Any

LABELS = {"first": "(a) first version", "ours": "(c) churn serve", "floor": "(d) floor"}


def load(
    system: str, requests_per_s: float, *, number: int = 0, p99_ms: float = 1.0, errors: int = 0
) -> dict[str, Any]:
    return {
        "system": system,
        "model": "champion",
        "connections": 32,
        "round": number,
        "requests_per_s": requests_per_s,
        "p50_ms": p99_ms / 2,
        "p99_ms": p99_ms,
        "errors": errors,
    }


def results(**parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Results with these measurements and no others."""
    nothing: dict[str, Any] = {"starts": [], "load": [], "memory": [], "kernel": [], "stages": []}
    about = {
        "date": "2026-01-02",
        "labels": LABELS,
        "settings": {"rounds": 3, "seconds": 3, "warm_up_s": 1},
        "machine": {
            "cpu": "a CPU",
            "cores": 2,
            "load_before": 0.1,
            "system": "Linux",
            "python": "3.13.0",
            "wrk": "4.1.0",
            "libraries": {"numpy": "2.5.0"},
        },
    }
    return about | nothing | parts
