"""The outcomes of two policies over the same subscribers, side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from churn.retention.campaign.outcome import outcome
from churn.retention.campaign.population import Banner
from churn.retention.campaign.simulation import Tally
from churn.retention.offers.policy import Policy


@dataclass(slots=True)
class Comparison:
    """What changes for whom.

    Args:
        changed: how many go from one state to another; a state is an offer's code, `no offer` or `held out`.
        arms_changed: how many are in another arm.
        old, new: the offers that each policy makes.
    """

    banners: int = 0
    arms_changed: int = 0
    changed: Counter[tuple[str, str]] = field(default_factory=Counter)
    old: Tally = field(default_factory=Tally)
    new: Tally = field(default_factory=Tally)


def compare(old: Policy, new: Policy, found: Iterable[Banner], today: date) -> Comparison:
    """Decides twice for each subscriber with a banner."""
    comparison = Comparison()
    for banner in found:
        before, after = outcome(old, banner, today), outcome(new, banner, today)
        comparison.banners += 1
        comparison.arms_changed += before.arm != after.arm
        if before.state != after.state:
            comparison.changed[before.state, after.state] += 1
        for tally, made in ((comparison.old, before.made), (comparison.new, after.made)):
            if made is not None:
                tally.add(made)
    return comparison
