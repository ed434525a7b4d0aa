"""Which of several fits to take: the best unless another is as good, judged on the same folds.

Two fits that were measured on the same folds share what made a fold easy or hard. So the differences on the folds are
looked at, and not the spread of each one's own figures, which is several times as large. A fit is as good as the best
if it loses no more than one standard error of these differences, or no more than the contract calls too small to
matter. This is the one-standard-error rule (Breiman, Friedman, Olshen and Stone 1984, section 3.4.3; Hastie, Tibshirani
and Friedman 2009, section 7.10), paired. The folds' training parts overlap, which makes the standard error too small
(Nadeau and Bengio 2003): the rule chooses, it is no test.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Loss:
    """What one fit loses against another on the same folds: the mean difference and its standard error."""

    mean: float
    standard_error: float

    def is_small(self, negligible: float) -> bool:
        """Say whether it is at most one standard error, or at most what is too small to matter."""
        return self.mean <= max(self.standard_error, negligible)


def measure_loss(better: Sequence[float], other: Sequence[float]) -> Loss:
    """Measure what `other` loses against `better`; one figure for each fold, the same folds in the same order."""
    differences = [one - two for one, two in zip(better, other, strict=True)]
    return Loss(float(np.mean(differences)), compute_standard_error(differences))


def compute_standard_error(of_folds: Sequence[float]) -> float:
    """Compute the standard error of the folds' mean: their standard deviation / sqrt(folds)."""
    return float(np.std(of_folds, ddof=1) / np.sqrt(len(of_folds)))
