"""Which rows compare and tune, and how many of each label a file needs so that each step sees both."""

from bisect import bisect_left

import numpy as np
from sklearn.model_selection import StratifiedKFold, train_test_split

from churn.training.groups import Indices, Labels, find_strata
from churn.training.holdout import count_held_out

FOLDS = 5
SEED = 0
"""Of sample, folds and fits: the same file always gives the same model."""
MOST_ROWS = 15_000
"""Enough to rank the methods; more only makes the same ranking slower."""


def draw_sample(labels: Labels, seed: int, groups: Indices | None = None) -> Indices:
    """Return the places of some 15,000 rows at most to compare on, stratified by label.

    Args:
        labels: 0 (stayed) or 1 (left), (n,).
        seed: of the sample.
        groups: the group of each row, taken whole or not at all; each row is one by itself if not given.
    """
    places = np.arange(len(labels))
    if len(labels) <= MOST_ROWS:
        return places
    numbers, strata = find_strata(labels, places if groups is None else groups)
    most = MOST_ROWS * len(strata) // len(labels)
    most = min(most, len(strata) - len(set(strata.tolist())))  # what is left must hold each label too
    chosen = train_test_split(np.arange(len(strata)), train_size=most, stratify=strata, random_state=seed)[0]
    if len(strata) == len(labels):
        return np.asarray(chosen, dtype=np.intp)
    return np.flatnonzero(np.isin(numbers, chosen))


def draw_folds(labels: Labels, seed: int, groups: Indices | None = None) -> list[tuple[Indices, Indices]]:
    """Return (rows to fit, rows to measure) of five stratified folds.

    Args:
        labels: 0 (stayed) or 1 (left), (n,).
        seed: of the folds.
        groups: the group of each row, which is in one fold; each row is one by itself if not given.
    """
    numbers, strata = find_strata(labels, np.arange(len(labels)) if groups is None else groups)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(strata, strata)
    measured = [np.isin(numbers, group_numbers) for _, group_numbers in folds]
    return [(np.flatnonzero(~is_measured), np.flatnonzero(is_measured)) for is_measured in measured]


def count_needed(labels: Labels, groups: Indices, seed: int) -> int:
    """Return how many subscribers of each label are needed, if as many are added; 0 if these suffice.

    Rows of one group count once.
    """
    counts = np.bincount(find_strata(labels, groups)[1], minlength=2).tolist()
    if _suffices(labels, groups, seed):
        return 0

    def suffices(needed: int) -> bool:
        more = [max(needed, count) for count in counts]
        single = np.repeat(np.array([0, 1], dtype=np.int8), more)
        return _suffices(single, np.arange(len(single)), seed)

    return bisect_left(range(max(*counts, FOLDS**2)), True, lo=min(counts), key=suffices)  # noqa: FBT003 - a key's value


def _suffices(labels: Labels, groups: Indices, seed: int) -> bool:
    """Tell whether holdout and each fold of what is compared get both labels, whichever groups are held out."""
    numbers, strata = find_strata(labels, groups)
    counts = np.bincount(strata, minlength=2).tolist()
    if min(counts) <= FOLDS:  # one for the holdout, and one for each fold
        return False
    sizes = np.bincount(numbers)
    # The smallest groups first: no order of the hashes holds out more of them.
    held_out = [count_held_out(np.sort(sizes[strata == label])) for label in (0, 1)]
    trained = np.concatenate([np.flatnonzero(strata == label)[held_out[label] :] for label in (0, 1)])
    is_trained = np.isin(numbers, trained)
    kept, kept_groups = labels[is_trained], groups[is_trained]
    compared = draw_sample(kept, seed, kept_groups)
    fewest = np.bincount(find_strata(kept[compared], kept_groups[compared])[1], minlength=2).min()
    return min(held_out) >= 1 and int(fewest) >= FOLDS
