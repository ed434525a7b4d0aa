"""The demo's subscribers are valid, and what their titles say."""

from churn.businesses import find_contract
from churn.retention.offers.arms import draw_arm
from churn.retention.offers.policy import find_default_policy, load_policy
from portal.business import load_business

CONTRACT = find_contract("streamflow")
SUBSCRIBERS = load_business("streamflow").subscribers


def test_the_service_takes_every_one_of_them() -> None:
    assert [subscriber.number for subscriber in SUBSCRIBERS] == list(range(1, len(SUBSCRIBERS) + 1))
    assert len({subscriber.key for subscriber in SUBSCRIBERS}) == len(SUBSCRIBERS)
    for subscriber in SUBSCRIBERS:
        CONTRACT.model_validate(subscriber.facts)


def test_who_is_said_to_be_in_the_holdout_is() -> None:
    policy = load_policy(find_default_policy(CONTRACT), CONTRACT, languages=("en", "de"))
    held_out = [each for each in SUBSCRIBERS if draw_arm(each.key, policy.holdout) == "holdout"]
    assert held_out == [each for each in SUBSCRIBERS if "holdout" in each.about]
    assert len(held_out) == 1


def test_the_first_is_the_example_of_the_documents() -> None:
    assert SUBSCRIBERS[0].facts == CONTRACT.example()
