"""What a method fits for a release keeps the contract's promises, whichever library fits it."""

import numpy as np
import pytest
import xgboost
from support.examples import STREAMFLOW

from churn.businesses import find_contract, list_contracts
from churn.contract.declaration import Contract
from churn.contract.sampling import draw_columns
from churn.errors import SettingsError
from churn.explain.trained import TrainedModel
from churn.training.methods.catalogue import METHODS, SERVABLE, XGBOOST, find_method
from churn.training.methods.method import ServableMethod
from churn.training.tuned import UNTUNED

EACH_METHOD = pytest.mark.parametrize("method", SERVABLE.values(), ids=SERVABLE)


def fitted(contract: type[Contract], method: ServableMethod, seed: int = 0) -> TrainedModel:
    generator = np.random.default_rng(0)
    rows = contract.encode_columns(draw_columns(contract, generator, 400))
    # Labels of pure chance: without its constraints a model would follow them in any direction.
    params = {"trees": 100, method.size: method.plain_sizes[1], **method.plain}
    return method.fit(contract, rows, generator.integers(0, 2, 400).astype(np.int8), params, seed)


@pytest.mark.parametrize("name", list_contracts())
@EACH_METHOD
def test_the_same_seed_fits_the_same_model(name: str, method: ServableMethod) -> None:
    contract = find_contract(name)
    rows = contract.encode_columns(draw_columns(contract, np.random.default_rng(1), 200))
    margins = [fitted(contract, method, seed).compute_margins(rows).tolist() for seed in (0, 0, 1)]
    assert margins[0] == margins[1] != margins[2]
    assert fitted(contract, method).feature_names == tuple(contract.feature_names())


@pytest.mark.parametrize("name", list_contracts())
@EACH_METHOD
def test_risk_only_moves_in_the_declared_direction(name: str, method: ServableMethod) -> None:
    contract = find_contract(name)
    model = fitted(contract, method)
    generator = np.random.default_rng(1)
    rows, others = (contract.encode_columns(draw_columns(contract, generator, 500)) for _ in range(2))
    before = model.predict(rows)
    for at, direction in enumerate(contract.monotone_constraints()):
        moved = rows.copy()
        moved[:, at] = others[:, at]
        change = model.predict(moved) - before
        if direction:
            assert (change * direction * np.sign(moved[:, at] - rows[:, at]) >= 0).all()


def test_the_classifier_of_xgboost_gives_the_booster_that_its_own_training_gives() -> None:
    generator = np.random.default_rng(2)
    names = STREAMFLOW.feature_names()
    rows = STREAMFLOW.encode_columns(draw_columns(STREAMFLOW, generator, 400))
    labels = generator.integers(0, 2, 400)
    settings = {key: value for key, value in UNTUNED.params.items() if key != "trees"} | {
        "objective": "binary:logistic",
        "monotone_constraints": dict(zip(names, STREAMFLOW.monotone_constraints(), strict=True)),
        "seed": 3,
        "nthread": 1,
    }
    data = xgboost.DMatrix(rows, labels, feature_names=names)
    booster = xgboost.train(settings, data, num_boost_round=int(UNTUNED.params["trees"]))
    assert XGBOOST.fit(STREAMFLOW, rows, labels, UNTUNED.params, 3).encode(names) == bytes(booster.save_raw("ubj"))


def test_a_method_is_found_by_its_first_word_and_what_cannot_be_served_says_why() -> None:
    assert [find_method(name).name for name in ("xgboost", "LightGBM", "Histogram")] == list(SERVABLE)
    assert all(find_method(name).name == name for name in SERVABLE)
    with pytest.raises(SettingsError, match="its contributions are no log-odds"):
        find_method("random forest")
    with pytest.raises(SettingsError, match="no method 'catboost'") as refused:
        find_method("catboost")
    assert all(name in refused.value.instead for name in SERVABLE)
    assert set(METHODS) - set(SERVABLE) == {"random forest"}
