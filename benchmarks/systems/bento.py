"""(f) BentoML: a service with two workers that answers with pred_contribs and reasons."""

import os

import bentoml

from benchmarks.systems.pred_contribs import explain, load_booster
from benchmarks.systems.wire import Answer, Subscriber


@bentoml.service(workers=2)
class Churn:
    """Load the model once per worker."""

    def __init__(self) -> None:
        self.booster = load_booster(os.environ["BENCH_MODEL"])

    @bentoml.api  # type: ignore[untyped-decorator]
    def predict(self, subscriber: Subscriber, /) -> Answer:
        """Explain one subscriber."""
        return explain(self.booster, subscriber)
