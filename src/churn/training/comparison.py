"""Two versions on the same rows: how much better one is, and how sure that is.

Both err on the same subscribers, so their difference is known far better than either figure.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from churn.training.evaluation import Evaluation, Probabilities, evaluate
from churn.training.folds import SEED
from churn.training.groups import Labels
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


def compare(labels: Labels, own: Probabilities, other: Probabilities, unseen: Mask | None) -> Comparison:
    """Compare the probabilities of two versions on the same rows.

    Args:
        labels: 0 (stayed) or 1 (left), (n,).
        own: of the version whose holdout this is, (n,).
        other: of the other one, (n,).
        unseen: on which rows the other one was not trained; None if nobody knows.
    """
    chosen = np.ones(len(labels), dtype=np.bool_) if unseen is None else unseen
    own, other, left = own[chosen], other[chosen], np.asarray(labels)[chosen]
    fewest = int(np.bincount(left, minlength=2).min())
    comparison = Comparison(len(left), fewest, len(labels), is_unseen=unseen is not None)
    if fewest < FEWEST_OF_A_LABEL:
        return comparison
    losses = [_compute_losses(left, probabilities) for probabilities in (own, other)]
    return replace(
        comparison,
        own=evaluate(left, own, SEED),
        other=evaluate(left, other, SEED),
        auc=compare_aucs(left, own, other),
        log_loss=_average(losses[0] - losses[1]),
    )


def compare_aucs(labels: Labels, own: Probabilities, other: Probabilities) -> Difference:
    """Compare two AUCs over the same rows; each label must occur twice.

    The variance is that of DeLong, DeLong and Clarke-Pearson (Biometrics 1988) for correlated curves, computed by ranks
    (Sun and Xu, IEEE Signal Processing Letters 2014).
    """
    is_left = np.asarray(labels) == 1
    above, below = (mine - theirs for mine, theirs in zip(_place(is_left, own), _place(is_left, other), strict=True))
    variance = above.var(ddof=1) / len(above) + below.var(ddof=1) / len(below)
    return Difference(float(above.mean()), float(np.sqrt(variance)))


def _place(is_left: Mask, scores: Probabilities) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return for each who left the share of those who stayed with a lower score, and the reverse; ties count half."""
    ranks, left, stayed = rankdata(scores), int(is_left.sum()), int((~is_left).sum())
    above = (ranks[is_left] - rankdata(scores[is_left])) / stayed
    below = 1 - (ranks[~is_left] - rankdata(scores[~is_left])) / left
    return above, below


def _compute_losses(labels: Labels, probabilities: Probabilities) -> npt.NDArray[np.float64]:
    given = np.where(np.asarray(labels) == 1, probabilities, 1 - probabilities)
    return -np.log(np.clip(given, SMALLEST_PROBABILITY, None))


def _average(differences: npt.NDArray[np.float64]) -> Difference:
    error = differences.std(ddof=1) / np.sqrt(len(differences))
    return Difference(float(differences.mean()), float(error))
