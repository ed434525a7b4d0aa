"""Which method to bet on: a logistic-regression baseline against four tree methods, all cross-validated alike."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from lightgbm import LGBMClassifier
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_limits
from xgboost import XGBClassifier

from churn.contract.declaration import Contract, Rows
from churn.training.fit import THREADS, Labels
from churn.training.folds import FOLDS, draw_folds, draw_sample

type Progress = Callable[[int, int, str], None]
"""Called with (fits done, fits in all, the candidate at work)."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One method and how it did on the folds, which are the same for every candidate.

    The seconds are for all folds together, by the clock on the wall.
    """

    name: str
    mean_auc: float
    standard_error: float
    seconds: float
    fold_aucs: tuple[float, ...]


def compare_candidates(
    contract: type[Contract], rows: Rows, labels: Labels, seed: int, progress: Progress | None = None
) -> tuple[Candidate, ...]:
    """Compare the candidates by five-fold stratified cross-validation, best first.

    Args:
        contract: gives kinds of features and monotone directions, which every method that can honours.
        rows: float32 (n, features), of the training part only; past 15,000 a stratified sample of that many is used.
        labels: 0 (stayed) or 1 (left), (n,).
        seed: of the sample, the folds and the methods.
        progress: called before the first fit and after each.
    """
    sample = draw_sample(labels, seed)
    rows, labels = rows[sample], labels[sample]
    models = {"logistic regression": build_baseline(contract), **_build_tree_methods(contract, seed)}
    folds = draw_folds(labels, seed)
    report = progress or (lambda *_: None)
    candidates = []
    for number, (name, model) in enumerate(models.items()):
        started = time.perf_counter()
        aucs: list[float] = []
        for train, validation in folds:
            report(number * FOLDS + len(aucs), len(models) * FOLDS, name)
            with threadpool_limits(THREADS):
                model.fit(rows[train], labels[train])
                predicted = model.predict_proba(rows[validation])[:, 1]
            aucs.append(float(roc_auc_score(labels[validation], predicted)))
        candidates.append(
            Candidate(
                name, float(np.mean(aucs)), compute_standard_error(aucs), time.perf_counter() - started, tuple(aucs)
            )
        )
    report(len(models) * FOLDS, len(models) * FOLDS, "done")
    return tuple(sorted(candidates, key=lambda candidate: -candidate.mean_auc))


def compute_standard_error(fold_aucs: list[float]) -> float:
    """Compute the standard error of the folds' mean: their standard deviation / sqrt(folds)."""
    return float(np.std(fold_aucs, ddof=1) / np.sqrt(len(fold_aucs)))


def build_baseline(contract: type[Contract]) -> Pipeline:
    """Build a logistic regression over encoded rows: categories one-hot, all other features standardised."""
    codes = {at: range(len(spec.categories)) for at, spec in enumerate(contract.features) if spec.kind == "category"}
    numbers = [at for at in range(len(contract.features)) if at not in codes]
    one_hot = OneHotEncoder(categories=[list(categories) for categories in codes.values()], drop="first")
    columns = ColumnTransformer([("categories", one_hot, list(codes)), ("numbers", StandardScaler(), numbers)])
    return make_pipeline(columns, LogisticRegression(max_iter=1000))


def _build_tree_methods(contract: type[Contract], seed: int) -> dict[str, Any]:
    """Build the tree methods at like settings: 200 trees, and for boosting a rate of 0.05 and about 16 leaves."""
    monotone = list(contract.monotone_constraints())
    boosting: dict[str, Any] = {"learning_rate": 0.05, "random_state": seed}
    return {
        "random forest": RandomForestClassifier(
            n_estimators=200, min_samples_leaf=10, monotonic_cst=monotone, random_state=seed, n_jobs=THREADS
        ),
        "histogram gradient boosting": HistGradientBoostingClassifier(
            max_iter=200, max_leaf_nodes=16, early_stopping=False, monotonic_cst=monotone, **boosting
        ),
        "XGBoost": XGBClassifier(
            n_estimators=200, max_depth=4, monotone_constraints=tuple(monotone), n_jobs=THREADS, **boosting
        ),
        "LightGBM": LGBMClassifier(
            n_estimators=200,
            num_leaves=16,
            monotone_constraints=monotone,
            deterministic=True,
            force_row_wise=True,
            n_jobs=THREADS,
            verbose=-1,
            **boosting,
        ),
    }
