"""The effect of what was shown, from chances that are known: on leaving, on money, or on any other number.

Of each subscriber it is known with which chance they would have been shown either of two things. So

    g1(x) - g0(x) + [first] / chance * (y - g1(x)) - [second] / other chance * (y - g0(x))

has the effect as its mean, whatever g1 and g0 guess: augmented inverse probability weighting (Robins, Rotnitzky and
Zhao 1994). A good guess makes it narrower. Here it is a curve of three numbers over the champion's score. It is fitted
to others than those it is asked of (cross-fitting, Chernozhukov et al. 2018), and drawn to one curve for all
where few were shown the one thing.

The interval is the asymptotic confidence sequence of that mean. It needs enough subscribers on both sides. Before, the
exact one of `strata.py` counts: there those with the same two chances are a stratum.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from churn.judging.asymptotic_sequences import bound_mean
from churn.outcomes.estimates import ALPHA, Estimate
from churn.outcomes.exposures import Exposures, Flags, Numbers
from churn.outcomes.strata import Stratum, bound_effect
from churn.retention.offers.actions import NOTHING

TUNED_FOR: Final = 5_000  # subscribers; at this size the sequence is narrowest
FEWEST: Final = 200  # subscribers of each side who count, as many of equal weight as tell as much (Kish 1965)
FEWEST_EVENTS: Final = 20  # of each side who left, and who stayed
_FOLDS = 5
_PRIOR = 10.0  # so many subscribers hold a side's curve to the one for all


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two things that n subscribers could have been shown, and what came of it.

    Args:
        score: the champion's probability of leaving, (n,).
        is_first, is_second: who was shown the one or the other, (n,); the rest was shown something else.
        chance, other_chance: of either, above 0, (n,).
        low, high: the number that came of it, 1 for leaving. They differ where nobody knows it, (n,).
    """

    score: Numbers
    is_first: Flags
    is_second: Flags
    chance: Numbers
    other_chance: Numbers
    low: Numbers
    high: Numbers

    def __len__(self) -> int:
        """Return the number of subscribers."""
        return len(self.score)

    @property
    def is_known(self) -> Flags:
        """Return of whom it is known what came of it."""
        return np.asarray(self.low == self.high)

    def choose(self, rows: Flags) -> "Comparison":
        """Return some of the subscribers."""
        return Comparison(*(getattr(self, name)[rows] for name in self.__slots__))

    def count_effective(self) -> tuple[float, float]:
        """Return for either side how many of equal weight would tell as much."""
        sizes = []
        for rows, chance in ((self.is_first, self.chance), (self.is_second, self.other_chance)):
            weights = 1 / chance[rows & self.is_known]
            sizes.append(float(weights.sum() ** 2 / (weights**2).sum()) if len(weights) else 0.0)
        return sizes[0], sizes[1]

    @property
    def is_large(self) -> bool:
        """Return whether there are enough for the asymptotic sequence."""
        events = [
            min(np.count_nonzero(rows & (self.high == 0)), np.count_nonzero(rows & (self.low == 1)))
            for rows in (self.is_first, self.is_second)
        ]
        return bool(min(self.count_effective()) >= FEWEST and min(events) >= FEWEST_EVENTS)


def compare_actions(
    exposures: Exposures,
    action: str,
    against: str = NOTHING,
    *,
    low: Numbers | None = None,
    high: Numbers | None = None,
) -> Comparison:
    """Compare an action with another one, among those who could have had either.

    Args:
        exposures: n subscribers.
        action, against: each one of the exposures' actions.
        low, high: the number that came of it, (n,); by default whether they left.
    """
    first, second = exposures.actions.index(action), exposures.actions.index(against)
    chance, other = exposures.propensities[:, first], exposures.propensities[:, second]
    sides = exposures.taken == first, exposures.taken == second
    whole = Comparison(exposures.probability, *sides, chance, other, *_find_ends(exposures, low, high))
    return whole.choose((chance > 0) & (other > 0))


def compare_banner(exposures: Exposures, *, low: Numbers | None = None, high: Numbers | None = None) -> Comparison:
    """Compare the treatment with the holdout, among those whom a lot could hold out. The rest is as above."""
    share, held = exposures.holdout_share, exposures.held_out
    whole = Comparison(exposures.probability, ~held, held, 1 - share, share, *_find_ends(exposures, low, high))
    return whole.choose((share > 0) & (share < 1))


def pseudo_outcomes(exposures: Exposures, action: str, against: str = NOTHING) -> Numbers:
    """Return for each row a number whose mean is the effect on leaving, (n,); NaN where an action was impossible."""
    numbers = np.full(len(exposures), np.nan)
    first, second = exposures.actions.index(action), exposures.actions.index(against)
    is_possible = (exposures.propensities[:, first] > 0) & (exposures.propensities[:, second] > 0)
    comparison = compare_actions(exposures, action, against)
    numbers[is_possible] = weigh_outcomes(comparison, comparison.low)
    return numbers


