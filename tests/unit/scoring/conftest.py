"""Files to score, around the small trained model of each contract."""

import pytest

from churn.businesses import list_contracts
from churn.contract.declaration import Contract
from churn.model.bundle import Bundle


@pytest.fixture(params=list_contracts())
def bundle(request: pytest.FixtureRequest, bundles: dict[str, Bundle]) -> Bundle:
    return bundles[request.param]


@pytest.fixture
def contract(bundle: Bundle) -> type[Contract]:
    return bundle.model.contract
