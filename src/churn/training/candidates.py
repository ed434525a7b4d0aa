"""Which method to fit: a logistic-regression baseline against four tree methods, all cross-validated alike.

Each tree method is fitted with the contract's monotone directions, which is what a release gets, and without them, so
that one sees what the directions cost.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np
from lightgbm import LGBMClassifier
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_limits
from xgboost import XGBClassifier

from churn.contract.declaration import Contract, Rows
from churn.training.choosing import compute_standard_error, measure_loss
from churn.training.fit import THREADS
from churn.training.folds import FOLDS, draw_folds, draw_sample
from churn.training.groups import Indices, Labels

type Progress = Callable[[int, int, str], None]
"""Called with (fits done, fits in all, what is at work)."""
type Report = Callable[[str], None]
"""Called before each fit with what is at work, and once in the end."""
type Directions = Sequence[int]
type Folds = Sequence[tuple[Indices, Indices]]

BASELINE, XGBOOST = "logistic regression", "XGBoost"
FITTED = (XGBOOST,)
"""The methods that `churn train` fits; of equally good ones the first."""


@dataclass(frozen=True, slots=True)
class FoldScores:
    """What was measured on each fold, always in the same order."""

    fold_aucs: tuple[float, ...]
    fold_average_precisions: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One method and how it did on the folds, which are the same for every candidate.

    Args:
        seconds: for all folds together, by the clock on the wall, with the directions.
        free: how it did without the contract's monotone directions; None where it takes none, or there are none.
    """

    name: str
    mean_auc: float
    standard_error: float
    seconds: float
    fold_aucs: tuple[float, ...]
    fold_average_precisions: tuple[float, ...]
    free: FoldScores | None = None

    @property
    def can_be_fitted(self) -> bool:
        """Whether `churn train` fits it. The others are compared only."""
        return self.name in FITTED


def compare_candidates(
    contract: type[Contract],
    rows: Rows,
    labels: Labels,
    seed: int,
    progress: Progress | None = None,
    *,
    groups: Indices | None = None,
) -> tuple[Candidate, ...]:
    """Compare the candidates by five-fold stratified cross-validation, best first.

    Args:
        contract: gives kinds of features and monotone directions, which every method that can honours.
        rows: float32 (n, features), of the training part only; past 15,000 a stratified sample of that many is used.
        labels: 0 (stayed) or 1 (left), (n,).
        seed: of the sample, the folds and the methods.
        progress: called before the first fit and after each.
        groups: the group of each row, which sample and folds take as a whole.
    """
    sample = draw_sample(labels, seed, groups)
    rows, labels, groups = rows[sample], labels[sample], None if groups is None else groups[sample]
    folds = draw_folds(labels, seed, groups)
    directions = contract.monotone_constraints()
    has_directions = any(directions)
    report = count_fits(progress, (1 + len(METHODS) * (1 + has_directions)) * FOLDS)

    def measure(name: str, model: Any, free: FoldScores | None = None) -> Candidate:
        started = time.perf_counter()
        scores = measure_folds(model, rows, labels, folds, lambda: report(name))
        return Candidate(
            name,
            float(np.mean(scores.fold_aucs)),
            compute_standard_error(scores.fold_aucs),
            time.perf_counter() - started,
            scores.fold_aucs,
            scores.fold_average_precisions,
            free,
        )

    def measure_free(name: str, model: Any) -> FoldScores:
        return measure_folds(model, rows, labels, folds, lambda: report(f"{name} without directions"))

    candidates = [measure(BASELINE, build_baseline(contract))]
    for name, build in METHODS.items():
        free = measure_free(name, build([0] * len(directions), seed)) if has_directions else None
        candidates.append(measure(name, build(directions, seed), free))
    report("done")
    return tuple(sorted(candidates, key=lambda candidate: -candidate.mean_auc))


