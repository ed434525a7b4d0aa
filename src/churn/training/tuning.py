"""Tuning XGBoost: a seeded, pruned, resumable Optuna study, then the smallest model that is as good as the best.

`choosing.py` says what is as good: all trials have the same folds. Of those the cheapest to explain is chosen.
Explaining a row takes a look-up per leaf, so the cost is trees x 2^depth.
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import optuna
import sklearn
import xgboost as xgb
from optuna.storages import BaseStorage, InMemoryStorage, RDBStorage
from optuna.trial import FrozenTrial, Trial, TrialState
from sklearn.metrics import roc_auc_score

from churn.contract.declaration import Contract, Rows
from churn.training.choosing import compute_standard_error, measure_loss
from churn.training.fit import fit_xgboost
from churn.training.folds import FOLDS, draw_folds
from churn.training.groups import Indices, Labels
from churn.training.tuned import Params, Tuned

FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)
FOLD_AUCS, PARAMS = "fold_aucs", "params"

type Progress = Callable[[int, int, float], None]
"""Called with (trials finished, trials in all, best mean AUC so far)."""


def tune(
    contract: type[Contract],
    rows: Rows,
    labels: Labels,
    *,
    data_version: str,
    data_sha256: str,
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
        seed: of the folds, the search and the fits.
        trials: how many to finish, pruned ones included.
        minutes: after which no further trial begins; the first is always finished.
        storage: where the study is kept, such as `sqlite:///study.db`; in memory if not given.
        progress: called after each trial.
        groups: the group of each row, which is in one fold.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with _open_storage(storage) as opened:
        study = optuna.create_study(
            study_name=f"{contract.contract_name} {contract.fingerprint[:12]} {data_sha256[:12]} seed {seed}",
            storage=opened,
            direction="maximize",
            pruner=optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=1),
            load_if_exists=True,
        )
        for interrupted in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            study.tell(interrupted.number, state=TrialState.FAIL)
        objective = _build_objective(contract, rows, labels, draw_folds(labels, seed, groups), seed)
        ends = math.inf if minutes is None else time.monotonic() + 60 * minutes
        while (done := len(_list_finished(study))) < trials and (time.monotonic() < ends or not _has_complete(study)):
            # A sampler of its own for each trial: its chance depends on how many are finished, not on the process.
            study.sampler = optuna.samplers.TPESampler(seed=seed + done)
            study.optimize(objective, n_trials=1)
            if progress:
                progress(done + 1, trials, study.best_value)
        table = [_describe_trial(trial) for trial in _list_finished(study)[:trials]]
    best, chosen = choose_trials(table, contract.negligible_auc_loss)
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
            "libraries": {module.__name__: module.__version__ for module in (np, optuna, sklearn, xgb)},
            "trials": table,
        },
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


def estimate_cost(params: Params) -> int:
    """Estimate the cost of explaining one row, in leaves: trees x 2^depth."""
    return int(params["trees"] * 2 ** params["max_depth"])


def choose_trials(table: list[dict[str, Any]], negligible: float = 0.0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the best trial, and the cheapest that is as good; of equally cheap ones the better.

    Args:
        table: trials with `params`, `mean_auc`, `standard_error` and `fold_aucs`. A pruned trial has no mean and is
            left out. Earlier records have no folds: there the standard error is that of the best trial itself.
        negligible: a loss of AUC too small to matter.
    """
    complete = [trial for trial in table if trial["mean_auc"] is not None]
    best = max(complete, key=lambda trial: trial["mean_auc"])
    as_good = [trial for trial in complete if _is_as_good(trial, best, negligible)]
    return best, min(as_good, key=lambda trial: (estimate_cost(trial["params"]), -trial["mean_auc"]))


def _is_as_good(trial: dict[str, Any], best: dict[str, Any], negligible: float) -> bool:
    if FOLD_AUCS in trial and FOLD_AUCS in best:
        return measure_loss(best[FOLD_AUCS], trial[FOLD_AUCS]).is_small(negligible)
    return bool(trial["mean_auc"] >= best["mean_auc"] - best["standard_error"])


def _build_objective(
    contract: type[Contract], rows: Rows, labels: Labels, folds: Sequence[tuple[Indices, Indices]], seed: int
) -> Callable[[Trial], float]:
    def mean_auc(trial: Trial) -> float:
        params = _suggest(trial)
        trial.set_user_attr(PARAMS, params)
        aucs: list[float] = []
        for step, (train, validation) in enumerate(folds):
            model = fit_xgboost(contract, rows[train], labels[train], params, seed)
            predicted = model.predict(rows[validation])
            aucs.append(float(roc_auc_score(labels[validation], predicted)))
            trial.report(float(np.mean(aucs)), step)
            if trial.should_prune():
                raise optuna.TrialPruned
        trial.set_user_attr(FOLD_AUCS, aucs)
        return float(np.mean(aucs))

    return mean_auc


def _suggest(trial: Trial) -> dict[str, int | float]:
    """Draw one set of parameters; rates and weights on a logarithmic scale, to three significant digits."""

    def number(name: str, low: float, high: float, *, log: bool = False) -> float:
        return float(f"{trial.suggest_float(name, low, high, log=log):.3g}")

    return {
        "trees": trial.suggest_int("trees", 50, 400, step=25),
        "max_depth": trial.suggest_int("max_depth", 2, 6),
        "learning_rate": number("learning_rate", 0.02, 0.3, log=True),
        "subsample": number("subsample", 0.5, 1.0),
        "colsample_bytree": number("colsample_bytree", 0.4, 1.0),
        "min_child_weight": number("min_child_weight", 1, 100, log=True),
        "reg_lambda": number("reg_lambda", 0.1, 30, log=True),
    }


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
