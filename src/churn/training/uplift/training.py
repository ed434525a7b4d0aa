"""Trains an uplift, and measures it on the half that it was not trained on. Pure: nothing is read or written."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Final

import numpy as np

from churn.learning.choosing import choose_actions
from churn.learning.evaluation import find_logged_choice
from churn.learning.measures import Rates
from churn.learning.stakes import Stakes
from churn.outcomes.exposures import Exposures, Flags, Numbers
from churn.retention.offers.actions import NOTHING
from churn.retention.offers.document import WithoutOffer
from churn.training.gates import Gate
from churn.training.uplift.boosting import Adjustment, fit_adjustment
from churn.training.uplift.choosing import choose_by_uplift
from churn.training.uplift.gates import Traffic, Wait, check_uplift, estimate_wait
from churn.training.uplift.lessons import Places, blank_columns, collect_lessons, find_policy_effects, split_subscribers
from churn.training.uplift.value import Curve, Gain, measure_curve, measure_gain

FOLDS: Final = 3
MICROSECONDS: Final = 1_000_000
MOST_TIME: Final = 2**52

type Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class TrainedUplift:
    """An uplift and what was measured of it.

    Args:
        adjustment: fitted to all rows above the threshold.
        traffic: whom it rests on.
        gain: what it earns more than the policy, out of half; None without rows.
        curves: the AUTOC of rankings by the risk, by the policy's effect and by the uplift's.
        gates: whether it may be sealed.
        wait: what it would take.
    """

    adjustment: Adjustment
    traffic: Traffic
    gain: Gain | None
    curves: Mapping[str, Curve]
    gates: tuple[Gate, ...]
    wait: Wait

    @property
    def is_open(self) -> bool:
        """Return whether all gates hold."""
        return all(gate.passed for gate in self.gates)


def train_uplift(
    exposures: Exposures,
    stakes: Stakes,
    rates: Rates,
    *,
    hidden: Sequence[str] = (),
    without_offer: WithoutOffer = "nothing",
    horizon_days: int | None = None,
    currency: str = "",
    seed: int = 0,
    threads: int = 1,
    progress: Progress = lambda _done, _total: None,
) -> TrainedUplift:
    """Train an uplift over a policy's effects, on the rows above the threshold.

    Args:
        rates: those of the policy in force, whose effects are adjusted.
        hidden: names of features that no choice may depend on.
        without_offer: what the policy shows where no offer is worth it.
        progress: told how many of the fits are done, of how many.
    """
    above = exposures.is_above
    stakes, exposures = stakes.choose(above), exposures.choose(above)
    exposures = replace(exposures, features=blank_columns(exposures.features, exposures.feature_names, hidden))
    fits = 3 * (FOLDS + 1)

    def fit(rows: Flags | slice, begun: int) -> Adjustment:
        own, own_stakes = exposures.choose(_list(rows, len(exposures))), stakes.choose(_list(rows, len(exposures)))
        folds = split_subscribers(own, FOLDS, seed)
        lessons = collect_lessons(own, own_stakes, rates, folds)
        return fit_adjustment(
            lessons,
            folds,
            seed=seed,
            threads=threads,
            progress=lambda done, _: progress(begun * (FOLDS + 1) + done, fits),
        )

    traffic = count_traffic(exposures, horizon_days)
    if not len(exposures):
        adjustment = Adjustment((), None, 0, 0.0)
        gates = tuple(check_uplift(traffic, adjustment, None, currency))
        return TrainedUplift(adjustment, traffic, None, {}, gates, estimate_wait(traffic, None))
    half = split_subscribers(exposures, 2, seed + 1)
    added = np.zeros((len(exposures), len(stakes.actions)))
    for number in (0, 1):
        own = half == number
        added[own] = fit(~own, number).adjust(exposures.features[own], stakes.actions)
    probability = exposures.probability
    chosen = choose_by_uplift(stakes, probability, rates, added, without_offer=without_offer)
    against = choose_actions(stakes, probability, rates, without_offer=without_offer)
    gain = measure_gain(exposures, stakes, chosen, against)
    adjustment = fit(slice(None), 2)
    gates = tuple(check_uplift(traffic, adjustment, gain, currency))
    curves = _measure_curves(exposures, stakes, rates, added)
    return TrainedUplift(adjustment, traffic, gain, curves, gates, estimate_wait(traffic, gain))


def count_traffic(exposures: Exposures, horizon_days: int | None = None) -> Traffic:
    """Count who came, among rows above the threshold."""
    explored = exposures.propensities > 0
    explored[:, exposures.actions.index(NOTHING)] = False
    explored[np.arange(len(exposures)), find_logged_choice(exposures)] = False
    first, last = (
        _name_day(int(time)) for time in (exposures.time.min(initial=MOST_TIME), exposures.time.max(initial=0))
    )
    return Traffic(len(exposures), int(explored.any(axis=1).sum()), min(first, last), last, horizon_days)


def _measure_curves(exposures: Exposures, stakes: Stakes, rates: Rates, added: Numbers) -> dict[str, Curve]:
    """Measure rankings by risk, and by the effect of what was chosen, as policy and uplift say it."""
    rows, logged = np.arange(len(exposures)), find_logged_choice(exposures)
    said = np.nan_to_num(find_policy_effects(exposures, stakes, rates))[rows, logged]
    priorities = {"risk": exposures.probability, "policy": said, "uplift": said + added[rows, logged]}
    return {name: measure_curve(exposures, stakes, priority) for name, priority in priorities.items()}


def _list(rows: Flags | slice, count: int) -> Places:
    return np.arange(count)[rows]


def _name_day(microseconds: int) -> date:
    return datetime.fromtimestamp(microseconds / MICROSECONDS, UTC).date()
