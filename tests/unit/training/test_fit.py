"""The booster keeps the contract's promises."""

import numpy as np
import pytest

from churn.businesses import find_contract, list_contracts
from churn.contract.declaration import Contract
from churn.contract.sampling import draw_columns
from churn.explain.xgb import XgboostModel
from churn.training.fit import fit_xgboost
from churn.training.tuned import UNTUNED


def fitted(contract: type[Contract], seed: int = 0) -> XgboostModel:
    generator = np.random.default_rng(0)
    rows = contract.encode_columns(draw_columns(contract, generator, 400))
    # Labels of pure chance: without its constraints a booster would follow them in any direction.
    return fit_xgboost(contract, rows, generator.integers(0, 2, 400), UNTUNED.params, seed)


@pytest.mark.parametrize("name", list_contracts())
def test_the_same_seed_fits_the_same_booster(name: str) -> None:
    contract = find_contract(name)
    names = contract.feature_names()
    assert fitted(contract).encode(names) == fitted(contract).encode(names)
    assert fitted(contract).encode(names) != fitted(contract, seed=1).encode(names)
    assert fitted(contract).feature_names == tuple(names)


@pytest.mark.parametrize("name", list_contracts())
def test_risk_only_moves_in_the_declared_direction(name: str) -> None:
    contract = find_contract(name)
    model = fitted(contract)
    generator = np.random.default_rng(1)
    rows, others = (contract.encode_columns(draw_columns(contract, generator, 500)) for _ in range(2))
    before = model.predict(rows)
    for at, direction in enumerate(contract.monotone_constraints()):
        moved = rows.copy()
        moved[:, at] = others[:, at]
        change = model.predict(moved) - before
        if direction:
            assert (change * direction * np.sign(moved[:, at] - rows[:, at]) >= 0).all()
