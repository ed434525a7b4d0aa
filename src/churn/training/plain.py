"""Plain parameters for a contract that nobody has tuned: size and number of trees by the folds, all else fixed."""

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import roc_auc_score

from churn.contract.declaration import Contract, Rows
from churn.training.candidates import Progress, count_fits
from churn.training.choosing import measure_loss
from churn.training.folds import FOLDS, draw_folds, draw_sample
from churn.training.groups import Indices, Labels
from churn.training.methods.catalogue import XGBOOST
from churn.training.methods.method import Params, ServableMethod


@dataclass(frozen=True, slots=True)
class _SizeScores:
    size: int
    fold_aucs: tuple[float, ...]
    trees: int


def find_plain_params(
    contract: type[Contract],
    rows: Rows,
    labels: Labels,
    *,
    seed: int,
    method: ServableMethod = XGBOOST,
    groups: Indices | None = None,
    progress: Progress | None = None,
) -> Params:
    """Find parameters for a method: the smallest trees that are as good as the best, and as many trees as help.

    On each fold trees are added until the log loss of the rows that it does not see has not fallen for 50 trees. The
    number is the middle one of the folds.

    Args:
        rows, labels, seed, groups: as for `compare_candidates`, whose sample and folds are used.
        method: whose parameters they are to be.
        progress: called before each fit.
    """
    sample = draw_sample(labels, seed, groups)
    rows, labels = rows[sample], labels[sample]
    folds = draw_folds(labels, seed, None if groups is None else groups[sample])
    report = count_fits(progress, len(method.plain_sizes) * FOLDS)

    def measure_size(size: int) -> _SizeScores:
        params = {**method.plain, method.size: size}
        aucs: list[float] = []
        trees: list[int] = []
        for train, validation in folds:
            report(f"plain parameters: {method.size} {size}")
            seen, unseen = (rows[train], labels[train]), (rows[validation], labels[validation])
            predicted, best = method.stop_early(contract.monotone_constraints(), seed, params, seen, unseen)
            aucs.append(float(roc_auc_score(unseen[1], predicted)))
            trees.append(best)
        return _SizeScores(size, tuple(aucs), int(np.median(trees)))

    scores = [measure_size(size) for size in method.plain_sizes]
    report("done")
    best = max(scores, key=lambda one: float(np.mean(one.fold_aucs)))
    chosen = next(
        one for one in scores if measure_loss(best.fold_aucs, one.fold_aucs).is_small(contract.negligible_auc_loss)
    )
    return {"trees": chosen.trees, method.size: chosen.size, **method.plain}
