"""Payloads are subscribers that the service takes."""

import pytest

from churn.businesses import find_contract, list_contracts
from churn.loadtest.plan import draw_bodies


@pytest.mark.parametrize("name", list_contracts())
def test_payloads_are_valid_varied_and_the_same_for_the_same_seed(name: str) -> None:
    contract = find_contract(name)
    bodies = draw_bodies(contract, 1, 50)
    assert bodies == draw_bodies(contract, 1, 50) != draw_bodies(contract, 2, 50)
    assert len({contract.model_validate_json(body) for body in bodies}) == 50
