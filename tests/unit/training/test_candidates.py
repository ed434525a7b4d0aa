"""The comparison is fair, repeatable, and its baseline reads categories as categories."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from support.examples import STREAMFLOW

from churn.businesses import find_contract, list_contracts
from churn.contract.declaration import Contract, Rows
from churn.contract.sampling import draw_columns
from churn.training.candidates import build_baseline, compare_candidates
from churn.training.folds import FOLDS
from churn.training.groups import Labels


def sample(contract: type[Contract], count: int = 200) -> tuple[Rows, Labels]:
    generator = np.random.default_rng(0)
    rows = contract.encode_columns(draw_columns(contract, generator, count))
    standardised = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    score = standardised @ np.array(contract.monotone_constraints()) + generator.normal(size=count)
    return rows, (score > np.median(score)).astype(np.int8)


@pytest.mark.parametrize("name", list_contracts())
def test_every_candidate_is_compared_on_every_fold_best_first(name: str) -> None:
    told: list[tuple[int, int, str]] = []
    contract = find_contract(name)
    candidates = compare_candidates(contract, *sample(contract), 0, lambda *report: told.append(report))
    assert {candidate.name for candidate in candidates} == {
        "logistic regression",
        "random forest",
        "histogram gradient boosting",
        "XGBoost",
        "LightGBM",
    }
    means = [candidate.mean_auc for candidate in candidates]
    assert means == sorted(means, reverse=True)
    assert min(means) > 0.7
    fits = FOLDS * (1 + 4 * 2)  # the tree methods with the contract's directions and without them
    assert [done for done, _, _ in told] == list(range(fits + 1))
    assert {total for _, total, _ in told} == {fits}


def test_the_same_seed_compares_alike() -> None:
    once, again = (compare_candidates(STREAMFLOW, *sample(STREAMFLOW), 1) for _ in range(2))
    assert {one.name: one.fold_aucs for one in once} == {one.name: one.fold_aucs for one in again}


def test_the_baseline_can_single_out_a_category_in_the_middle() -> None:
    rows, _ = sample(STREAMFLOW)
    at, spec = next((at, spec) for at, spec in enumerate(STREAMFLOW.features) if len(spec.categories) == 3)
    labels = (rows[:, at] == spec.encode(spec.categories[1])).astype(np.int8)
    predicted = build_baseline(STREAMFLOW).fit(rows, labels).predict_proba(rows)[:, 1]
    assert roc_auc_score(labels, predicted) > 0.99


def test_the_baseline_predicts_for_a_category_it_never_saw() -> None:
    rows, labels = sample(STREAMFLOW)
    at = next(at for at, spec in enumerate(STREAMFLOW.features) if spec.kind == "category")
    seen = rows[:, at] != 1
    predicted = build_baseline(STREAMFLOW).fit(rows[seen], labels[seen]).predict_proba(rows)
    assert np.isfinite(predicted).all()
