"""What directions cost is found where they are wrong, and the wrong one is named."""

from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field
from support.examples import STREAMFLOW

from churn.contract.declaration import Contract, Feature
from churn.contract.phrases import Band, Bands, CountedNoun
from churn.training.candidates import compare_candidates
from churn.training.directions import MOST_FITS, is_price_sure, price_directions, price_each_direction
from churn.training.folds import FOLDS
from churn.training.methods.catalogue import XGBOOST

RISES = Feature(says=Bands([Band("Having some", name="some")], words=CountedNoun("thing", "things")), monotone=1)


class Patient(Contract):
    """Two features whose risk is said to rise; that of the second is highest in the middle."""

    contract_name: ClassVar[str] = "patient"
    right: Annotated[int, Field(ge=0, le=9, description="It is as it is said.", examples=[1]), RISES]
    wrong: Annotated[int, Field(ge=0, le=9, description="It is not.", examples=[1]), RISES]


def draw(count: int = 400) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    rows = generator.integers(0, 10, (count, 2)).astype(np.float32)
    margin = 0.5 * rows[:, 0] - 1.5 * np.abs(rows[:, 1] - 4.5) + 2
    return rows, (generator.random(count) < 1 / (1 + np.exp(-margin))).astype(np.int8)


def test_a_wrong_direction_costs_every_method_and_is_named_first() -> None:
    rows, labels = draw()
    candidates = compare_candidates(Patient, rows, labels, 0)
    prices = price_directions(candidates)
    assert {price.of for price in prices} == {one.name for one in candidates} - {"logistic regression"}
    assert all(is_price_sure(price, 0.001) and price.auc.mean > 0.05 for price in prices)
    xgboost = next(one for one in candidates if one.name == XGBOOST.name)
    told: list[tuple[int, int, str]] = []
    freed = price_each_direction(
        Patient, rows, labels, seed=0, method=xgboost, progress=lambda *report: told.append(report)
    )
    assert [price.of for price in freed] == ["wrong", "right"]
    assert is_price_sure(freed[0], 0.001)
    assert not is_price_sure(freed[1], 0.001)
    assert [done for done, _, _ in told] == list(range(2 * FOLDS + 1))
    # Freeing the one that is wrong gains what freeing both gains.
    [both] = [price for price in prices if price.of == XGBOOST.name]
    assert abs(freed[0].auc.mean - both.auc.mean) < 0.02


def test_the_bound_on_fits_holds_for_the_contracts_of_the_house() -> None:
    assert sum(map(abs, STREAMFLOW.monotone_constraints())) * FOLDS <= MOST_FITS
