"""A judge for others over two real servers of counters, with a clock that a test moves."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from churn.rollout.sources import Instances
from churn.verdicts.analysis import LEAST_S, Analyst, Answer
from support.exposing import Exposed, Service, exposing
from support.rollouts import plan

# So that few answers suffice.
TOLERANT = ("error share", "over 200 ms", "latency", "latency p99", "refused requests", "traffic split")


@dataclass
class Watched:
    """Two services, and who judges them."""

    stable: Service
    canary: Service
    at: dict[str, Exposed]
    analyst: Analyst
    now_s: float = 0.0

    def ask(self, name: str = "revision 1", weight: int | None = 10) -> Answer:
        """Ask, once the next look may be taken."""
        self.now_s += LEAST_S
        return self.analyst.ask(name, weight)

    def answer(self, times: int = 600, *, errors: int = 0, took_s: float = 0.0015) -> None:
        """Both answer, nine of ten times stable; the canary fails so often."""
        self.stable.answers(0.3, "low", times=times * 9)
        self.canary.answers(0.3, "low", times=times, took_s=took_s)
        self.canary.requests.labels("/predict", "5xx").inc(errors)


@contextmanager
def watching(*, canary: Service | None = None, **changes: Any) -> Iterator[Watched]:
    """Both versions serve, and nothing is judged that needs the prediction log."""
    services = Service("v1"), canary or Service("v2")
    steps = plan(model_checks=False, tolerances=dict.fromkeys(TOLERANT, 0.1), **changes)
    with exposing(services[0]) as one, exposing(services[1]) as other:
        source = Instances(lambda: {"stable": [one.address], "canary": [other.address]})
        analyst = Analyst(source=source, plan=steps, checks=steps.checks)
        watched = Watched(*services, {"stable": one, "canary": other}, analyst)
        analyst.now_s = lambda: watched.now_s
        yield watched
