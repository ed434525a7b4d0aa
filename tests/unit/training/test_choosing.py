"""The best is taken unless another is as good, and only differences on the same folds say which is."""

import numpy as np
import pytest
from scipy import stats
from support.examples import STREAMFLOW

from churn.contract.declaration import Contract
from churn.training.candidates import Candidate, choose_candidate
from churn.training.choosing import compute_standard_error, measure_loss
from churn.training.methods.catalogue import LIGHTGBM, XGBOOST
from churn.training.methods.method import ServableMethod

FOLDS = np.array([0.80, 0.90, 0.82, 0.88, 0.85])


def candidate(name: str, fold_aucs: np.ndarray) -> Candidate:
    return Candidate(name, float(np.mean(fold_aucs)), 0.0, 1.0, tuple(fold_aucs.tolist()), tuple(fold_aucs.tolist()))


def test_the_standard_error_is_the_deviation_over_the_root_of_the_folds() -> None:
    assert compute_standard_error([0.8, 0.9, 0.8, 0.9]) == pytest.approx(0.05 * (4 / 3) ** 0.5 / 2)


def test_the_paired_standard_error_is_that_of_scipys_paired_t_test() -> None:
    better, other = np.random.default_rng(0).normal(0.85, 0.02, (2, 7))
    loss = measure_loss(better.tolist(), other.tolist())
    assert loss.mean / loss.standard_error == pytest.approx(stats.ttest_rel(better, other).statistic)


def test_over_many_draws_the_paired_standard_error_is_the_spread_of_the_mean_difference() -> None:
    generator = np.random.default_rng(1)
    folds = generator.normal(0.85, 0.05, (4000, 5))  # what both share, and what each one's own spread is full of
    better, other = folds + generator.normal(0.01, 0.002, folds.shape), folds + generator.normal(0, 0.002, folds.shape)
    losses = [measure_loss(one, two) for one, two in zip(better.tolist(), other.tolist(), strict=True)]
    assert np.mean([loss.mean for loss in losses]) == pytest.approx(0.01, abs=2e-4)
    spread = np.std([loss.mean for loss in losses])
    assert np.mean([loss.standard_error**2 for loss in losses]) == pytest.approx(spread**2, rel=0.1)
    assert np.mean([compute_standard_error(of_folds) for of_folds in better.tolist()]) > 10 * spread


def test_figures_of_other_folds_are_not_compared() -> None:
    with pytest.raises(ValueError, match="shorter"):
        measure_loss([0.8, 0.9], [0.8])


@pytest.mark.parametrize(
    ("ahead", "is_small"),
    [
        (FOLDS + 0.002, False),  # on each fold by the same: the spread of 0.04 hides it only from who does not pair
        (FOLDS + 0.0009, True),  # too little to matter, however sure
        (FOLDS + np.array([0.02, -0.01, 0.01, -0.02, 0.02]), True),  # more, but only on some folds
        (FOLDS, True),
    ],
)
def test_a_loss_matters_if_it_is_sure_and_not_negligible(ahead: np.ndarray, is_small: bool) -> None:
    assert measure_loss(ahead.tolist(), FOLDS.tolist()).is_small(0.001) is is_small


def test_a_contract_may_call_another_loss_negligible() -> None:
    assert measure_loss((FOLDS + 0.002).tolist(), FOLDS.tolist()).is_small(0.003)
    assert STREAMFLOW.negligible_auc_loss == Contract.negligible_auc_loss == 0.001


def choose(*candidates: Candidate, preferred: ServableMethod = XGBOOST) -> str:
    return choose_candidate(candidates, 0.001, preferred).name


def test_only_what_can_be_served_is_chosen() -> None:
    xgboost, forest = candidate("XGBoost", FOLDS), candidate("random forest", FOLDS + 0.05)
    assert choose(forest, xgboost) == "XGBoost"
    assert not forest.is_servable
    assert xgboost.is_servable


def test_another_method_is_chosen_only_where_it_is_surely_better() -> None:
    xgboost, lightgbm = candidate("XGBoost", FOLDS), candidate("LightGBM", FOLDS + 0.002)
    assert choose(lightgbm, xgboost) == "LightGBM"
    assert choose(candidate("LightGBM", FOLDS + 0.0009), xgboost) == "XGBoost"
    histogram = candidate("histogram gradient boosting", FOLDS + 0.0025)
    assert choose(histogram, lightgbm, xgboost) == "LightGBM"  # as good as the best, and proven sooner


def test_what_was_tuned_is_kept_unless_another_is_surely_better() -> None:
    xgboost, lightgbm = candidate("XGBoost", FOLDS + 0.0009), candidate("LightGBM", FOLDS)
    assert choose(xgboost, lightgbm, preferred=LIGHTGBM) == "LightGBM"
    assert choose(candidate("XGBoost", FOLDS + 0.002), lightgbm, preferred=LIGHTGBM) == "XGBoost"
