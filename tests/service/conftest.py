"""The service in process, around a small trained model of each contract."""

from collections.abc import Iterator

import pytest
from support.examples import STREAMFLOW
from support.in_process import InProcess, answering

from churn.businesses import list_contracts
from churn.contract.declaration import Contract
from churn.model.bundle import Bundle
from churn.service.app import create_app
from churn.settings import Settings


@pytest.fixture(scope="session", params=list_contracts())
def contract_name(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="session")
def bundle(bundles: dict[str, Bundle], contract_name: str) -> Bundle:
    return bundles[contract_name]


@pytest.fixture(scope="session")
def contract(bundle: Bundle) -> type[Contract]:
    return bundle.model.contract


@pytest.fixture(scope="session")
def service(bundle: Bundle) -> Iterator[InProcess]:
    """The service of a trained model, once for each contract."""
    with InProcess(create_app(Settings(), bundle=bundle)) as client:
        yield client


@pytest.fixture(scope="session")
def streamflow(bundles: dict[str, Bundle]) -> Iterator[InProcess]:
    """The service of a trained model, for tests that speak of StreamFlow's own fields."""
    with InProcess(create_app(Settings(), bundle=bundles["streamflow"])) as client:
        yield client


@pytest.fixture
def even() -> Iterator[InProcess]:
    """The service of a model that gives everybody the probability 0.5."""
    with answering(STREAMFLOW, 0.5) as client:
        yield client
