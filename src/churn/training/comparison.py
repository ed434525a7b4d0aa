"""Two versions on the same rows: how much better one is, and how sure that is.

Both err on the same subscribers, so their difference is known far better than either figure.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from churn.training.evaluation import Evaluation, Probabilities, evaluate
from churn.training.folds import SEED
from churn.training.groups import Labels, Weights
from churn.training.holdout import Mask

FEWEST_OF_A_LABEL = 30
"""Of fewer rows the normal distribution does not tell how sure a difference is."""
SMALLEST_PROBABILITY = 1e-15


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure of a version minus that of the other one, and the standard error of this over the same rows."""

    value: float
    standard_error: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """A version and another one on rows that neither was trained on, as far as that is known.

    Args:
        rows: how many there are for both.
        fewest: how many of these have the rarer label.
        of_rows: how many rows the version's holdout has.
        is_unseen: whether it is known that the other one was not trained on these rows.
        own: of the version; like the rest None if there are too few rows.
        other: of the other one.
    """

    rows: int
    fewest: int
    of_rows: int
    is_unseen: bool
    own: Evaluation | None = None
    other: Evaluation | None = None
    auc: Difference | None = None
    log_loss: Difference | None = None


def compare(
    labels: Labels,
    own: Probabilities,
    other: Probabilities,
    unseen: Mask | None,
    weights: Weights | None = None,
) -> Comparison:
    """Compare the probabilities of two versions on the same rows.

    Args:
        labels: 0 (stayed) or 1 (left), (n,).
        own: of the version whose holdout this is, (n,).
        other: of the other one, (n,).
        unseen: on which rows the other one was not trained; None if nobody knows.
        weights: for how many subscribers each row stands; each for itself if not given, (n,).
    """
    chosen = np.ones(len(labels), dtype=np.bool_) if unseen is None else unseen
    own, other, left = own[chosen], other[chosen], np.asarray(labels)[chosen]
    weights = None if weights is None else weights[chosen]
    fewest = int(np.bincount(left, minlength=2).min())
    comparison = Comparison(len(left), fewest, len(labels), is_unseen=unseen is not None)
    if fewest < FEWEST_OF_A_LABEL:
        return comparison
    losses = [compute_losses(left, probabilities) for probabilities in (own, other)]
    return replace(
        comparison,
        own=evaluate(left, own, SEED, weights),
        other=evaluate(left, other, SEED, weights),
        auc=compare_aucs(left, own, other, weights),
        log_loss=average_differences(losses[0] - losses[1], weights),
    )


def compare_aucs(
    labels: Labels, own: Probabilities, other: Probabilities, weights: Weights | None = None
) -> Difference:
    """Compare two AUCs over the same rows; each label must occur twice.

    The variance is that of DeLong, DeLong and Clarke-Pearson (Biometrics 1988) for correlated curves, computed by ranks
    (Sun and Xu, IEEE Signal Processing Letters 2014). Weighted rows stand for so many pairs.
    """
    is_left = np.asarray(labels) == 1
    weights = np.ones(len(is_left)) if weights is None else weights
    places = [_place(is_left, scores, weights) for scores in (own, other)]
    above, below = (
        average_differences(mine - theirs, weights[rows])
        for rows, mine, theirs in zip((is_left, ~is_left), *places, strict=True)
    )
    return Difference(above.value, float(np.hypot(above.standard_error, below.standard_error)))


def _place(
    is_left: Mask, scores: Probabilities, weights: Weights
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return for each who left the share of those who stayed with a lower score, and the reverse; ties count half."""
    _, ranks = np.unique(scores, return_inverse=True)
    left_at, stayed_at = (
        np.bincount(ranks[rows], weights[rows], minlength=int(ranks.max()) + 1) for rows in (is_left, ~is_left)
    )
    below_left = (np.cumsum(stayed_at) - stayed_at / 2) / stayed_at.sum()
    above_stayed = 1 - (np.cumsum(left_at) - left_at / 2) / left_at.sum()
    return below_left[ranks[is_left]], above_stayed[ranks[~is_left]]


def compute_losses(labels: Labels, probabilities: Probabilities) -> npt.NDArray[np.float64]:
    """Compute the log loss of each row, (n,)."""
    given = np.where(np.asarray(labels) == 1, probabilities, 1 - probabilities)
    return -np.log(np.clip(given, SMALLEST_PROBABILITY, None))


def average_differences(differences: npt.NDArray[np.float64], weights: Weights | None = None) -> Difference:
    """Average differences; the standard error is that of a ratio of two means, linearised (Kish 1965)."""
    weights = np.ones(len(differences)) if weights is None else weights
    value, rows = float(np.average(differences, weights=weights)), len(differences)
    squares = float((weights**2 * (differences - value) ** 2).sum()) * rows / (rows - 1)
    return Difference(value, float(np.sqrt(squares) / weights.sum()))
