"""Tuning a method: a seeded, pruned, resumable Optuna study, then the smallest model that is as good as the best.

`choosing.py` says what is as good: all trials have the same folds. Of those the cheapest to explain is chosen.
Explaining a row takes a look-up per leaf, so the cost is trees x the leaves that one may have.
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import lightgbm
import numpy as np
import optuna
import sklearn
import xgboost
from optuna.storages import BaseStorage, InMemoryStorage, RDBStorage
from optuna.trial import FrozenTrial, Trial, TrialState

from churn.contract.declaration import Contract, Rows
from churn.training.candidates import Folds, measure_folds
from churn.training.choosing import compute_standard_error, measure_loss
from churn.training.folds import FOLDS, draw_folds
from churn.training.groups import Indices, Labels
from churn.training.methods.catalogue import XGBOOST
from churn.training.methods.method import Params, ServableMethod
from churn.training.tuned import Tuned

FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)
FOLD_AUCS, PARAMS = "fold_aucs", "params"

type Progress = Callable[[int, int, float], None]
"""Called with (trials finished, trials in all, best mean AUC so far)."""
type Build = Callable[[Params], Any]
type Suggest = Callable[[Trial], Params]


def tune(
    contract: type[Contract],
    rows: Rows,
    labels: Labels,
    *,
    data_version: str,
    data_sha256: str,
    method: ServableMethod = XGBOOST,
    seed: int = 0,
    trials: int = 40,
    minutes: float | None = None,
    storage: str | None = None,
    progress: Progress | None = None,
    groups: Indices | None = None,
) -> Tuned:
    """Search for parameters by the mean AUC of five-fold cross-validation.

    The same arguments give the same trials, however often the study is interrupted and taken up again. With `minutes`
    it depends on the machine how many of them there are.

    Args:
        rows: float32 (n, features), of the training part only.
        labels: 0 (stayed) or 1 (left), (n,).
        data_version: what the data is called.
        data_sha256: of the data file; a study is only taken up on the same data.
        method: whose parameters are searched for.
        seed: of the folds, the search and the fits.
        trials: how many to finish, pruned ones included.
        minutes: after which no further trial begins; the first is always finished.
        storage: where the study is kept, such as `sqlite:///study.db`; in memory if not given.
        progress: called after each trial.
        groups: the group of each row, which is in one fold.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    other = "" if method is XGBOOST else f" {method.name}"  # a study of an earlier program goes on
    with _open_storage(storage) as opened:
        study = optuna.create_study(
            study_name=f"{contract.contract_name} {contract.fingerprint[:12]} {data_sha256[:12]} seed {seed}{other}",
            storage=opened,
            direction="maximize",
            pruner=optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=1),
            load_if_exists=True,
        )
        for interrupted in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            study.tell(interrupted.number, state=TrialState.FAIL)
        folds = draw_folds(labels, seed, groups)
        build = partial(method.build, contract.monotone_constraints(), seed)
        objective = _build_objective(build, method.suggest, rows, labels, folds)
        ends = math.inf if minutes is None else time.monotonic() + 60 * minutes
        while (done := len(_list_finished(study))) < trials and (time.monotonic() < ends or not _has_complete(study)):
            # A sampler of its own for each trial: its chance depends on how many are finished, not on the process.
            study.sampler = optuna.samplers.TPESampler(seed=seed + done)
            study.optimize(objective, n_trials=1)
            if progress:
                progress(done + 1, trials, study.best_value)
        table = [_describe_trial(trial) for trial in _list_finished(study)[:trials]]
    best, chosen = choose_trials(table, contract.negligible_auc_loss, method)
    return Tuned(
        params=chosen["params"],
        record={
            "data_version": data_version,
            "data_sha256": data_sha256,
            "training_rows": len(labels),
            "seed": seed,
            "folds": FOLDS,
            "negligible_auc_loss": contract.negligible_auc_loss,
            "best": best,
            "chosen": chosen,
            "libraries": {module.__name__: module.__version__ for module in (np, optuna, sklearn, xgboost, lightgbm)},
            "trials": table,
        },
        method=method.name,
    )


@contextmanager
def _open_storage(url: str | None) -> Iterator[BaseStorage]:
    """Open the study's storage, and close its connections in the end."""
    if url is None:
        yield InMemoryStorage()
        return
    storage = RDBStorage(url)
    try:
        yield storage
    finally:
        storage.remove_session()
        storage.engine.dispose()


def estimate_cost(params: Params, method: ServableMethod = XGBOOST) -> int:
    """Estimate the cost of explaining one row: the most leaves that the trees may have."""
    return int(params["trees"] * method.count_leaves(params))


def choose_trials(
    table: list[dict[str, Any]], negligible: float = 0.0, method: ServableMethod = XGBOOST
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the best trial, and the cheapest that is as good; of equally cheap ones the better.

    Args:
        table: trials with `params`, `mean_auc`, `standard_error` and `fold_aucs`. A pruned trial has no mean and is
            left out. Earlier records have no folds: there the standard error is that of the best trial itself.
        negligible: a loss of AUC too small to matter.
        method: whose parameters they are.
    """
    complete = [trial for trial in table if trial["mean_auc"] is not None]
    best = max(complete, key=lambda trial: trial["mean_auc"])
    as_good = [trial for trial in complete if _is_as_good(trial, best, negligible)]
    return best, min(as_good, key=lambda trial: (estimate_cost(trial["params"], method), -trial["mean_auc"]))


def _is_as_good(trial: dict[str, Any], best: dict[str, Any], negligible: float) -> bool:
    if FOLD_AUCS in trial and FOLD_AUCS in best:
        return measure_loss(best[FOLD_AUCS], trial[FOLD_AUCS]).is_small(negligible)
    return bool(trial["mean_auc"] >= best["mean_auc"] - best["standard_error"])


def _build_objective(
    build: Build, suggest: Suggest, rows: Rows, labels: Labels, folds: Folds
) -> Callable[[Trial], float]:
    def mean_auc(trial: Trial) -> float:
        params: Params = {"trees": trial.suggest_int("trees", 50, 400, step=25), **suggest(trial)}
        trial.set_user_attr(PARAMS, dict(params))
        aucs: list[float] = []
        for step, fold in enumerate(folds):
            aucs += measure_folds(build(params), rows, labels, [fold], lambda: None).fold_aucs
            trial.report(float(np.mean(aucs)), step)
            if trial.should_prune():
                raise optuna.TrialPruned
        trial.set_user_attr(FOLD_AUCS, aucs)
        return float(np.mean(aucs))

    return mean_auc


def _has_complete(study: optuna.Study) -> bool:
    return bool(study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)))


def _list_finished(study: optuna.Study) -> list[FrozenTrial]:
    return study.get_trials(deepcopy=False, states=FINISHED)


def _describe_trial(trial: FrozenTrial) -> dict[str, Any]:
    """Describe a trial in a line of the record; AUCs to six decimals, beyond which they are noise."""
    aucs: list[float] = trial.user_attrs.get(FOLD_AUCS, [])
    params: Mapping[str, int | float] = trial.user_attrs[PARAMS]
    return {
        "params": dict(params),
        "mean_auc": round(float(np.mean(aucs)), 6) if aucs else None,
        "standard_error": round(compute_standard_error(aucs), 6) if aucs else None,
        FOLD_AUCS: [round(auc, 6) for auc in aucs],
    }
