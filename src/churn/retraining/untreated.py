"""The log's rows that no banner changed, and for how many subscribers each of them stands.

A banner keeps some who would have left. Trained on them, a model learns the banner's effect as if it were the
subscribers' own: its probabilities come out too low. So the treated are left out. Who had a lot drawn and was shown
nothing stands for 1 / chance subscribers (Horvitz and Thompson 1952); these weights are scaled so that they sum to all
who had a lot (Hajek 1971). Who never had a lot drawn stands for themselves.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from churn.contract.declaration import Rows
from churn.outcomes.exposures import Exposures, Flags, Texts
from churn.training.evaluation import count_effective
from churn.training.groups import Weights

NOTHING = 0  # the place of this action in every row
MOST_NEVER_HELD_OUT = 0.05  # of those with a lot: as in reports on outcomes


@dataclass(frozen=True, slots=True)
class UntreatedRows:
    """Subscribers of the log whom no banner changed, each by their first prediction that counts, oldest first.

    Args:
        rows: float32 (n, features), encoded.
        labels: 1 for those who left, (n,).
        weights: for how many each stands, (n,).
        had_lot: whether a lot was drawn for them, (n,).
        times: of the predictions, in microseconds since 1970, (n,).
        identities: hashed keys, (n,).
        treated: how many were left out, for a banner may have changed them.
        never_held_out: how many of those who had a lot could not have been held out.
        lots: how many had a lot drawn.
    """

    rows: Rows
    labels: npt.NDArray[np.int8]
    weights: Weights
    had_lot: Flags
    times: npt.NDArray[np.int64]
    identities: Texts
    treated: int
    never_held_out: int
    lots: int

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.labels)

    @property
    def held_out(self) -> float:
        """Return how many rows of equal weight would tell as much of those who had a lot (Kish 1965)."""
        return count_effective(self.weights[self.had_lot])

    def find_obstacle(self, least_held_out: int) -> str:
        """Say why these rows cannot stand for all subscribers; empty if they can."""
        if not len(self):
            return "no outcome of the log is ripe"
        if self.lots and self.never_held_out > MOST_NEVER_HELD_OUT * self.lots:
            return (
                f"{self.never_held_out:,} of {self.lots:,} subscribers above the threshold could not be held out, so "
                "nobody can stand for them"
            )
        if self.lots and self.held_out < least_held_out:
            return (
                f"the held-out subscribers above the threshold tell as much as {self.held_out:,.0f} of equal weight, "
                f"and at least {least_held_out:,} are needed"
            )
        return ""


class Elsewhere(NamedTuple):
    """What is known of a subscriber in experiments without a row: the chance of nothing, and whether it was more."""

    chance: float
    treated: bool


def find_untreated(exposures: Exposures, elsewhere: Mapping[str, Elsewhere] | None = None) -> UntreatedRows:
    """Find the subscribers whom no banner changed, and weigh them.

    Who was in several experiments counts once, by their first row, and only if none of them showed a banner. Their
    chance to be shown nothing is the product of the experiments' chances, for these are drawn independently.

    Args:
        exposures: one row for each subscriber and experiment.
        elsewhere: by subscriber, what is known of experiments without a row.
    """
    order = np.argsort(exposures.time, kind="stable")
    names, numbers = np.unique(exposures.identity[order].astype(str), return_inverse=True)
    chances, treated = np.ones(numbers.max(initial=-1) + 1), np.zeros(numbers.max(initial=-1) + 1, dtype=np.bool_)
    np.multiply.at(chances, numbers, exposures.propensities[order, NOTHING])
    np.logical_or.at(treated, numbers, exposures.taken[order] != NOTHING)
    for number, name in enumerate(names.tolist()) if elsewhere else ():
        if other := (elsewhere or {}).get(name):
            chances[number] *= other.chance
            treated[number] |= other.treated
    firsts = np.full(len(chances), len(order), dtype=np.intp)
    np.minimum.at(firsts, numbers, np.arange(len(order)))
    had_lot = chances < 1
    chosen = np.flatnonzero(~treated & (chances > 0))
    weights = 1 / chances[chosen]
    of_lots = had_lot[chosen]
    if of_lots.any():
        weights[of_lots] *= had_lot.sum() / weights[of_lots].sum()
    chosen = chosen[by_time := np.argsort(firsts[chosen])]
    places = order[firsts[chosen]]
    return UntreatedRows(
        rows=exposures.features[places].astype(np.float32),
        labels=exposures.left[places].astype(np.int8),
        weights=weights[by_time],
        had_lot=had_lot[chosen],
        times=exposures.time[places],
        identities=exposures.identity[places],
        treated=int(treated.sum()),
        never_held_out=int((chances == 0).sum()),
        lots=int(had_lot.sum()),
    )


def count_newer(rows: UntreatedRows, after: int | None) -> int:
    """Count the rows after a time in microseconds since 1970; all if there is none."""
    return len(rows) if after is None else int((rows.times > after).sum())
