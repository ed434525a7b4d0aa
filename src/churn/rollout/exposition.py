"""From what a service exposes, as families of samples, to counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from churn.judging import metrics
from churn.judging.counts import Counts
from churn.judging.metrics import LATENCY_BOUNDS_S, PREDICT_ROUTE, PROBABILITY_BOUNDS

ANSWERED, FAILED = "2xx", "5xx"
INFINITE = float("inf")
# Which label tells a family's samples apart.
KEYS = {
    metrics.REQUESTS.name: "status",
    f"{metrics.REQUEST_DURATION.name}_bucket": "le",
    metrics.PREDICTIONS.name: "tier",
    f"{metrics.PROBABILITY.name}_bucket": "le",
    metrics.BANNERS.name: "",
    metrics.TOP_FEATURE.name: "feature",
    metrics.TOP_SET.name: "features",
}
# All that is read of a service.
NAMES = (*KEYS, metrics.BUNDLE_INFO.name)


@dataclass(slots=True)
class Gathering:
    """Takes samples one by one, in any order; of other names or routes it takes none."""

    numbers: Counter[tuple[str, str]] = field(default_factory=Counter)
    versions: set[str] = field(default_factory=set)

    def add(self, name: str, labels: Mapping[str, str], value: float) -> None:
        """One sample; of a counter, how many there were since the instance started."""
        if name == metrics.BUNDLE_INFO.name:
            self.versions.add(labels.get("model_version", ""))
        elif name in KEYS and labels.get("route", PREDICT_ROUTE) == PREDICT_ROUTE:
            key = labels.get(KEYS[name], "")
            self.numbers[name, str(float(key)) if KEYS[name] == "le" else key] += round(value)

    @property
    def empty(self) -> bool:
        """Whether this is no service that counts what is judged."""
        return not any(name == metrics.REQUESTS.name for name, _ in self.numbers)

    def counts(self) -> Counts:
        """What they say."""
        status = self._named(metrics.REQUESTS.name)
        errors, tiers = status.get(FAILED, 0), self._named(metrics.PREDICTIONS.name)
        return Counts(
            requests=status.get(ANSWERED, 0) + errors,
            errors=errors,
            latency=self._buckets(f"{metrics.REQUEST_DURATION.name}_bucket", (*LATENCY_BOUNDS_S, INFINITE)),
            predictions=sum(tiers.values()),
            probability=self._buckets(f"{metrics.PROBABILITY.name}_bucket", PROBABILITY_BOUNDS),
            tiers=tiers,
            banners=self._named(metrics.BANNERS.name).get("", 0),
            top_features=self._named(metrics.TOP_FEATURE.name),
            top_sets=self._named(metrics.TOP_SET.name),
        )

    def _named(self, family: str) -> dict[str, int]:
        return {key: number for (name, key), number in self.numbers.items() if name == family}

    def _buckets(self, family: str, bounds: Iterable[float]) -> tuple[int, ...]:
        """One number for each bucket, where the samples are summed up."""
        sums = [self.numbers[family, str(float(bound))] for bound in bounds]
        return tuple(now - before for before, now in zip([0, *sums], sums, strict=False))
