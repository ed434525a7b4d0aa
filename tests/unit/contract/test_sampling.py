"""Random subscribers are valid ones."""

import numpy as np
import pytest
from support.dated import CONTRACT as DATED
from support.patchy import CONTRACT as PATCHY

from churn.businesses import find_contract, list_contracts
from churn.contract.declaration import Contract
from churn.contract.sampling import draw_columns, draw_subscribers

CONTRACTS: list[type[Contract]] = [*map(find_contract, list_contracts()), PATCHY, DATED]


@pytest.mark.parametrize("contract", CONTRACTS)
def test_drawn_subscribers_are_valid_and_the_same_for_the_same_seed(contract: type[Contract]) -> None:
    first, second = (draw_subscribers(contract, np.random.default_rng(7), 300) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("contract", CONTRACTS)
def test_drawn_subscribers_show_every_category_and_blanks_where_there_may_be_some(contract: type[Contract]) -> None:
    columns = draw_columns(contract, np.random.default_rng(0), 500)
    for spec in contract.features:
        if spec.categories:
            assert set(columns[spec.name]) - {None} == set(spec.categories)
        assert (None in columns[spec.name].tolist()) == spec.is_nullable
