"""A report in words for people, and with stable names for scripts."""

from dataclasses import asdict
from typing import Any

from churn.loadtest.plan import ClosedLoop, LoadPlan, OpenLoop
from churn.loadtest.report import Latency, LoadReport

DECIMALS = 6
PERCENTILES = ("mean", "median", "p95", "p99", "p99.9", "max")  # in the order of `Latency`
STARTS = {
    OpenLoop: "when each request was due",
    ClosedLoop: "when each request was sent; a closed loop hides the waiting of those behind",
}


def describe_load(plan: LoadPlan) -> str:
    """Describe the load, as in `open loop, 200 requests/s, poisson arrivals`."""
    if isinstance(plan.loop, ClosedLoop):
        return f"closed loop, {plan.loop.connections} connection{'s' if plan.loop.connections > 1 else ''}"
    return f"open loop, {plan.loop.rate_per_s:,g} requests/s, {plan.loop.arrivals} arrivals"


def describe_verdict(plan: LoadPlan, report: LoadReport) -> str:
    """Say in one sentence whether the objective holds."""
    if report.latency is None or not report.passed:
        return f"missed: {'; '.join(report.misses)}"
    failed = f"{sum(report.errors.values()):,} of {report.requests:,} requests failed"
    return f"met: p99 of {report.latency.p99_ms:,.1f} ms is under {plan.slo_p99_ms:,g} ms, {failed}"


def rows_from_report(plan: LoadPlan, report: LoadReport) -> list[tuple[str, str]]:
    """Write the report as pairs of measure and value, in words."""
    rows = [
        ("sent to", plan.url),
        ("load", describe_load(plan)),
        ("requests", f"{report.requests:,} counted, {report.sent:,} sent, {report.answered:,} answered"),
        *((f"error: {kind}", f"{count:,}") for kind, count in report.errors.items()),
        *((f"answered by {version}", f"{count:,}") for version, count in report.model_versions.items()),
        ("duration", f"{report.duration_s:,.2f} s"),
        ("throughput", f"{report.throughput_per_s:,.1f} predictions/s"),
        ("latency is measured from", STARTS[type(plan.loop)]),
    ]
    if report.latency is not None:
        values_ms = asdict(report.latency).values()
        rows += [(name, f"{value_ms:,.2f} ms") for name, value_ms in zip(PERCENTILES, values_ms, strict=True)]
    if report.client_lag is not None:
        late = f"p99 {report.client_lag.p99_ms:.2f} ms, max {report.client_lag.max_ms:.2f} ms"
        rows.append(("client sent late by", late))
    rows.append(("client's own CPU", f"{report.client_cpu_share:.0%} of one"))
    rows += [("caution", limit) for limit in report.client_limits]
    return [*rows, ("objective", describe_verdict(plan, report))]


def json_from_report(plan: LoadPlan, report: LoadReport) -> dict[str, Any]:
    """Write the report for scripts. A missing figure is None."""
    lag, loop, is_closed = report.client_lag, asdict(plan.loop), isinstance(plan.loop, ClosedLoop)
    content: dict[str, Any] = {
        "url": plan.url,
        "contract": plan.contract,
        "seed": plan.seed,
        "loop": "closed" if is_closed else "open",
        "latency_from": "sending" if is_closed else "intended send time",
        **{name: loop.get(name) for name in ("connections", "rate_per_s", "arrivals")},
        "warmup": plan.warmup,
        "requests": report.requests,
        "sent": report.sent,
        "answered": report.answered,
        "errors": dict(report.errors),
        "error_share": report.error_share,
        "model_versions": dict(report.model_versions),
        "duration_s": report.duration_s,
        "throughput_per_s": report.throughput_per_s,
        **(asdict(report.latency) if report.latency else dict.fromkeys(Latency.__slots__)),
        "client_lag_p99_ms": lag and lag.p99_ms,
        "client_lag_max_ms": lag and lag.max_ms,
        "client_cpu_share": report.client_cpu_share,
        "client_was_bottleneck": bool(report.client_limits),
        "cautions": list(report.client_limits),
        "slo_p99_ms": plan.slo_p99_ms,
        "max_error_share": plan.max_error_share,
        "passed": report.passed,
        "verdict": describe_verdict(plan, report),
    }
    return {name: round(value, DECIMALS) if isinstance(value, float) else value for name, value in content.items()}