def choose_candidate(candidates: Sequence[Candidate], negligible: float) -> Candidate:
    """Choose the method to fit: the first of `FITTED` that is as good as the best of them.

    All were compared at like sizes, so none is cheaper to serve, and XGBoost is fitted unless another is surely better.

    Args:
        negligible: a loss of AUC too small to matter.
    """
    fitted = {candidate.name: candidate for candidate in candidates if candidate.can_be_fitted}
    best = max(fitted.values(), key=lambda candidate: candidate.mean_auc)
    in_order = [fitted[name] for name in FITTED if name in fitted]
    return next(one for one in in_order if measure_loss(best.fold_aucs, one.fold_aucs).is_small(negligible))


def count_fits(progress: Progress | None, total: int) -> Report:
    """Return what is to be called before each fit with its name, and tells `progress` how far it is."""
    done = count()
    return lambda name: progress(next(done), total, name) if progress else None


def measure_folds(model: Any, rows: Rows, labels: Labels, folds: Folds, report: Callable[[], None]) -> FoldScores:
    """Fit a method anew for each fold and measure it on the rows that it did not see; `report` before each fit."""
    aucs: list[float] = []
    precisions: list[float] = []
    for train, validation in folds:
        report()
        with threadpool_limits(THREADS):
            model.fit(rows[train], labels[train])
            predicted = model.predict_proba(rows[validation])[:, 1]
        aucs.append(float(roc_auc_score(labels[validation], predicted)))
        precisions.append(float(average_precision_score(labels[validation], predicted)))
    return FoldScores(tuple(aucs), tuple(precisions))


def build_baseline(contract: type[Contract]) -> Pipeline:
    """Build a logistic regression over encoded rows: categories one-hot, all other features standardised.

    An unknown category is one more; an unknown number is the mean, with a column that marks it.
    """
    codes = {
        at: [*range(len(spec.categories)), *([np.nan] if spec.is_nullable else [])]
        for at, spec in enumerate(contract.features)
        if spec.kind == "category"
    }
    numbers = [at for at in range(len(contract.features)) if at not in codes]
    one_hot = OneHotEncoder(categories=list(codes.values()), drop="first")
    scaled = make_pipeline(SimpleImputer(add_indicator=True, keep_empty_features=True), StandardScaler())
    columns = ColumnTransformer([("categories", one_hot, list(codes)), ("numbers", scaled, numbers)])
    return make_pipeline(columns, LogisticRegression(max_iter=1000))


# All at like settings: 200 trees, and for boosting a rate of 0.05 and about 16 leaves. The forest has 100, because half
# as many cost half the time and rank it alike.
BOOSTING: Mapping[str, Any] = {"learning_rate": 0.05}


def _build_forest(directions: Directions, seed: int) -> RandomForestClassifier:
    return RandomForestClassifier(
        n_estimators=100, min_samples_leaf=10, monotonic_cst=list(directions), random_state=seed, n_jobs=THREADS
    )


def _build_histogram(directions: Directions, seed: int) -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(
        max_iter=200,
        max_leaf_nodes=16,
        early_stopping=False,
        monotonic_cst=list(directions),
        random_state=seed,
        **BOOSTING,
    )


def _build_xgboost(directions: Directions, seed: int) -> XGBClassifier:
    return XGBClassifier(
        n_estimators=200,
        max_depth=4,
        monotone_constraints=tuple(directions),
        n_jobs=THREADS,
        random_state=seed,
        **BOOSTING,
    )


def _build_lightgbm(directions: Directions, seed: int) -> LGBMClassifier:
    return LGBMClassifier(
        n_estimators=200,
        num_leaves=16,
        monotone_constraints=list(directions),
        deterministic=True,
        force_row_wise=True,
        n_jobs=THREADS,
        verbose=-1,
        random_state=seed,
        **BOOSTING,
    )


METHODS: Mapping[str, Callable[[Directions, int], Any]] = {
    "random forest": _build_forest,
    "histogram gradient boosting": _build_histogram,
    XGBOOST: _build_xgboost,
    "LightGBM": _build_lightgbm,
}
"""The tree methods by name, each of the directions of all features and a seed."""
