"""What may be true of two versions, and the right verdict on them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy.special import betainc, ndtr

from benchmarks.judge.habits import MEAN, ONCE, Habit
from benchmarks.judge.population import STRENGTHS, Model
from churn.judging.metrics import LATENCY_BOUNDS_S, PROBABILITY_BINS
from churn.judging.sequences import Numbers

FIRST: Final = Model()


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How a version answers.

    Args:
        errors: the share of requests that fail.
        latency_ms: the median of the latency, which is log-normal.
        spread: the standard deviation of the latency's logarithm.
        model: how it rates subscribers.
    """

    errors: float = 0.005
    latency_ms: float = 4.0
    spread: float = 0.5
    model: Model = FIRST

    @property
    def latency_shares(self) -> Numbers:
        """The share of requests in each bucket of the latency."""
        within = ndtr(np.log(np.array(LATENCY_BOUNDS_S) * 1000 / self.latency_ms) / self.spread)
        return np.diff(within, prepend=0, append=1)

    @property
    def probability_shares(self) -> Numbers:
        """The share of predictions in each bin of the probability."""
        return np.diff(betainc(*self.model.scores, np.linspace(0, 1, PROBABILITY_BINS + 1)))


@dataclass(frozen=True, slots=True)
class Scenario:
    """Two versions, and the right verdict on them.

    Args:
        name: as the report shows it.
        stable: how the old version answers.
        canary: how the new one answers.
        should: the right verdict. It is `hold` where the canary is as bad as is tolerated: neither of the others may
            happen often.
        requests_each: how often each subscriber asks, more than a minute apart without a habit. All requests of a
            subscriber go to one version.
        drift: the factor by which error share and latency of both versions change during a run.
        earlier: the requests that the stable version has answered before the run.
        before: the factor by which its error share and latency were larger then.
        relative_tolerance: of errors; a part of stable's share.
        canary_share: of the subscribers.
        habit: how they ask, where each request is not independent. Then `errors` is the share of subscribers who fail.
        baseline: how the old version answers on the canary's machine, with the canary's share; None without a baseline.
        times: how many times as many requests as usual are played.
    """

    name: str
    stable: Behaviour
    canary: Behaviour
    should: str
    requests_each: int = 1
    drift: float = 1.0
    earlier: int = 100_000
    before: float = 1.0
    relative_tolerance: float = 0.0
    canary_share: float = 0.1
    habit: Habit = ONCE
    baseline: Behaviour | None = None
    times: int = 1


USUAL: Final = Behaviour()
HEALTHY: Final = replace(USUAL, errors=0.0002)
SLOWER: Final = replace(HEALTHY, latency_ms=4.8)  # on a slower machine
# Half of the subscribers get into another bin of scores, as after another draw of the training data.
RETRAINED: Final = Model(noise=0.03)
# The largest difference between the shares of scores up to a bound is 0.0500, which is tolerated.
AT_TOLERANCE: Final = Model(scores=(1.3377, 2.4), noise=0.03)
SHIFTED: Final = Model(scores=(1.6, 2.4), noise=0.03)
SWAPPED: Final = Model(strengths=(*STRENGTHS[2::-1], *STRENGTHS[3:]))


def _with_model(behaviour: Behaviour, model: Model) -> Behaviour:
    return replace(behaviour, model=model)


def _in_a_row() -> Iterator[Scenario]:
    """Yield what happens where failures of one subscriber come in a row, by what it is told as."""
    bad, worse = replace(USUAL, errors=0.02), replace(USUAL, errors=0.05)
    all_often, failing, untold = Habit("everybody"), Habit("who fails"), Habit("who fails", is_told=False)
    yield Scenario("the same version, all ask 5 to 50 times", USUAL, USUAL, "promote", round(MEAN), habit=all_often)
    yield Scenario("the same version, who fails asks 5 to 50 times", USUAL, USUAL, "promote", habit=failing)
    yield Scenario("the same, and the service does not tell repeats", USUAL, USUAL, "hold", habit=untold)
    for retries in (2, 4):
        again, untold_retries = Habit(retries=retries), Habit(retries=retries, is_told=False)
        yield Scenario(f"the same version, {retries} more tries of each failure", USUAL, USUAL, "promote", habit=again)
    yield Scenario("the same, and the service does not tell retries", USUAL, USUAL, "hold", habit=untold_retries)
    yield Scenario("0.5 % to 5 % fail, all ask 5 to 50 times", USUAL, worse, "roll back", round(MEAN), habit=all_often)
    yield Scenario("0.5 % to 2 % fail, who fails asks 5 to 50 times", USUAL, bad, "roll back", habit=failing)
    yield Scenario("0.5 % to 2 % fail, 4 more tries of each", USUAL, bad, "roll back", habit=again)


