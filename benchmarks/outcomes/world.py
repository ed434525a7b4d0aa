"""People whose truth is known: how likely each is to leave, in which arm they are, and what became of them.

Somebody comes on some day and comes again now and then. On a later day, within the horizon, they decide. They leave
with their own probability, changed by the effect of the banner if they had one when they last came. Who left does not
come again. This uses nothing of the project, so that both can be wrong only independently.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

type Numbers = NDArray[np.float64]

PEOPLE: Final = 1_200
HORIZON_DAYS: Final = 60
ENROL_DAYS: Final = 90  # somebody comes first on one of these days
CHANGE_DAY: Final = 45
MEAN_GAP_DAYS: Final = 80.0  # from one visit to the next
MOST_VISITS: Final = 5
LOOK_DAYS: Final = (90, 120, 150, 210)  # on the last everything is known
THRESHOLD: Final = 0.5
SCORES: Final = (1.2, 1.5)  # the two parameters of their beta distribution; half ask for a banner
OFFERS: Final = {"yearly": 0.3}  # the share that accepts it
BINS: Final = 10
TOP: Final = 0.1
_OF_THE_TRUTH: Final = 400_000  # people of whom the truth is counted


@dataclass(frozen=True, slots=True)
class Phase:
    """What is in force from one change to the next: the experiment, the share held out, and how many leave.

    Args:
        leaving: the factor by which the probability of those who come first in this phase is multiplied.
    """

    experiment: str
    share: float
    leaving: float = 1.0


@dataclass(frozen=True, slots=True)
class Scenario:
    """A story of a banner.

    Args:
        name: as the report shows it.
        effect: what the banner adds to the probability of leaving.
        first, second: what is in force before and after the change.
        has_horizon: whether the contract says how long one waits. If not, who left counts before those who stay.
    """

    name: str
    effect: float
    first: Phase
    second: Phase
    has_horizon: bool = True


ONE: Final = Phase("one", 0.1)
FIFTH: Final = Phase("one", 0.2)
SCENARIOS: Final = (
    Scenario("no effect, half as many leave once the share falls to .05", 0.0, ONE, Phase("one", 0.05, leaving=0.5)),
    Scenario("no effect, renamed", 0.0, ONE, Phase("two", 0.1)),
    Scenario("no effect, leavers known early", 0.0, FIFTH, FIFTH, has_horizon=False),
    Scenario("-20 points", -0.2, FIFTH, FIFTH),
    Scenario("-12 points, the share rises from .10 to .30", -0.12, ONE, Phase("one", 0.3)),
)
WORKING: Final = SCENARIOS[3]


@dataclass(frozen=True, slots=True)
class People:
    """Everybody in a scenario. Days count from its begin; visits after the last have the day infinity.

    Args:
        score: the predicted probability.
        visits: the days, (people, visits), ascending.
        in_second: whether the second phase was in force at each visit.
        treated: whether each visit was in the treatment's arm.
        decided: the day on which they leave or stay for good.
        left: whether they left.
        chance: of leaving.
        chance_untreated: of leaving, had nobody been treated.
        effect: what their chance differs by between the arms at their first visit, for each phase that they came to,
            (people, 2).
        offer: the place of their offer.
        accepts: whether they accept it.
    """

    score: Numbers
    visits: Numbers
    in_second: NDArray[np.bool_]
    treated: NDArray[np.bool_]
    decided: Numbers
    left: NDArray[np.bool_]
    chance: Numbers
    chance_untreated: Numbers
    effect: Numbers
    offer: NDArray[np.int_]
    accepts: NDArray[np.bool_]

    @property
    def has_banner(self) -> NDArray[np.bool_]:
        """Return who is asked to stay, unless they are held out."""
        return self.score > THRESHOLD

    @property
    def known_on(self) -> Numbers:
        """Return the day on which it is known what became of each."""
        return np.where(self.left, self.decided, self.visits[:, 0] + HORIZON_DAYS)


@dataclass(frozen=True, slots=True)
class Truth:
    """What the figures of a model would be, were everybody counted.

    Args:
        auc, auc_untreated, lift: as seen, and had nobody been treated.
        left: the share that leaves in each tenth of the score.
    """

    auc: float
    auc_untreated: float
    lift: float
    left: tuple[float, ...]


def draw_people(scenario: Scenario, people: int, random: np.random.Generator, *, evenly: bool = False) -> People:
    """Draw people, what the banner does to them, and what becomes of them.

    Args:
        evenly: whether their scores are spread evenly, so that chance moves no share.
    """
    ranks = (random.permutation(people) + 0.5) / people if evenly else random.random(people)
    score = np.round(betaincinv(*SCORES, ranks), 4)
    first = random.uniform(0, ENROL_DAYS, people)
    gaps = random.exponential(MEAN_GAP_DAYS, (people, MOST_VISITS - 1))
    visits = np.concatenate([first[:, None], first[:, None] + np.cumsum(gaps, axis=1)], axis=1)
    visits[visits > first[:, None] + HORIZON_DAYS] = np.inf
    decided = first + HORIZON_DAYS * random.beta(1, 2, people)
    phases = (scenario.first, scenario.second)
    in_second = visits >= CHANGE_DAY
    # One lot for each name of an experiment; a larger share holds out the same people and more.
    lots = random.random((people, 2))
    if phases[0].experiment == phases[1].experiment:
        lots[:, 1] = lots[:, 0]
    shares = np.array([phase.share for phase in phases])
    treated = np.where(in_second, lots[:, 1:] >= shares[1], lots[:, :1] >= shares[0])
    last = (visits <= decided[:, None]).sum(axis=1) - 1
    everybody = np.arange(people)
    untreated = score * np.where(in_second[:, 0], phases[1].leaving, phases[0].leaving)
    if_treated = np.clip(untreated + np.where(score > THRESHOLD, scenario.effect, 0), 0, 1)
    chance = np.where(treated[everybody, last], if_treated, untreated)
    left = random.random(people) < chance
    gone = left[:, None] & (visits > decided[:, None])
    offer = random.integers(len(OFFERS), size=people)
    return People(
        score=score,
        visits=np.where(gone, np.inf, visits),
        in_second=in_second,
        treated=treated,
        decided=decided,
        left=left,
        chance=chance,
        chance_untreated=untreated,
        effect=(if_treated - untreated)[:, None] * _reach(phases, in_second, last),
        offer=offer,
        accepts=random.random(people) < np.array(list(OFFERS.values()))[offer],
    )


def _reach(phases: tuple[Phase, Phase], in_second: NDArray[np.bool_], last: NDArray[np.int_]) -> Numbers:
    """Return how much likelier each is treated when they last came, if their first arm in a phase was the treatment.

    The arm at the last visit decides. In the same phase it is the first one. After a change of the share some of the
    first arm are in the other; after a change of the name the arms have nothing to do with each other. Who decided
    before they came to the second phase was not changed by it.
    """
    decided_in_second = in_second[np.arange(len(last)), last]
    reach = np.zeros((len(last), 2))
    reach[:, 0] = np.where(decided_in_second, _carry(*phases), 1.0)
    reach[:, 1] = decided_in_second
    return reach


def _carry(first: Phase, second: Phase) -> float:
    if first.experiment != second.experiment:
        return 0.0
    stays_treated = (1 - max(first.share, second.share)) / (1 - first.share)
    becomes_treated = max(0.0, first.share - second.share) / first.share
    return stays_treated - becomes_treated


def list_visits(scenario: Scenario, people: People) -> Iterator[tuple[float, int, dict[str, Any]]]:
    """Return the day, the person and the logged fields of each visit, person by person."""
    offers, phases = list(OFFERS), (scenario.first, scenario.second)
    for person, at in np.argwhere(np.isfinite(people.visits)):
        phase, is_treated = phases[int(people.in_second[person, at])], bool(people.treated[person, at])
        has_banner = bool(people.score[person] > THRESHOLD)
        fields = {
            "prediction_id": f"{person}-{at}",
            "subscriber": f"{person}",
            "model_version": "v1",
            "probability": float(people.score[person]),
            "banner": has_banner,
            "arm": "treatment" if is_treated else "holdout",
            "offer": offers[people.offer[person]] if has_banner and is_treated else None,
            "policy_version": f"{phase.experiment} {phase.share}",
            "experiment": phase.experiment,
            "holdout_share": phase.share,
        }
        yield float(people.visits[person, at]), int(person), fields


def find_effects(scenario: Scenario, people: People, until: float) -> dict[tuple[str, float], float]:
    """Return the mean effect on those who came first in each experiment under each share, until a day."""
    counted = np.isfinite(people.visits) & (people.visits <= until) & people.has_banner[:, None]
    effects: dict[tuple[str, float], float] = {}
    is_new = np.ones(len(people.score), dtype=bool)
    for number, phase in enumerate((scenario.first, scenario.second)):
        if phase.experiment != scenario.first.experiment:
            is_new[:] = True
        came = (counted & (people.in_second == bool(number))).any(axis=1) & is_new
        is_new &= ~came
        own = people.effect[came, number]
        key = (phase.experiment, phase.share)
        if not came.any():
            continue
        if key in effects:  # nothing was changed
            own = np.concatenate([people.effect[(counted & ~people.in_second).any(axis=1), 0], own])
        effects[key] = float(own.mean())
    return effects


@cache
def find_truth(scenario: Scenario, until: float) -> Truth:
    """Return the true figures of the model, of those who came first until a day."""
    everybody = _draw_everybody(scenario)
    came = everybody.visits[:, 0] <= until
    score, chance, untreated = everybody.score[came], everybody.chance[came], everybody.chance_untreated[came]
    top = np.argsort(-score, kind="stable")[: round(TOP * len(score))]
    bins = np.minimum((score * BINS).astype(int), BINS - 1)
    return Truth(
        auc=_measure_area(score, chance),
        auc_untreated=_measure_area(score, untreated),
        lift=float(chance[top].mean() / chance.mean()),
        left=tuple(float(chance[bins == number].mean()) for number in range(BINS)),
    )


@lru_cache(1)
def _draw_everybody(scenario: Scenario) -> People:
    return draw_people(scenario, _OF_THE_TRUTH, np.random.default_rng(17), evenly=True)


def _measure_area(score: Numbers, chance: Numbers) -> float:
    """Return the chance that somebody who leaves has the higher score than somebody who stays; ties count half."""
    values, at = np.unique(score, return_inverse=True)
    gone, stayed = (np.bincount(at, weights, len(values)) for weights in (chance, 1 - chance))
    below = np.cumsum(stayed) - stayed / 2
    return float(gone @ below / (gone.sum() * stayed.sum()))
