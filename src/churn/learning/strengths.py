"""How strongly each offer keeps subscribers, as a multiple of what the policy assumes, from an experiment's rows.

A row's pseudo-outcome is an unbiased guess of what an action adds to its chance of leaving, since the chances of each
action are known (augmented inverse propensity weighting: Robins, Rotnitzky and Zhao 1994):

    phi = g(k) - g(0) + [taken = k] (left - g(k)) / e(k) - [taken = 0] (left - g(0)) / e(0)

with 0 for nothing and g for a guess of the chance of leaving. Bad guesses widen the interval and bias nothing. The
assumed effect is x = -probability * saves. The strength is the slope of phi on x through zero. Rows weigh

    w = sqrt(e(k) e(0) / (e(k) + e(0)))

The overlap weight under the root is the most exact for equal variances (Li, Morgan and Zaslavsky, "Balancing covariates
via propensity score weighting", 2018). But it measures nearly only those who are made the offer anyway, and the
question is who else should be. Without weights it would be the mean of all, and far less exact. The root lies between.
"""

from dataclasses import dataclass

import numpy as np

from churn.judging.asymptotic_sequences import bound_mean
from churn.learning.measures import Measure
from churn.learning.stakes import Stakes
from churn.outcomes.effects import TUNED_FOR
from churn.outcomes.estimates import ALPHA
from churn.outcomes.exposures import Exposures, Flags, Numbers
from churn.retention.offers.actions import NOTHING

LEAST = 30  # subscribers with the offer, and as many with nothing, before its effect is said at all


@dataclass(frozen=True, slots=True)
class Evidence:
    """What n rows say of one action against nothing.

    Args:
        assumed: x, the assumed effect on leaving, (n,).
        effect: phi, the pseudo-outcome, (n,).
        weight: w, (n,); 0 where one of both actions was not possible.
        taken: whether the row had this action, (n,).
        untaken: whether the row had nothing, (n,).
    """

    assumed: Numbers
    effect: Numbers
    weight: Numbers
    taken: Flags
    untaken: Flags


def collect_evidence(exposures: Exposures, stakes: Stakes, at: int) -> Evidence:
    """Collect what the rows say of the action with this number."""
    nothing = exposures.actions.index(NOTHING)
    chance_of_nothing = exposures.propensities[:, nothing]
    chance = exposures.propensities[:, at] if at < len(exposures.actions) else np.zeros(len(exposures))
    saves = stakes.saves[:, at]
    both = (chance > 0) & (chance_of_nothing > 0) & (np.nan_to_num(saves) > 0)
    assumed = np.where(both, -exposures.probability * np.nan_to_num(saves), 0.0)
    taken, untaken = both & (exposures.taken == at), both & (exposures.taken == nothing)
    left = exposures.left.astype(float)
    without = guess_leaving(exposures.probability, left, untaken)
    moved = (left - without)[taken].mean() if taken.any() else 0.0
    with_offer = np.clip(without + moved, 0, 1)
    weight = np.zeros(len(exposures))
    weight[both] = 1 / np.sqrt(1 / chance[both] + 1 / chance_of_nothing[both])
    effect = with_offer - without
    effect[taken] += ((left - with_offer) / chance.clip(1e-300))[taken]
    effect[untaken] -= ((left - without) / chance_of_nothing.clip(1e-300))[untaken]
    return Evidence(assumed, effect, weight, taken, untaken)


def guess_leaving(probability: Numbers, left: Numbers, among: Flags) -> Numbers:
    """Guess each row's chance of leaving by its probability, from some rows: by least squares on 1, p and p squared."""
    if among.sum() < LEAST:
        return probability
    terms = np.column_stack([np.ones_like(probability), probability, probability**2])
    factors, *_ = np.linalg.lstsq(terms[among], left[among], rcond=None)
    return np.clip(terms @ factors, 0, 1)


def measure_strength(evidence: Evidence, among: Flags) -> tuple[Measure, float]:
    """Measure the strength among some rows.

    Returns:
        A measure of shape (), unknown where too few rows had the offer or nothing; and the variance
        of its value. The interval holds at every look, once it rests on so many rows that their mean is nearly normal.
    """
    rows = among & (evidence.weight > 0)
    taken, untaken = (evidence.taken & rows).sum(), (evidence.untaken & rows).sum()
    if min(taken, untaken) < LEAST:
        return Measure.assume(np.asarray(1.0)), np.inf
    strength, deviation = _regress(evidence, rows)
    count = int(rows.sum())
    low, high = bound_mean(strength, deviation, count, ALPHA, tuned_for=TUNED_FOR)
    return Measure(np.asarray(strength), low, high, np.asarray(float(count))), deviation**2 / count


def find_deviation(evidence: Evidence, probability: Numbers) -> float:
    """Return the deviation of the strength that one row would have; the strength of n rows has it by the root of n.

    It is as the rows show it. Where too few had the offer, it follows from the probability of leaving, (n,).
    """
    rows = evidence.weight > 0
    if min((evidence.taken & rows).sum(), (evidence.untaken & rows).sum()) >= LEAST:
        return _regress(evidence, rows)[1]
    assumed, weight = evidence.assumed[rows], evidence.weight[rows]
    # An effect has the variance p (1 - p) (1 / e(k) + 1 / e(0)), and the second factor is 1 / w^2.
    variance = probability[rows] * (1 - probability[rows])
    return float(np.sqrt((assumed**2 * variance).mean()) / (weight * assumed**2).mean())


def _regress(evidence: Evidence, rows: Flags) -> tuple[float, float]:
    """Return the slope through zero, and the deviation of a row's influence on it."""
    assumed, effect, weight = evidence.assumed[rows], evidence.effect[rows], evidence.weight[rows]
    information = weight * assumed**2
    strength = float((weight * assumed * effect).sum() / information.sum())
    influence = weight * assumed * (effect - strength * assumed) / information.mean()
    return strength, float(np.sqrt((influence**2).mean()))
