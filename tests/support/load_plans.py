"""Load tests of which a test changes what it is about, and samples as a run would leave them."""

from dataclasses import replace
from typing import Any

from churn.loadtest.plan import ClosedLoop, LoadPlan
from churn.loadtest.samples import Run, Sample

PLAN = LoadPlan(
    url="http://127.0.0.1:8000/predict",
    contract="streamflow",
    loop=ClosedLoop(4),
    requests=40,
    duration_s=float("inf"),
    warmup=0,
    timeout_s=30,
    seed=0,
    slo_p99_ms=200,
    max_error_share=0,
)


def a_plan(**changes: Any) -> LoadPlan:
    return replace(PLAN, **changes)


def answered(latency_ms: float, *, due_s: float = 0.0, late_s: float = 0.0, version: str = "v1") -> Sample:
    return Sample(due_s, due_s + late_s, due_s + latency_ms / 1000, None, version)


def failed(error: str, *, after_s: float = 1.0) -> Sample:
    return Sample(0.0, 0.0, after_s, error, None)


def a_run(*samples: Sample, cpu_s: float = 0.0) -> Run:
    return Run(samples, cpu_s)
