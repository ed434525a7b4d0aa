"""The outcomes of two policies over the same subscribers, side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from churn.retention.campaign.outcome import decide_offer
from churn.retention.campaign.population import BannerSubscriber
from churn.retention.campaign.simulation import OfferTotals
from churn.retention.offers.policy import Policy


@dataclass(slots=True)
class PolicyComparison:
    """What changes for whom.

    Args:
        changed: how many go from one state to another; a state is an offer's code, `no offer` or `held out`.
        arms_changed: how many are in another arm.
        old, new: the offers that each policy makes.
    """

    banners: int = 0
    arms_changed: int = 0
    changed: Counter[tuple[str, str]] = field(default_factory=Counter)
    old: OfferTotals = field(default_factory=OfferTotals)
    new: OfferTotals = field(default_factory=OfferTotals)


def compare_policies(old: Policy, new: Policy, found: Iterable[BannerSubscriber], today: date) -> PolicyComparison:
    """Decides twice for each subscriber with a banner."""
    comparison = PolicyComparison()
    for banner in found:
        before, after = decide_offer(old, banner, today), decide_offer(new, banner, today)
        comparison.banners += 1
        comparison.arms_changed += before.arm != after.arm
        if before.state != after.state:
            comparison.changed[before.state, after.state] += 1
        for tally, made in ((comparison.old, before.made), (comparison.new, after.made)):
            if made is not None:
                tally.add(made)
    return comparison
