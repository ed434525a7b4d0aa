"""The subscribers of a demonstration are like those of the bundle's holdout."""

from pathlib import Path

import numpy as np
import pytest
from support.gym import write_gym

from churn.businesses import find_contract
from churn.contract.sampling import draw_columns
from churn.model.reference import measure_reference
from demo.traffic import draw_like_holdout


def test_drawn_subscribers_are_valid_and_as_frequent_as_in_the_holdout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHURN_BUSINESSES", str(write_gym(tmp_path / "gym")))
    contract = find_contract("gym")
    holdout = draw_columns(contract, np.random.default_rng(1), 2000)
    holdout["trainer"] = np.arange(2000) < 1900
    holdout["visits"] = np.minimum(holdout["visits"], 5)
    reference = measure_reference(contract, contract.encode_columns(holdout), np.zeros(2000))
    reference["features"]["plan"] |= {"counts": [0, 2000]}
    reference["features"]["retired"] |= {"unknown": 2000}
    drawn = draw_like_holdout(contract, reference, np.random.default_rng(2), 1000)
    assert 0.92 < drawn["trainer"].mean() < 0.98
    assert set(drawn["plan"]) == {"yearly"}
    assert drawn["visits"].max() <= 5
    assert 0.4 < np.mean([value is None for value in drawn["retired"]]) < 0.6
    known = {**drawn, "retired": drawn["trainer"]}
    for row in zip(*(column.tolist() for column in known.values()), strict=True):
        contract.model_validate(dict(zip(known, row, strict=True)))
