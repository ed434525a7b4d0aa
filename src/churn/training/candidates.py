"""Which method to fit: a logistic-regression baseline against four tree methods, all cross-validated alike.

Each tree method is fitted with the contract's monotone directions, which is what a release gets, and without them, so
that one sees what the directions cost.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_limits

from churn.contract.declaration import Contract, Rows
from churn.training.choosing import compute_standard_error, measure_loss
from churn.training.folds import FOLDS, draw_folds, draw_sample
from churn.training.groups import Indices, Labels
from churn.training.methods.catalogue import METHODS, SERVABLE, XGBOOST
from churn.training.methods.method import THREADS, ServableMethod

type Progress = Callable[[int, int, str], None]
"""Called with (fits done, fits in all, what is at work)."""
type Report = Callable[[str], None]
"""Called before each fit with what is at work, and once in the end."""
type Folds = Sequence[tuple[Indices, Indices]]

BASELINE = "logistic regression"


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
    def is_servable(self) -> bool:
        """Whether a release may be made of it. The others are compared only."""
        return self.name in SERVABLE


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
    for name, method in METHODS.items():
        undirected = method.build([0] * len(directions), seed, method.compared)
        free = measure_free(name, undirected) if has_directions else None
        candidates.append(measure(name, method.build(directions, seed, method.compared), free))
    report("done")
    return tuple(sorted(candidates, key=lambda candidate: -candidate.mean_auc))


def choose_candidate(
    candidates: Sequence[Candidate], negligible: float, preferred: ServableMethod = XGBOOST
) -> Candidate:
    """Choose the method to fit: the preferred one, unless another that can be served is surely better.

    All were compared at like sizes, so none is cheaper to serve. Of others that are as good as the best, the first of
    `SERVABLE` is taken.

    Args:
        candidates: as they were compared.
        negligible: a loss of AUC too small to matter.
        preferred: the method that the contract was tuned for.
    """
    servable = {candidate.name: candidate for candidate in candidates if candidate.is_servable}
    best = max(servable.values(), key=lambda candidate: candidate.mean_auc)
    in_order = [servable[name] for name in dict.fromkeys([preferred.name, *SERVABLE]) if name in servable]
    return next(one for one in in_order if measure_loss(best.fold_aucs, one.fold_aucs).is_small(negligible))


def count_fits(progress: Progress | None, total: int) -> Report:
    """Return a function to call before each fit with its name. It tells `progress` how far the fits are."""
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
