"""What an offer costs: who accepts it, and how much of it those use up who accept and leave all the same."""

import numpy as np

from churn.judging.mean_sequences import lower_bound, upper_bound
from churn.learning.measures import Measure
from churn.learning.stakes import Stakes
from churn.outcomes.estimates import ALPHA
from churn.outcomes.exposures import Exposures, Flags, Numbers

DAYS_A_MONTH = 365.25 / 12
# An assumption counts like so many subscribers: it is soon outweighed, and a few do not overturn it.
WORTH_OF_AN_ASSUMPTION = 30
LEAST = 30  # subscribers before a share is said at all
STEPS = 100  # in which a share of the cost is counted; the bounds take each share to its step's end


def measure_take_up(exposures: Exposures, stakes: Stakes, at: int) -> Measure:
    """Measure the share who accept, of those who were shown the action with this number and of whom it is known."""
    shown = (exposures.taken == at) & ~np.isnan(exposures.accepted)
    return measure_share(exposures.accepted[shown], stakes.take_up[at])


def measure_leavers_use(exposures: Exposures, stakes: Stakes, at: int) -> Measure:
    """Measure the share of the cost that is used up by those who accept the action and leave within the horizon."""
    gone = (exposures.taken == at) & exposures.left & (exposures.accepted == 1) & (stakes.full_cost[:, at] > 0)
    used = find_used_share(exposures, stakes, at, gone)
    return measure_share(used[~np.isnan(used)], stakes.leavers_use[at])


def find_used_share(exposures: Exposures, stakes: Stakes, at: int, gone: Flags) -> Numbers:
    """Return which share of the cost each of those has used up who are gone, (m,); NaN if nobody can know.

    It is what was paid. Where nobody says so, a discount is used up month by month until the last day, and the rest of
    the cost at once. An offer without months has only what was paid.
    """
    full, fixed, months = stakes.full_cost[gone, at], stakes.fixed_cost[at], stakes.months[at]
    spent = exposures.paid[gone]
    if months:
        lasted = np.minimum(exposures.days_until_left[gone] / DAYS_A_MONTH / months, 1)
        spent = np.where(np.isnan(spent), fixed + (full - fixed) * lasted, spent)
    return np.asarray(np.clip(spent / full, 0, 1))


def measure_share(shares: Numbers, assumed: float) -> Measure:
    """Measure the mean of shares, of shape (); the interval holds at every look, from the first subscriber on.

    The assumption counts like some subscribers, and the value is never moved out of its interval.
    """
    count = len(shares)
    if count < LEAST:
        return Measure.assume(np.asarray(assumed))
    low, high = (
        float(bound(grid, counts, ALPHA / 2))
        for bound, grid, counts in (
            (lower_bound, *_count(np.floor(shares * STEPS))),
            (upper_bound, *_count(np.ceil(shares * STEPS))),
        )
    )
    value = (WORTH_OF_AN_ASSUMPTION * assumed + shares.sum()) / (WORTH_OF_AN_ASSUMPTION + count)
    return Measure(*map(np.asarray, (np.clip(value, low, high), low, high, float(count))))


def _count(steps: Numbers) -> tuple[Numbers, Numbers]:
    values, counts = np.unique(steps, return_counts=True)
    return values / STEPS, counts.astype(float)
