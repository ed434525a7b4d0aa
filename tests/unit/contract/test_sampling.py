"""Random subscribers are valid ones."""

import numpy as np
import pytest

from churn.businesses import find_contract, list_contracts
from churn.contract.sampling import draw_columns, draw_subscribers


@pytest.mark.parametrize("name", list_contracts())
def test_drawn_subscribers_are_valid_and_the_same_for_the_same_seed(name: str) -> None:
    contract = find_contract(name)
    first, second = (draw_subscribers(contract, np.random.default_rng(7), 300) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("name", list_contracts())
def test_drawn_subscribers_show_every_category(name: str) -> None:
    contract = find_contract(name)
    columns = draw_columns(contract, np.random.default_rng(0), 500)
    for spec in contract.features:
        if spec.categories:
            assert set(columns[spec.name]) == set(spec.categories)
