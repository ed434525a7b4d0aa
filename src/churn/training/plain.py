"""Plain parameters for a contract that nobody has tuned: depth and number of trees by the folds, all else fixed."""

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import roc_auc_score
from xgboost import XGBClassifier

from churn.contract.declaration import Contract, Rows
from churn.training.candidates import Folds, Progress, Report, count_fits
from churn.training.choosing import measure_loss
from churn.training.fit import THREADS
from churn.training.folds import FOLDS, draw_folds, draw_sample
from churn.training.groups import Indices, Labels
from churn.training.tuned import Params

DEPTHS = (3, 6)
MOST_TREES, PATIENCE = 1000, 50
FIXED = {"learning_rate": 0.05, "subsample": 0.8, "colsample_bytree": 0.8}


@dataclass(frozen=True, slots=True)
class _DepthScores:
    depth: int
    fold_aucs: tuple[float, ...]
    trees: int


def find_plain_params(
    contract: type[Contract],
    rows: Rows,
    labels: Labels,
    *,
    seed: int,
    groups: Indices | None = None,
    progress: Progress | None = None,
) -> Params:
    """Find parameters for `fit_xgboost`: the lowest depth that is as good as the best, and as many trees as help.

    On each fold trees are added until the log loss of the rows that it does not see has not fallen for 50 trees. The
    number is the middle one of the folds.

    Args:
        rows, labels, seed, groups: as for `compare_candidates`, whose sample and folds are used.
        progress: called before each fit.
    """
    sample = draw_sample(labels, seed, groups)
    rows, labels = rows[sample], labels[sample]
    folds = draw_folds(labels, seed, None if groups is None else groups[sample])
    report = count_fits(progress, len(DEPTHS) * FOLDS)
    scores = [_measure_depth(_build(contract, depth, seed), rows, labels, folds, report) for depth in DEPTHS]
    report("done")
    best = max(scores, key=lambda one: float(np.mean(one.fold_aucs)))
    chosen = next(
        one for one in scores if measure_loss(best.fold_aucs, one.fold_aucs).is_small(contract.negligible_auc_loss)
    )
    return {"trees": chosen.trees, "max_depth": chosen.depth, **FIXED}


def _build(contract: type[Contract], depth: int, seed: int) -> XGBClassifier:
    return XGBClassifier(
        n_estimators=MOST_TREES,
        max_depth=depth,
        early_stopping_rounds=PATIENCE,
        eval_metric="logloss",
        monotone_constraints=contract.monotone_constraints(),
        n_jobs=THREADS,
        random_state=seed,
        **FIXED,
    )


def _measure_depth(model: XGBClassifier, rows: Rows, labels: Labels, folds: Folds, report: Report) -> _DepthScores:
    aucs: list[float] = []
    trees: list[int] = []
    for train, validation in folds:
        report(f"plain parameters: depth {model.max_depth}")
        unseen = rows[validation], labels[validation]
        model.fit(rows[train], labels[train], eval_set=[unseen], verbose=False)
        aucs.append(float(roc_auc_score(unseen[1], model.predict_proba(unseen[0])[:, 1])))  # with the best number
        trees.append(int(model.best_iteration) + 1)
    return _DepthScores(int(model.max_depth or 0), tuple(aucs), int(np.median(trees)))
