"""Compares what a bundle answers about its golden rows with what was said of them at export."""

from pathlib import Path

import numpy as np

from churn.errors import BundleError
from churn.model.manifest import EXPORT_AGAIN
from churn.model.pairs import Numbers

GOLDEN_TOLERANCE = 1e-5


def require_equal_answers(path: Path, answers: Numbers, golden_answers: Numbers) -> None:
    """Raise BundleError if rows of numbers are not those of the file at `path`, or not all of them are numbers."""
    if answers.shape != golden_answers.shape:
        raise BundleError(f"{path} holds golden rows of another shape than the model's", instead=EXPORT_AGAIN)
    worst = np.abs(answers - golden_answers).max(axis=1)
    if not (worst <= GOLDEN_TOLERANCE).all():
        row = int(np.nanargmax(np.where(np.isnan(worst), np.inf, worst)))
        raise BundleError(
            f"{path}: golden row {row} comes out differently than at export, by {worst[row]:.2g}",
            instead="the libraries here answer differently; install the locked ones, or export the model again here",
        )
