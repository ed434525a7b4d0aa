"""All outcomes of a policy over a population: who gets what, at what expected cost and value."""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, NamedTuple

from churn.answers import Arm, Offer, OfferConsidered, WhyNotOffered
from churn.errors import OfferPolicyError
from churn.retention.campaign.population import BannerSubscriber
from churn.retention.offers.actions import BANNER_ALONE
from churn.retention.offers.arms import draw_arm
from churn.retention.offers.policy import Policy
from churn.retention.offers.selection import choose_action

type Seen = Literal["an offer", "reasons alone", "nothing"]
type WhyNoOffer = WhyNotOffered | Literal["no_reason_shown", "no_offers"]

# How far an offer came on its way to being made; of all offers, the one that came furthest says why there is none.
FURTHEST: tuple[WhyNotOffered, ...] = (
    "worth_less_than_the_chosen",
    "not_worth_its_cost",
    "answers_no_reason",
    "not_eligible",
    "cooldown",
    "expired",
)
HELD_OUT, NO_OFFER = "held out", "no offer"


class OfferDecision(NamedTuple):
    """What a subscriber gets: an offer, in the holdout what it would have been, or why there is none.

    `considered` has the policy's other offers, and why not these. `best` is the action that is expected to bring most.
    """

    arm: Arm
    offer: Offer | None
    considered: list[OfferConsidered]
    why: WhyNoOffer | None
    best: str

    @property
    def made(self) -> Offer | None:
        """Return the offer that the subscriber sees."""
        return None if self.arm == "holdout" else self.offer

    @property
    def state(self) -> str:
        """Return the code of the offer that is seen, or in two words why there is none."""
        if self.arm == "holdout":
            return HELD_OUT
        return NO_OFFER if self.offer is None else self.offer["code"]


def decide_offer(policy: Policy, banner: BannerSubscriber, today: date) -> OfferDecision:
    """Decide as the service does, for a subscriber who never accepted an offer before."""
    choice = choose_action(
        policy,
        banner.subscriber,
        banner.probability,
        banner.reasons,
        today=today,
        last_offer=None,
        language=policy.document.languages[0],
        adjust=banner.find_adjust(policy),
    )
    why = None if choice.offer is not None else _explain_no_offer(banner, choice.considered)
    return OfferDecision(draw_arm(banner.key, policy.holdout), choice.offer, choice.considered, why, choice.best)


def find_seen(banner: BannerSubscriber, decision: OfferDecision) -> Seen:
    """Say what a subscriber sees who is not held out."""
    if decision.offer is not None:
        return "an offer"
    return "reasons alone" if banner.reasons and decision.best == BANNER_ALONE else "nothing"


def _explain_no_offer(banner: BannerSubscriber, considered: Sequence[OfferConsidered]) -> WhyNoOffer:
    if not considered:
        return "no_offers"
    if not banner.reasons:
        return "no_reason_shown"
    reasons_against = {offer["why"] for offer in considered}
    return next(why for why in FURTHEST if why in reasons_against)


@dataclass(slots=True)
class OfferTotals:
    """Offers, counted and summed as each was answered, in whole cents; so net = saved - cost to the cent.

    `reasons` counts the codes of those that they answer, `why_not` why the offer was not made to others.
    """

    count: int = 0
    cost_cents: int = 0
    net_cents: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    why_not: Counter[str] = field(default_factory=Counter)

    def add(self, offer: Offer) -> None:
        expected = offer["expected"]
        self.count += 1
        self.cost_cents += round(expected["cost_dollars"] * 100)
        self.net_cents += round(expected["net_dollars"] * 100)
        self.reasons[offer["answers"]] += 1

    def figures(self) -> dict[str, float]:
        """Return count, cost, margin that is expected to be kept, and net value."""
        return {
            "count": self.count,
            "cost_dollars": self.cost_cents / 100,
            "saved_dollars": (self.net_cents + self.cost_cents) / 100,
            "net_dollars": self.net_cents / 100,
        }


class SubscriberLine(NamedTuple):
    """One subscriber with a banner, as a `.csv` file has it: with what is seen, which is nothing in the holdout.

    `withheld` is what the holdout would have been offered: compare by it what became of those who were.
    """

    key: str
    arm: str
    churn_probability: float
    reasons: str
    offer: str
    net_dollars: float | None
    withheld: str


