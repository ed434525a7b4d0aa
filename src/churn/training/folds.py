"""Which rows compare and tune, and how many of each label a file needs so that each step sees both."""

from bisect import bisect_left

import numpy as np
from sklearn.model_selection import StratifiedKFold, train_test_split

from churn.training.fit import Indices, Labels, split_rows

FOLDS = 5
MOST_ROWS = 15_000
"""Enough to rank the methods; more only makes the same ranking slower."""


def draw_sample(labels: Labels, seed: int) -> Indices:
    """Return the places of at most 15,000 rows to compare on, stratified by label."""
    places = np.arange(len(labels))
    if len(labels) <= MOST_ROWS:
        return places
    most = min(MOST_ROWS, len(labels) - len(set(labels.tolist())))  # what is left must hold each label too
    sample: Indices = train_test_split(places, train_size=most, stratify=labels, random_state=seed)[0]
    return sample


def draw_folds(labels: Labels, seed: int) -> list[tuple[Indices, Indices]]:
    """Return (rows to fit, rows to measure) of five stratified folds."""
    return list(StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(labels, labels))


def count_needed(labels: Labels, seed: int) -> int:
    """Return how many subscribers of each label are needed, if as many are added; 0 if the labels suffice."""
    counts = np.bincount(labels, minlength=2).tolist()
    if _suffices(counts, labels, seed):
        return 0

    def suffices(needed: int) -> bool:
        more = [max(needed, count) for count in counts]
        return _suffices(more, np.repeat(np.array([0, 1], dtype=np.int8), more), seed)

    return bisect_left(range(max(*counts, FOLDS**2)), True, lo=min(counts), key=suffices)  # noqa: FBT003 - a key's value


def _suffices(counts: list[int], labels: Labels, seed: int) -> bool:
    """Tell whether holdout and each fold of what is compared get both labels."""
    if min(counts) <= FOLDS:  # one for the holdout, and one for each fold
        return False
    training_part, holdout = split_rows(labels, seed)
    trained = labels[training_part]
    compared = trained[draw_sample(trained, seed)]
    return _count_fewest(labels[holdout]) >= 1 and _count_fewest(compared) >= FOLDS


def _count_fewest(labels: Labels) -> int:
    return int(np.bincount(labels, minlength=2).min())