def _find_ends(exposures: Exposures, low: Numbers | None, high: Numbers | None) -> tuple[Numbers, Numbers]:
    left = exposures.left.astype(float)
    return left if low is None else low, left if high is None else high


def weigh_outcomes(comparison: Comparison, *outcomes: Numbers) -> Numbers:
    """Return for each subscriber a number whose mean is the effect, (n,).

    Args:
        comparison: who was shown what, and with which chance.
        outcomes: what came of it, or that of the first side and that of the second, (n,).
    """
    first, second = outcomes[0], outcomes[-1]
    outcome = np.where(comparison.is_first, first, second)
    of_first, of_second = _guess(comparison, outcome)
    return np.asarray(
        of_first
        - of_second
        + comparison.is_first / comparison.chance * (outcome - of_first)
        - comparison.is_second / comparison.other_chance * (outcome - of_second)
    )


def estimate_effect(comparison: Comparison, alpha: float = ALPHA) -> Estimate | None:
    """Estimate the mean effect on leaving; None if nobody's outcome is known on one of the sides.

    The interval holds at every look, whatever became of those who are missing.
    """
    known = comparison.choose(comparison.is_known)
    if not (known.is_first.any() and known.is_second.any()):
        return None
    value = float(np.clip(weigh_outcomes(known, known.low).mean(), -1, 1))
    if not comparison.is_large:
        low, high = bound_effect(list_strata(comparison), alpha)
        return Estimate(float(np.clip(value, low, high)), low, high, every_look=True)
    low, high = bound_number(comparison, alpha)
    return Estimate(value, max(low, -1.0), min(high, 1.0), every_look=True, is_asymptotic=True)


def bound_number(comparison: Comparison, alpha: float = ALPHA) -> tuple[float, float]:
    """Bound the mean effect on any number by the asymptotic sequence.

    At one end those missing have the least on the first side and the most on the second, at the other end the opposite.
    """
    ends = []
    for first, second in ((comparison.low, comparison.high), (comparison.high, comparison.low)):
        numbers = weigh_outcomes(comparison, first, second)
        ends.append(bound_mean(float(numbers.mean()), float(numbers.std()), len(numbers), alpha, tuned_for=TUNED_FOR))
    return float(ends[0][0]), float(ends[1][1])


def list_strata(comparison: Comparison) -> list[Stratum]:
    """Count subscribers by their two chances: who have the same differ between the sides by lot alone."""
    known, first, second = comparison.is_known, comparison.is_first, comparison.is_second
    chances = np.stack([comparison.chance, comparison.other_chance], axis=1)
    different, at = np.unique(chances, axis=0, return_inverse=True)

    def count(rows: Flags) -> list[int]:
        return [int(number) for number in np.bincount(at[rows], minlength=len(different))]

    left = comparison.low == 1
    columns = {
        "holdout": second & known,
        "treatment": first & known,
        "holdout_left": second & known & left,
        "treatment_left": first & known & left,
        "holdout_missing": second & ~known,
        "treatment_missing": first & ~known,
        "others": ~first & ~second,
    }
    counts = {name: count(rows) for name, rows in columns.items()}
    return [Stratum(**{name: own[number] for name, own in counts.items()}) for number in range(len(different))]  # type: ignore[arg-type] # all of these are counts


def _guess(comparison: Comparison, outcome: Numbers) -> tuple[Numbers, Numbers]:
    """Guess what comes of either for each subscriber, by the score, from others than themselves."""
    score = comparison.score - comparison.score.mean()
    score = score / (score.std() or 1.0)
    design = np.stack([np.ones(len(score)), score, score**2], axis=1)
    fold = np.arange(len(score)) % _FOLDS
    guesses = np.zeros((2, len(score)))
    sides = (comparison.is_first, comparison.is_second)
    for number in range(_FOLDS):
        own, rest = fold == number, fold != number
        both = rest & (sides[0] | sides[1])
        together = _fit(design[both], outcome[both], 1e-6)
        for side, guess in zip(sides, guesses, strict=True):
            rows = rest & side
            apart = _fit(design[rows], outcome[rows] - design[rows] @ together, _PRIOR)
            guess[own] = design[own] @ (together + apart)
    return guesses[0], guesses[1]


def _fit(design: Numbers, outcome: Numbers, prior: float) -> Numbers:
    """Fit a curve by least squares, drawn to zero."""
    return np.asarray(np.linalg.solve(design.T @ design + prior * np.eye(design.shape[1]), design.T @ outcome))
