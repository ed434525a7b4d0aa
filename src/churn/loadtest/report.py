"""From samples to figures and a verdict."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from churn.loadtest.plan import LoadPlan, OpenLoop
from churn.loadtest.samples import Run

LATE_MS = 10.0
"""A client that sends one request in a hundred later than this is part of what it measures."""
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
    """What came of a load test.

    Args:
        requests: all that were counted; `answered` and `errors` add up to it.
        sent: those that the client began to send.
        answered: those answered with a prediction.
        errors: kind -> count, most frequent first.
        duration_s: from the start to the last answer.
        throughput_per_s: predictions in a second.
        latency: of the answered ones alone; None if there are none.
        client_lag: how late requests were sent; None in a closed loop, where none is due at any time.
        client_cpu_share: of one CPU, used by the client itself.
        client_limits: sentences on how the client itself got in the way; empty if it did not.
        model_versions: version -> answers, most frequent first.
        misses: sentences on what the run should have held; empty if it held all.
    """

    requests: int
    sent: int
    answered: int
    errors: Mapping[str, int]
    duration_s: float
    throughput_per_s: float
    latency: Latency | None
    client_lag: Latency | None
    client_cpu_share: float
    client_limits: Sequence[str]
    model_versions: Mapping[str, int]
    misses: Sequence[str]

    @property
    def passed(self) -> bool:
        """Whether the run held all it should."""
        return not self.misses

    @property
    def error_share(self) -> float:
        """Of all requests, 0..1."""
        return sum(self.errors.values()) / max(self.requests, 1)


def take_nearest_rank(ordered: Sequence[float], per_mille: int) -> float:
    """The smallest measured value that at least so many in a thousand do not exceed; never one between two.

    Args:
        ordered: at least one value, rising.
        per_mille: 1..1000; an integer, because 0.07 * 100 is more than 7.
    """
    rank = -(-len(ordered) * per_mille // 1000)
    return ordered[rank - 1]


def summarise_latency(values_ms: Iterable[float]) -> Latency | None:
    """Sums up durations; None if there are none."""
    ordered = sorted(values_ms)
    if not ordered:
        return None
    median, p95, p99, p99_9 = (take_nearest_rank(ordered, per_mille) for per_mille in (500, 950, 990, 999))
    return Latency(statistics.fmean(ordered), median, p95, p99, p99_9, ordered[-1])


def summarise(run: Run, plan: LoadPlan) -> LoadReport:
    """All figures of a run and whether they hold what the plan asks."""
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
    # In an open loop a busy client is no harm as long as it keeps the schedule; at high rates it waits actively.
    late = (
        f"the client could not keep the schedule: it sent one request in a hundred {lag.p99_ms:,.0f} ms late or later, "
        "and that is part of the latencies"
    )
    return [late] if lag.p99_ms > LATE_MS else []
