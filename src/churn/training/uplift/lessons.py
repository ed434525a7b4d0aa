"""Pseudo-outcomes: what each row of the log says of the effect of each action that it could have had.

The chances of all actions are known, so a row's pseudo-outcome is an unbiased guess of the effect, in points of leaving
prevented (doubly robust: Kennedy, "Towards optimal doubly robust estimation of heterogeneous causal effects", 2023):

    phi = b - [taken = k] (left - (g - b)) / e(k) + [taken = 0] (left - g) / e(0)

with 0 for nothing, b for the effect that the policy says, and g for a guess of leaving without contact, from the rows
of other folds. What a booster is fitted to is phi - b: what the policy's effect lacks. Rows weigh
e(k) e(0) / (e(k) + e(0)), the inverse of what chance adds, so that an action that was rare does not drown the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from churn.learning.measures import Rates
from churn.learning.stakes import Stakes
from churn.learning.strengths import guess_leaving
from churn.outcomes.exposures import Exposures, Numbers
from churn.retention.offers.actions import NOTHING
from churn.retention.offers.formula import find_effect

LEAST = 30  # subscribers with an action, before anything is learnt of it

type Places = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Lessons:
    """What the log says, one line for each row and action that it could have had, m lines.

    Args:
        actions: that something is learnt of, k of them: codes of offers, and the banner alone.
        features: float32 (m, p + k): the row's, then 1 for the line's action.
        target: what the policy's effect lacks, in points of leaving prevented, (m,).
        weight: at most 1, (m,).
        row: the line's row in the log, (m,).
    """

    actions: tuple[str, ...]
    features: npt.NDArray[np.float32]
    target: Numbers
    weight: Numbers
    row: Places


def collect_lessons(exposures: Exposures, stakes: Stakes, rates: Rates, folds: Places) -> Lessons:
    """Collect what the rows say.

    Args:
        rates: whose effects are adjusted: those of the policy in force.
        folds: of each row, (n,); nobody's guess rests on rows of the own fold.
    """
    nothing = exposures.actions.index(NOTHING)
    guess, effect = guess_without_contact(exposures, folds), find_policy_effects(exposures, stakes, rates)
    chance_of_nothing = exposures.propensities[:, nothing]
    told = {at: _find_rows(exposures, effect, at) for at in range(len(exposures.actions)) if at != nothing}
    learnt = [at for at, rows in told.items() if (exposures.taken[rows] == at).sum() >= LEAST]
    features = exposures.features.astype(np.float32)
    parts = []
    for place, at in enumerate(learnt):
        chance, rows = exposures.propensities[:, at], told[at]
        base = effect[rows, at]
        left, without = exposures.left[rows].astype(float), guess[rows]
        with_action = exposures.taken[rows] == at
        lacks = np.where(exposures.taken[rows] == nothing, (left - without) / chance_of_nothing[rows], 0)
        lacks -= np.where(with_action, (left - (without - base)) / chance[rows], 0)
        weight = 1 / (1 / chance[rows] + 1 / chance_of_nothing[rows])
        parts.append((np.hstack([features[rows], mark_action(len(rows), place, len(learnt))]), lacks, weight, rows))
    if not parts:
        width = features.shape[1]
        return Lessons((), np.zeros((0, width), np.float32), np.zeros(0), np.zeros(0), np.zeros(0, np.int64))
    lines, target, weight, rows = (np.concatenate(column) for column in zip(*parts, strict=True))
    actions = tuple(exposures.actions[at] for at in learnt)
    return Lessons(actions, lines, target, weight / weight.max(), rows)


def _find_rows(exposures: Exposures, effect: Numbers, at: int) -> Places:
    """Find the rows that say something of an action: it and nothing could be taken, and the policy still has it."""
    nothing = exposures.actions.index(NOTHING)
    both = (exposures.propensities[:, at] > 0) & (exposures.propensities[:, nothing] > 0)
    return np.flatnonzero(both & ~np.isnan(effect[:, at]))


def mark_action(rows: int, place: int, actions: int) -> npt.NDArray[np.float32]:
    """Return for each row 1 in the action's column and 0 in the others, float32 (rows, actions)."""
    marks = np.zeros((rows, actions), dtype=np.float32)
    marks[:, place] = 1
    return marks


def guess_without_contact(exposures: Exposures, folds: Places) -> Numbers:
    """Guess each row's chance of leaving without contact, from the rows of other folds that had none, (n,)."""
    without = exposures.taken == exposures.actions.index(NOTHING)
    left, guess = exposures.left.astype(float), np.empty(len(exposures))
    for fold in np.unique(folds):
        own = folds == fold
        guess[own] = guess_leaving(exposures.probability, left, without & ~own)[own]
    return guess


def find_policy_effects(exposures: Exposures, stakes: Stakes, rates: Rates) -> Numbers:
    """Return the effect that a policy says of each action, in points of leaving prevented, (n, a); NaN if none."""
    strength = rates.by_segment.value[stakes.segment]
    return find_effect(exposures.probability[:, None], stakes.saves, strength)


def split_subscribers(exposures: Exposures, folds: int, seed: int) -> Places:
    """Put subscribers into folds, (n,): all rows of one into the same."""
    _, subscriber = np.unique(exposures.identity.astype(str), return_inverse=True)
    drawn = np.random.default_rng(seed).integers(0, folds, subscriber.max(initial=-1) + 1)
    return np.asarray(drawn[subscriber], dtype=np.int64)


def blank_columns(features: Numbers, names: Sequence[str], hidden: Sequence[str]) -> Numbers:
    """Return features in which the hidden ones are unknown for everybody, so that nothing can depend on them."""
    shown = features.copy()
    shown[:, [names.index(name) for name in hidden]] = np.nan
    return shown
