"""Tiers and the banner's threshold are the contract's."""

import pytest
from support.examples import STREAMFLOW
from support.in_process import answering

from churn.businesses.streamflow import Subscriber
from churn.contract.declaration import Contract
from churn.errors import ContractError
from churn.retention.offers.policy import find_default_policy
from churn.settings import Settings


class Rare(Subscriber):
    """A business that 2 % leave."""

    tiers = (0.05, 0.2)
    threshold = 0.1


@pytest.mark.parametrize(
    ("probability", "tier", "banner"),
    [
        (0.04, "low", False),
        (0.05, "medium", False),
        (0.1, "medium", False),
        (0.15, "medium", True),
        (0.2, "high", True),
    ],
)
def test_a_contract_says_where_its_tiers_and_its_banner_begin(
    probability: float,
    tier: str,
    banner: bool,
) -> None:
    with answering(Rare, probability, settings=Settings(offer_policy=find_default_policy(STREAMFLOW))) as client:
        answer = client.predict(STREAMFLOW.example()).json()
        operation = client.get("/openapi.json").json()["paths"]["/predict"]["post"]
    assert (answer["risk_tier"], answer["show_retention_banner"]) == (tier, banner)
    assert (operation["x-banner-above"], operation["x-tiers-below"]) == (0.1, {"low": 0.05, "medium": 0.2})


@pytest.mark.parametrize("limits", [{"tiers": (0.6, 0.3)}, {"tiers": (-0.1, 0.5)}, {"threshold": 1.5}])
def test_limits_that_are_no_probabilities_are_refused_when_declared(limits: dict[str, object]) -> None:
    with pytest.raises(ContractError, match="threshold"):
        type("Wrong", (Subscriber,), {"__module__": __name__, **limits})


def test_the_limits_are_no_part_of_the_fingerprint() -> None:
    assert Rare.fingerprint == STREAMFLOW.fingerprint
    assert (Contract.tiers, Contract.threshold) == (STREAMFLOW.tiers, STREAMFLOW.threshold) == ((0.3, 0.6), 0.6)
