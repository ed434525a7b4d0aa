"""What offers are expected to be worth, by the probability of those to whom they are made."""

from collections import Counter
from collections.abc import Iterable
from datetime import date

from churn.retention.campaign.population import BannerSubscriber
from churn.retention.campaign.simulation import decide_offer
from churn.retention.offers.policy import Policy


def sum_net_cents(policy: Policy, subscribers: Iterable[BannerSubscriber], today: date) -> Counter[float]:
    """Sum the expected net value of the offers by probability as shown, in cents. The policy's holdout counts too."""
    cents: Counter[float] = Counter()
    for subscriber in subscribers:
        offer = decide_offer(policy, subscriber, today).offer
        if offer is not None:
            cents[subscriber.probability] += round(offer["expected"]["net_dollars"] * 100)
    return cents
