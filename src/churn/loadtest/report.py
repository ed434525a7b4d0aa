"""From samples to figures and a verdict."""

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from churn.loadtest.plan import LoadPlan, OpenLoop
from churn.loadtest.samples import Run

LATE_MS = 10.0  # a client whose p99 of lag is larger distorts its own measurement
BUSY_SHARE = 0.9


@dataclass(frozen=True, slots=True)
class Latency:
    """How long answers took, in milliseconds."""

    mean_ms: float
    median_ms: float
    p95_ms: float
    p99_ms: float
    p99_9_ms: float
    max_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadReport:
    """The figures and the verdict of a load test."""

    requests: int  # answered ones and errors
    sent: int
    answered: int  # with a prediction
    errors: Mapping[str, int]  # kind -> count, most frequent first
    duration_s: float  # from the start to the last answer
    throughput_per_s: float  # predictions in a second
    latency: Latency | None  # of predictions; None without any
    client_lag: Latency | None  # how late requests were sent; None in a closed loop, which has no schedule
    client_cpu_share: float  # of one CPU
    client_limits: Sequence[str]  # sentences on how the client distorted the measurement
    model_versions: Mapping[str, int]  # version -> answers, most frequent first
    misses: Sequence[str]  # sentences on objectives that do not hold

    @property
    def passed(self) -> bool:
        return not self.misses

    @property
    def error_share(self) -> float:
        return sum(self.errors.values()) / max(self.requests, 1)


def take_nearest_rank(ordered: Sequence[float], per_mille: int) -> float:
    """Return the smallest of the rising values that at least `per_mille` in a thousand do not exceed.

    `per_mille` is an integer because 0.07 * 100 is more than 7.
    """
    return ordered[-(-len(ordered) * per_mille // 1000) - 1]


def summarise_latency(values_ms: Iterable[float]) -> Latency | None:
    """Sum up durations; return None without any."""
    ordered = sorted(values_ms)
    if not ordered:
        return None
    median, p95, p99, p99_9 = (take_nearest_rank(ordered, per_mille) for per_mille in (500, 950, 990, 999))
    return Latency(statistics.fmean(ordered), median, p95, p99, p99_9, ordered[-1])


def summarise(run: Run, plan: LoadPlan) -> LoadReport:
    """Compute all figures of a run, and check them against the plan."""
    answered = [sample for sample in run.samples if sample.error is None]
    errors = Counter(sample.error for sample in run.samples if sample.error is not None)
    duration_s = max((sample.ended_s for sample in run.samples), default=0.0)
    latency = summarise_latency(sample.latency_ms for sample in answered)
    sent = [(sample.intended_s, sample.sent_s) for sample in run.samples if sample.sent_s is not None]
    lag = (
        summarise_latency((sent_s - due_s) * 1000 for due_s, sent_s in sent)
        if isinstance(plan.loop, OpenLoop)
        else None
    )
    cpu_share = run.cpu_s / duration_s if duration_s else 0.0
    return LoadReport(
        requests=len(run.samples),
        sent=len(sent),
        answered=len(answered),
        errors=dict(errors.most_common()),
        duration_s=duration_s,
        throughput_per_s=len(answered) / duration_s if duration_s else 0.0,
        latency=latency,
        client_lag=lag,
        client_cpu_share=cpu_share,
        client_limits=_client_limits(lag, cpu_share),
        model_versions=dict(Counter(str(sample.model_version) for sample in answered).most_common()),
        misses=_misses(plan, latency, len(run.samples), errors.total()),
    )


def _misses(plan: LoadPlan, latency: Latency | None, requests: int, failed: int) -> list[str]:
    misses = []
    if latency is None:
        misses.append("no request was answered with a prediction")
    elif not latency.p99_ms < plan.slo_p99_ms:
        misses.append(f"p99 of {latency.p99_ms:,.1f} ms is not under {plan.slo_p99_ms:,g} ms")
    if failed / max(requests, 1) > plan.max_error_share:
        misses.append(f"{failed:,} of {requests:,} requests failed, at most {plan.max_error_share * 100:g} % may")
    return misses


def _client_limits(lag: Latency | None, cpu_share: float) -> list[str]:
    if lag is None:
        busy = f"the client itself used {cpu_share:.0%} of a CPU: a faster one might measure a faster service"
        return [busy] if cpu_share > BUSY_SHARE else []
    # A busy client does no harm in an open loop while it keeps the schedule: it waits actively at high rates.
    late = (
        f"the client could not keep the schedule: it sent one request in a hundred {lag.p99_ms:,.0f} ms late or later, "
        "and that is part of the latencies"
    )
    return [late] if lag.p99_ms > LATE_MS else []
