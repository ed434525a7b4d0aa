"""What an uplift earns more than the policy alone, on rows that it was not trained on; and whom it reaches first."""

from typing import NamedTuple

import numpy as np

from churn.judging.asymptotic_sequences import bound_mean
from churn.learning.evaluation import RowValues, find_logged_choice, value_rows
from churn.learning.guessing import guess_outcomes
from churn.learning.stakes import Stakes
from churn.outcomes.exposures import Exposures, Numbers
from churn.retention.offers.actions import NOTHING
from churn.training.uplift.lessons import Places

ALPHA = 0.10  # of both sides: the lower end alone errs in 5 %, at whichever look
TUNED_FOR = 20_000  # subscribers at whom an interval is the narrowest, set before anything is seen
SURE = 1.96


class Gain(NamedTuple):
    """What one choice brings more than another, for each subscriber.

    Args:
        money: in the policy's currency, doubly robust, with the ends of its interval.
        deviation: of the rows' values.
        kept: the share of subscribers whose leaving it prevents more.
        subscribers: whom it rests on.
        without_overlap: the share of rows whose new action the log could not have taken.
        differs: the share of rows in which both differ.
    """

    money: float
    low: float
    high: float
    deviation: float
    kept: float
    subscribers: int
    without_overlap: float
    differs: float


class Curve(NamedTuple):
    """How well a ranking reaches first those whom contact keeps: the area under its curve, with a standard error."""

    area: float
    standard_error: float

    @property
    def low(self) -> float:
        """Return the lower end of a 95 % interval, at one look."""
        return self.area - SURE * self.standard_error


def measure_gain(exposures: Exposures, stakes: Stakes, chosen: Places, against: Places) -> Gain:
    """Measure what one choice brings more than another on the same rows."""
    guess = guess_outcomes(exposures, stakes)
    new, old = (value_rows(exposures, stakes, choice, guess) for choice in (chosen, against))
    money, rows = new.money - old.money, np.arange(len(exposures))
    low, high = bound_mean(float(money.mean()), float(money.std()), len(money), ALPHA, tuned_for=TUNED_FOR)
    known = chosen < len(exposures.actions)
    chance = np.where(known, exposures.propensities[rows, np.where(known, chosen, 0)], 0)
    return Gain(
        money=float(money.mean()),
        low=float(low),
        high=float(high),
        deviation=float(money.std()),
        kept=float((new.kept - old.kept).mean()),
        subscribers=len(exposures),
        without_overlap=float(((chance == 0) & (chosen != against)).mean()),
        differs=float((chosen != against).mean()),
    )


def measure_curve(exposures: Exposures, stakes: Stakes, priority: Numbers) -> Curve:
    """Measure how well a priority ranks subscribers by what the logged choice changes: AUTOC, in points of leaving.

    It is the mean over q of how much more is prevented among the q with the highest priority than among all (RATE with
    the weight 1 / q: Yadlowsky, Fleming, Shah, Brunskill and Wager, "Evaluating treatment prioritization rules via
    rank-weighted average treatment effects", 2021). With n rows by falling priority, that of rank r weighs
    1/r + ... + 1/n - 1. Effects are doubly robust. The standard error takes the ranks as given.

    Args:
        priority: the higher, the sooner, (n,); of equal ones the earlier row is first.
    """
    chosen = find_logged_choice(exposures)
    nothing = np.full(len(exposures), exposures.actions.index(NOTHING))
    guess = guess_outcomes(exposures, stakes)
    with_it, without = (value_rows(exposures, stakes, choice, guess) for choice in (chosen, nothing))
    effect = _subtract(with_it, without)[np.argsort(-priority, kind="stable")]
    ranks = np.arange(1, len(effect) + 1)
    weight = np.cumsum((1 / ranks)[::-1])[::-1] - 1
    parts = weight * (effect - effect.mean())
    return Curve(float(parts.mean()), float(parts.std() / np.sqrt(len(parts))))


def _subtract(new: RowValues, old: RowValues) -> Numbers:
    return new.kept - old.kept
