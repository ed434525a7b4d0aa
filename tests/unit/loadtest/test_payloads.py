"""Payloads are subscribers that the service takes."""

from __future__ import annotations

import pytest

from churn.businesses import contract_names, find_contract
from churn.loadtest.payloads import request_bodies


@pytest.mark.parametrize("name", contract_names())
def test_payloads_are_valid_varied_and_the_same_for_the_same_seed(name: str) -> None:
    contract = find_contract(name)
    bodies = request_bodies(contract, 1, 50)
    assert bodies == request_bodies(contract, 1, 50) != request_bodies(contract, 2, 50)
    assert len({contract.model_validate_json(body) for body in bodies}) == 50