@dataclass(slots=True)
class Simulation:
    """What became of all banners.

    Args:
        offers: by code, in the policy's order; of those who see them. `made` has all of them together.
        withheld: what the holdout would have been offered.
        no_offer: why those who are not held out get none.
        seen: of those who are not held out, how many see an offer, reasons alone or nothing.
        by_lot: how many of them get an action by lot, as expected; the figures are those of the best action.
    """

    banners: int = 0
    arms: Counter[str] = field(default_factory=Counter)
    offers: dict[str, OfferTotals] = field(default_factory=dict)
    made: OfferTotals = field(default_factory=OfferTotals)
    withheld: OfferTotals = field(default_factory=OfferTotals)
    no_offer: Counter[WhyNoOffer] = field(default_factory=Counter)
    seen: Counter[Seen] = field(default_factory=Counter)
    by_lot: float = 0.0
    lines: list[SubscriberLine] = field(default_factory=list)

    def add(self, banner: BannerSubscriber, decision: OfferDecision, policy: Policy) -> None:
        self.banners += 1
        self.arms[decision.arm] += 1
        self.lines.append(_build_line(banner, decision))
        if decision.arm == "holdout":
            if decision.offer is not None:
                self.withheld.add(decision.offer)
            return
        self.seen[find_seen(banner, decision)] += 1
        if banner.reasons and decision.arm == "treatment":
            self.by_lot += policy.explore.share
        for other in decision.considered:
            self.offers[other["code"]].why_not[other["why"]] += 1
        if decision.offer is not None:
            self.offers[decision.offer["code"]].add(decision.offer)
            self.made.add(decision.offer)
        if decision.why is not None:
            self.no_offer[decision.why] += 1


def simulate(policy: Policy, subscribers: Iterable[BannerSubscriber], today: date) -> Simulation:
    """Decide for each subscriber with a banner."""
    simulation = Simulation(offers={terms.code: OfferTotals() for terms in policy.terms})
    for banner in subscribers:
        simulation.add(banner, decide_offer(policy, banner, today), policy)
    return simulation


def _build_line(banner: BannerSubscriber, decision: OfferDecision) -> SubscriberLine:
    offer = decision.made
    sees_nothing = decision.arm == "holdout" or find_seen(banner, decision) == "nothing"
    return SubscriberLine(
        key=banner.key or "",
        arm=decision.arm,
        churn_probability=banner.probability,
        reasons="" if sees_nothing else " ".join(reason["code"] for reason in banner.reasons),
        offer="" if offer is None else offer["code"],
        net_dollars=None if offer is None else offer["expected"]["net_dollars"],
        withheld=decision.offer["code"] if decision.arm == "holdout" and decision.offer is not None else "",
    )


def csv_from_lines(lines: Iterable[SubscriberLine]) -> bytes:
    """Return the lines as a CSV file with a head."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(SubscriberLine._fields)
    writer.writerows(lines)
    return text.getvalue().encode()


@dataclass(slots=True)
class PolicyComparison:
    """How many go from one state to another, and into another arm, and the offers that each policy makes.

    A state is an offer's code, `no offer` or `held out`.
    """

    currency: str
    banners: int = 0
    arms_changed: int = 0
    changed: Counter[tuple[str, str]] = field(default_factory=Counter)
    old: OfferTotals = field(default_factory=OfferTotals)
    new: OfferTotals = field(default_factory=OfferTotals)


def compare_policies(
    old: Policy, new: Policy, subscribers: Iterable[BannerSubscriber], today: date
) -> PolicyComparison:
    """Decide by both policies for each subscriber with a banner.

    Raises:
        OfferPolicyError: the policies have different currencies.
    """
    if old.currency != new.currency:
        raise OfferPolicyError(
            f"{old.version} is in {old.currency} and {new.version} in {new.currency}, which cannot be compared",
            instead="simulate each by itself",
        )
    comparison = PolicyComparison(new.currency)
    for banner in subscribers:
        before, after = decide_offer(old, banner, today), decide_offer(new, banner, today)
        comparison.banners += 1
        comparison.arms_changed += before.arm != after.arm
        if before.state != after.state:
            comparison.changed[before.state, after.state] += 1
        for tally, made in ((comparison.old, before.made), (comparison.new, after.made)):
            if made is not None:
                tally.add(made)
    return comparison
