"""Old training rows and untreated rows of the log in one: who is trained on, who is held out, who stands for how many.

The old rows keep their side of the champion's own split. A row of the log goes with the old rows of the same
subscriber, or with those that are its copies. Else a keyed hash of the subscriber decides, the same in every
retraining. So nobody who is held out was seen by the champion, and no later retraining will train on them.

An old row weighs 1. The log's rows have one of two weightings. By what they tell: scaled so that their sum is the
number of rows of equal weight (Kish 1965), else few held-out rows would outweigh what they know. Or by whom they stand
for: all subscribers of the log, which is better where these behave otherwise than those of the old rows.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from churn.contract.declaration import Contract, Rows
from churn.retraining.untreated import UntreatedRows
from churn.training.data import TrainingData
from churn.training.evaluation import count_effective
from churn.training.groups import Indices, Labels, Weights, group_rows
from churn.training.holdout import HOLDOUT_SHARE, Boundary, Mask, get_holdout_key, hash_rows


@dataclass(frozen=True, slots=True)
class Mixture:
    """Rows to train on and to measure with, the old ones first.

    Args:
        rows: float32 (n, features), encoded.
        labels: 1 for those who left, (n,).
        weights: of each row, the log's by what they tell, (n,).
        stands_for: of each row, the log's by whom they stand for, (n,).
        groups: the group of each row; the rows of one are on one side, (n,).
        is_held_out: whether training never sees the row, (n,).
        is_logged: whether the row is one of the log, (n,).
        boundary: whom the old rows' split holds out.
        left_out: how many rows of the log are copies of rows on both sides, and so on none.
    """

    rows: Rows
    labels: Labels
    weights: Weights
    stands_for: Weights
    groups: Indices
    is_held_out: Mask
    is_logged: Mask
    boundary: Boundary
    left_out: int

    def count(self, *, logged: bool, held_out: bool) -> int:
        """Count the rows of one kind on one side."""
        return int(((self.is_logged == logged) & (self.is_held_out == held_out)).sum())


def mix_rows(
    contract: type[Contract],
    data: TrainingData,
    logged: UntreatedRows,
    hash_key: Callable[[str], str | None] | None = None,
) -> Mixture:
    """Put rows of the log beside the old training rows.

    Args:
        contract: of both.
        data: the champion's training file.
        logged: the log's untreated rows, weighed.
        hash_key: hashes an id as the log hashes subscribers' keys; None if nobody knows how. Then only copies are
            recognised as the same subscriber.
    """
    old, split = len(data.labels), data.split(contract)
    rows = np.concatenate([data.rows, logged.rows])
    groups = group_rows([], rows).numbers
    identities = [str(identity) for identity in logged.identities]
    if hash_key and data.ids:
        hashed = {hash_key(identifier): place for place, identifier in enumerate(data.ids)}
        same = [hashed.get(identity) for identity in identities]
        groups = _join(groups, [(old + at, place) for at, place in enumerate(same) if place is not None])
    groups = _join(groups, _link_old_groups(data))
    is_old_held = np.zeros(old, dtype=np.bool_)
    is_old_held[split.holdout] = True
    sides = np.zeros((int(groups.max(initial=0)) + 1, 2), dtype=np.bool_)
    np.logical_or.at(sides, (groups[:old], is_old_held.astype(np.intp)), True)  # noqa: FBT003 - what is marked
    hashes = np.ones(len(sides))
    key = get_holdout_key(contract)
    if len(logged):
        np.minimum.at(hashes, groups[old:], hash_rows(identities, logged.rows, key))
    is_new_held = np.where(sides.any(axis=1), sides[:, 1], hashes < HOLDOUT_SHARE)[groups[old:]]
    kept = ~sides.all(axis=1)[groups[old:]]
    everybody = np.concatenate([np.ones(old, dtype=np.bool_), kept])
    effective = count_effective(logged.weights[kept])
    scale = effective / logged.weights[kept].sum() if kept.any() else 1.0
    return Mixture(
        rows=rows[everybody],
        labels=np.concatenate([data.labels, logged.labels])[everybody],
        weights=np.concatenate([np.ones(old), logged.weights[kept] * scale]),
        stands_for=np.concatenate([np.ones(old), logged.weights[kept]]),
        groups=groups[everybody],
        is_held_out=np.concatenate([is_old_held, is_new_held])[everybody],
        is_logged=np.concatenate([np.zeros(old, dtype=np.bool_), np.ones(len(logged), dtype=np.bool_)])[everybody],
        boundary=split.boundary,
        left_out=int((~kept).sum()),
    )


def _link_old_groups(data: TrainingData) -> list[tuple[int, int]]:
    """Return pairs of old rows that are in one group, so that joined they make the groups of the file."""
    numbers = data.group().numbers
    firsts: dict[int, int] = {}
    return [(at, first) for at, number in enumerate(numbers.tolist()) if (first := firsts.setdefault(number, at)) != at]


def _join(groups: Indices, pairs: list[tuple[int, int]]) -> Indices:
    """Join the groups of each pair of rows."""
    if not pairs:
        return groups
    size = int(groups.max(initial=-1)) + 1
    first, second = (groups[np.array(side)] for side in zip(*pairs, strict=True))
    links = coo_array((np.ones(len(first), dtype=np.int8), (first, second)), shape=(size, size))
    return np.asarray(connected_components(links, directed=False)[1])[groups]