OFTEN_ASKED: Final = Scenario("the same version, 5 requests each", HEALTHY, HEALTHY, "promote", requests_each=5)
SCENARIOS: Final = (
    Scenario("the same version", USUAL, USUAL, "promote"),
    Scenario("the same version, hardly an error", HEALTHY, HEALTHY, "promote"),
    Scenario("the same version, 2 requests each", HEALTHY, HEALTHY, "promote", requests_each=2),
    OFTEN_ASKED,
    Scenario("the same version, 20 requests each", HEALTHY, HEALTHY, "promote", requests_each=20),
    Scenario("the same version, 50 requests each", HEALTHY, HEALTHY, "promote", requests_each=50),
    Scenario("the same version, drifting x4", USUAL, USUAL, "promote", drift=4),
    Scenario("trained anew, 5 requests each", HEALTHY, _with_model(HEALTHY, RETRAINED), "promote", requests_each=5),
    Scenario("errors as many as tolerated", HEALTHY, replace(HEALTHY, errors=0.0012), "hold"),
    Scenario("scores as far off as tolerated", HEALTHY, _with_model(HEALTHY, AT_TOLERANCE), "hold"),
    Scenario(
        "scores as far off as tolerated, 5 requests each",
        HEALTHY,
        _with_model(HEALTHY, AT_TOLERANCE),
        "hold",
        requests_each=5,
    ),
    Scenario("errors 0.5 % to 2 %", USUAL, replace(USUAL, errors=0.02), "roll back"),
    Scenario("errors 0.5 % to 2 %, stable unknown", USUAL, replace(USUAL, errors=0.02), "roll back", earlier=0),
    Scenario("errors 0.5 % to 2 %, stable was twice as bad", USUAL, replace(USUAL, errors=0.02), "roll back", before=2),
    Scenario("errors 0.5 % to 5 %", USUAL, replace(USUAL, errors=0.05), "roll back"),
    Scenario("latency x1.5, within the objective", USUAL, replace(USUAL, latency_ms=6.0), "hold"),
    Scenario("scores shifted", USUAL, _with_model(USUAL, SHIFTED), "roll back"),
    Scenario("scores shifted, 5 requests each", USUAL, _with_model(USUAL, SHIFTED), "roll back", requests_each=5),
    Scenario("reasons swapped", USUAL, _with_model(USUAL, SWAPPED), "roll back"),
    Scenario("the same version, a canary of 50 %", USUAL, USUAL, "promote", canary_share=0.5),
    Scenario(
        "the same version, a canary of 50 %, half of stable's errors tolerated",
        USUAL,
        USUAL,
        "promote",
        relative_tolerance=0.5,
        canary_share=0.5,
    ),
    Scenario(
        "errors 0.5 % to 0.75 %, half of stable's tolerated",
        USUAL,
        replace(USUAL, errors=0.0075),
        "hold",
        relative_tolerance=0.5,
    ),
    Scenario(
        "errors 0.5 % to 2 %, half of stable's tolerated",
        USUAL,
        replace(USUAL, errors=0.02),
        "roll back",
        relative_tolerance=0.5,
    ),
    Scenario("the same version, a machine 1.2 times slower", USUAL, replace(USUAL, latency_ms=4.8), "hold"),
    Scenario("latency x20, 3.3 % over the objective", USUAL, replace(USUAL, latency_ms=80.0), "roll back"),
    Scenario("latency x50, half over the objective", USUAL, replace(USUAL, latency_ms=200.0), "roll back"),
    *_in_a_row(),
    Scenario("the same version, a slow pair with a baseline", HEALTHY, SLOWER, "promote", baseline=SLOWER),
    Scenario("latency x1.5, with a baseline", USUAL, replace(USUAL, latency_ms=6.0), "roll back", baseline=USUAL),
    Scenario(
        "failures as many as tolerated, all ask 5 to 50 times, ten times as many requests",
        HEALTHY,
        replace(HEALTHY, errors=0.0012),
        "hold",
        requests_each=round(MEAN),
        habit=Habit("everybody"),
        times=10,
    ),
    Scenario(
        "the same version, hardly an error, all ask 5 to 50 times, ten times as many requests",
        HEALTHY,
        HEALTHY,
        "promote",
        requests_each=round(MEAN),
        habit=Habit("everybody"),
        times=10,
    ),
)
