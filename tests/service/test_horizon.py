"""An answer says within how many days, where the contract states it."""

from support.examples import STREAMFLOW
from support.in_process import answering

from churn.businesses.streamflow import Subscriber
from churn.contract.declaration import Contract
from churn.retention.offers.policy import find_default_policy
from churn.settings import Settings


class Quarterly(Subscriber):
    """A business that asks who leaves within a quarter."""

    horizon_days = 90


def ask(contract: type[Contract]) -> list[dict[str, object]]:
    """Ask alone and in a batch."""
    with answering(contract, 0.5, settings=Settings(offer_policy=find_default_policy(STREAMFLOW))) as client:
        alone = client.predict(STREAMFLOW.example()).json()
        batch = client.batch([STREAMFLOW.example()]).json()
    return [alone, *batch["predictions"]]


def test_an_answer_says_within_how_many_days_the_contract_predicts() -> None:
    assert [answer["horizon_days"] for answer in ask(Quarterly)] == [90, 90]


def test_an_answer_without_a_horizon_has_no_such_field() -> None:
    assert ["horizon_days" in answer for answer in ask(Subscriber)] == [False, False]
