"""From what a service exposes, as families of samples, to counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from churn.judging import metrics as measures
from churn.judging.counts import Counts
from churn.judging.metrics import LATENCY_BOUNDS_S, PREDICT_ROUTE, PROBABILITY_BOUNDS

ANSWERED, FAILED = "2xx", "5xx"
INFINITE = float("inf")
# Which label tells a family's samples apart.
KEYS = {
    measures.REQUESTS: "status",
    f"{measures.REQUEST_DURATION}_bucket": "le",
    measures.PREDICTIONS: "tier",
    f"{measures.PROBABILITY}_bucket": "le",
    measures.BANNERS: "",
    measures.TOP_FEATURE: "feature",
    measures.TOP_SET: "features",
}
# All that is read of a service.
NAMES = (*KEYS, measures.BUNDLE_INFO)


@dataclass(slots=True)
class Gathering:
    """Takes samples one by one, in any order; of other names or routes it takes none."""

    numbers: Counter[tuple[str, str]] = field(default_factory=Counter)
    versions: set[str] = field(default_factory=set)

    def add(self, name: str, labels: Mapping[str, str], value: float) -> None:
        """One sample; of a counter, how many there were since the instance started."""
        if name == measures.BUNDLE_INFO:
            self.versions.add(labels.get("model_version", ""))
        elif name in KEYS and labels.get("route", PREDICT_ROUTE) == PREDICT_ROUTE:
            key = labels.get(KEYS[name], "")
            self.numbers[name, str(float(key)) if KEYS[name] == "le" else key] += round(value)

    @property
    def empty(self) -> bool:
        """Whether this is no service that counts what is judged."""
        return not any(name == measures.REQUESTS for name, _ in self.numbers)

    def counts(self) -> Counts:
        """What they say."""
        status = self._named(measures.REQUESTS)
        errors, tiers = status.get(FAILED, 0), self._named(measures.PREDICTIONS)
        return Counts(
            requests=status.get(ANSWERED, 0) + errors,
            errors=errors,
            latency=self._buckets(f"{measures.REQUEST_DURATION}_bucket", (*LATENCY_BOUNDS_S, INFINITE)),
            predictions=sum(tiers.values()),
            probability=self._buckets(f"{measures.PROBABILITY}_bucket", PROBABILITY_BOUNDS),
            tiers=tiers,
            banners=self._named(measures.BANNERS).get("", 0),
            top_features=self._named(measures.TOP_FEATURE),
            top_sets=self._named(measures.TOP_SET),
        )

    def _named(self, family: str) -> dict[str, int]:
        return {key: number for (name, key), number in self.numbers.items() if name == family}

    def _buckets(self, family: str, bounds: Iterable[float]) -> tuple[int, ...]:
        """One number for each bucket, where the samples are summed up."""
        sums = [self.numbers[family, str(float(bound))] for bound in bounds]
        return tuple(now - before for before, now in zip([0, *sums], sums, strict=False))
