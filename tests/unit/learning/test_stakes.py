"""What is at stake in a row is what the service itself says of that subscriber."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from support.drawn_policies import policies
from support.examples import STREAMFLOW
from support.policies import LANGUAGES, reason
from support.strategies import subscribers

from churn.answers import CustomerReason, Offer, OfferConsidered
from churn.contract.declaration import Contract
from churn.learning.choosing import choose_actions, weigh_actions
from churn.learning.measures import read_rates
from churn.learning.stakes import weigh_exposures
from churn.outcomes.exposures import Exposures
from churn.retention.offers.policy import Policy, find_default_policy, load_policy
from churn.retention.offers.selection import choose_offer

NOW = datetime.now(UTC)
GROUPS = sorted({spec.group for spec in STREAMFLOW.features if spec.is_showable})
REASONS = st.lists(st.sampled_from(GROUPS), max_size=3, unique=True)
PEOPLE = st.lists(
    st.tuples(subscribers(STREAMFLOW).map(STREAMFLOW.model_validate), REASONS, st.integers(0, 10_000)),
    min_size=1,
    max_size=5,
)


def expose(people: Sequence[tuple[Contract, Sequence[str], float]], actions: Sequence[str] = ()) -> Exposures:
    """Rows of subscribers, each with the groups of their reasons and their probability."""
    count, named = len(people), ("nothing", "banner alone", *actions)
    nobody_knows = np.full(count, np.nan)
    return Exposures(
        actions=named,
        feature_names=tuple(STREAMFLOW.feature_names()),
        time=np.full(count, int(NOW.timestamp()) * 10**6),
        identity=np.array([str(at) for at in range(count)], dtype=object),
        experiment=np.full(count, "one", dtype=object),
        model_version=np.full(count, "v1", dtype=object),
        policy_sha256=np.full(count, "0" * 64, dtype=object),
        features=np.array([subscriber.encode() for subscriber, _, _ in people]),
        probability=np.array([probability for _, _, probability in people], dtype=float),
        threshold=np.full(count, 0.6),
        holdout_share=np.full(count, 0.1),
        held_out=np.zeros(count, dtype=bool),
        propensities=np.tile([1.0] + [0.0] * (len(named) - 1), (count, 1)),
        taken=np.zeros(count, dtype=np.int64),
        reasons=[tuple(groups) for _, groups, _ in people],
        left=np.zeros(count, dtype=bool),
        accepted=nobody_knows,
        paid=nobody_knows,
        days_until_left=nobody_knows,
    )


def ask_service(
    policy: Policy, subscriber: Contract, groups: Sequence[str], probability: float
) -> tuple[Offer | None, list[OfferConsidered]]:
    shown: list[CustomerReason] = [reason(group) for group in groups]
    return choose_offer(
        policy, subscriber, probability, shown, today=NOW.date(), last_offer=None, language=policy.document.languages[0]
    )


@settings(max_examples=60)
@given(policies(STREAMFLOW), PEOPLE, st.data())
def test_the_service_chooses_the_same(
    policy: Policy, people: list[tuple[Contract, list[str], int]], data: st.DataObject
) -> None:
    codes = [terms.code for terms in policy.terms]
    logged = data.draw(st.permutations(codes)) if data.draw(st.booleans()) else []
    rows = [(subscriber, groups, whole / 10_000) for subscriber, groups, whole in people]
    stakes = weigh_exposures(exposures := expose(rows, logged), policy, STREAMFLOW)
    rates = read_rates(policy, stakes.actions)
    chosen = choose_actions(stakes, exposures.probability, rates, without_offer=policy.without_offer)
    nets = weigh_actions(stakes, exposures.probability, rates)
    for at, row in enumerate(rows):
        offer, considered = ask_service(policy, *row)
        otherwise = "banner alone" if row[1] and policy.without_offer == "reasons" else "nothing"
        assert stakes.actions[chosen[at]] == (offer["code"] if offer else otherwise)
        weighed = {other["code"]: other["net_dollars"] for other in considered}
        if offer:
            weighed[offer["code"]] = offer["expected"]["net_dollars"]
        assert weighed == {
            code: None if np.isnan(net) else net
            for code in codes
            for net in [nets[at, stakes.actions.index(code)].item()]
        }


def test_nothing_is_always_possible_and_a_banner_needs_a_reason() -> None:
    policy = load_policy(find_default_policy(STREAMFLOW), STREAMFLOW, languages=LANGUAGES)
    someone = STREAMFLOW.model_validate(STREAMFLOW.example())
    stakes = weigh_exposures(expose([(someone, ["price"], 0.8), (someone, [], 0.8)]), policy, STREAMFLOW)
    assert stakes.saves[:, 0].tolist() == [0, 0]
    assert stakes.saves[0, 1] == 0
    assert np.isnan(stakes.saves[1, 1:]).all()


def test_an_offer_of_another_policy_is_not_possible() -> None:
    policy = load_policy(find_default_policy(STREAMFLOW), STREAMFLOW, languages=LANGUAGES)
    someone = STREAMFLOW.model_validate(STREAMFLOW.example())
    stakes = weigh_exposures(expose([(someone, GROUPS, 0.8)], ["of-last-year"]), policy, STREAMFLOW)
    assert stakes.actions[:3] == ("nothing", "banner alone", "of-last-year")
    assert np.isnan(stakes.saves[0, 2])
    assert 2 not in stakes.offers
