"""How far a column alone tells the label, and rows that are the same but for their id."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from churn.drafting.figures import SEED, number_from_text

BINS = 32


def measure_auc(cells: Sequence[str], labels: npt.NDArray[np.bool_], *, is_number: bool) -> float | None:
    """Return the AUC of a column alone, in either direction; None if there are too few rows.

    Numbers are cut into 32 bins. A bin or category scores by who left of another random half of the rows, so that
    a value that stands once tells nothing. Ties share their rank.
    """
    bins = _bin_numbers(cells) if is_number else np.unique(np.array(cells), return_inverse=True)[1]
    half = np.random.default_rng(SEED).random(len(labels)) < 0.5  # noqa: PLR2004 - rows may stand in any order
    areas = [
        _measure_area(_score(bins, labels, known)[~known], labels[~known])
        for known in (half, ~half)
        if 0 < labels[known].sum() < known.sum() and 0 < labels[~known].sum() < (~known).sum()
    ]
    return float(np.mean(areas)) if areas else None


def _bin_numbers(cells: Sequence[str]) -> npt.NDArray[np.int64]:
    numbers = np.array([np.nan if (number := number_from_text(cell)) is None else number for cell in cells])
    known = numbers[~np.isnan(numbers)]
    bounds = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1])) if len(known) else known
    return np.where(np.isnan(numbers), len(bounds) + 1, np.searchsorted(bounds, numbers)).astype(np.int64)


def _score(
    bins: npt.NDArray[np.int64], labels: npt.NDArray[np.bool_], known: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    size = int(bins.max()) + 1
    leavers = np.bincount(bins[known], labels[known], size)
    rates = (leavers + labels[known].mean()) / (np.bincount(bins[known], minlength=size) + 1)
    scores: npt.NDArray[np.float64] = rates[bins]
    return scores


def _measure_area(scores: npt.NDArray[np.float64], labels: npt.NDArray[np.bool_]) -> float:
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    left = int(labels.sum())
    return float((ranks[labels].sum() - left * (left + 1) / 2) / (left * (len(labels) - left)))


def count_identical(rows: Sequence[Sequence[str]], id_place: int) -> int:
    """Count the rows that say the same as an earlier one but for the id."""
    return len(rows) - len({(*row[:id_place], *row[id_place + 1 :]) for row in rows})
