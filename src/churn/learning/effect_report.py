"""What an experiment says of the banner, of each offer and in each segment: on leaving, and in money.

All rests on chances that are known. What somebody chose, or was shown later, decides nothing. Money rests on more: on
the margin and the months that the policy assumes, and on what is known of the offers' cost.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from churn.learning.guessing import find_money
from churn.learning.stakes import Stakes
from churn.outcomes.effects import (
    Comparison,
    bound_number,
    compare_actions,
    compare_banner,
    estimate_effect,
    weigh_outcomes,
)
from churn.outcomes.estimates import Estimate
from churn.outcomes.experiment import Experiment
from churn.outcomes.exposures import Exposures, Flags, Numbers
from churn.outcomes.reading_exposures import ReadExposures
from churn.outcomes.waiting import Waiting, describe_months, plan_waiting
from churn.retention.offers.actions import BANNER_ALONE, NOTHING
from churn.retention.offers.policy import Policy


@dataclass(frozen=True, slots=True)
class MeasuredEffect:
    """What showing something did, against showing nothing.

    Args:
        name: of the offer or the segment.
        shown, held_out: how many had the one or the other, of those whose outcome is known.
        missing: how many more of both have no outcome.
        effect: on the share that leaves; None where nobody is known on one of the sides.
        money: for each subscriber, revenue kept minus cost paid, in the policy's currency; None below the size at which
            its interval is right, or where the policy names no margin.
        waiting: what can be known at this traffic.
    """

    name: str
    shown: int
    held_out: int
    missing: int
    effect: Estimate | None
    money: Estimate | None
    waiting: Waiting | None

    @property
    def verdict(self) -> str:
        """Say in two or three words what is surely so."""
        if self.effect is None:
            return "not known"
        if self.effect.high < 0:
            return "keeps subscribers"
        return "makes more leave" if self.effect.low > 0 else "not yet sure"

    def describe_wait(self) -> str:
        """Say how long it takes in all to be sure of 2 points; empty if nobody knows the traffic."""
        months = self.waiting.months[1][1] if self.waiting else None
        return "" if months is None else describe_months(months)


@dataclass(frozen=True, slots=True)
class EffectReport:
    """What one experiment says, above the threshold.

    Args:
        banner: the treatment as a whole; None if nobody's record says enough.
        offers: each offer, and the banner alone, among those who could have had it.
        segments: the treatment in each segment of the policy that is given; none if it declares none.
        assumed: what the money rests on, as a sentence.
        unclear: how many subscribers are left out, since their record does not say with which chance they were shown
            what.
        unread: how many, since it lacks a feature of the contract.
    """

    currency: str
    policy_version: str
    assumed: str
    banner: MeasuredEffect | None = None
    offers: tuple[MeasuredEffect, ...] = ()
    segments: tuple[MeasuredEffect, ...] = ()
    unclear: int = 0
    unread: int = 0

    def describe_left_out(self) -> str:
        """Say of how many offers, segments and money know nothing; empty if of nobody."""
        if not (self.unclear or self.unread):
            return ""
        return (
            f"Offers, segments and money leave out {self.unclear + self.unread:,} subscribers. Their records do not "
            "say with which chance they were shown what, or lack a feature of the contract."
        )


def measure_effects(rows: ReadExposures, stakes: Stakes, experiment: Experiment, policy: Policy) -> EffectReport:
    """Measure what an experiment says of the banner, of each offer and in each segment.

    Where the arms are not as drawn, nothing is measured: it would say nothing.

    Args:
        rows: everybody of this experiment.
        stakes: what the policy puts at stake in these rows.
    """
    report = EffectReport(
        currency=policy.currency,
        policy_version=policy.version,
        assumed=describe_assumptions(policy),
        unclear=rows.unclear,
        unread=rows.unread,
    )
    is_above = rows.everybody.is_above
    people, is_known = rows.everybody.choose(is_above), rows.is_known[is_above]
    if not len(people) or (experiment.ratio is not None and experiment.ratio.is_wrong):
        return report
    stakes = stakes.choose(is_above)
    return EffectReport(
        currency=report.currency,
        policy_version=report.policy_version,
        assumed=report.assumed,
        banner=_measure("the banner as a whole", people, is_known, stakes),
        offers=tuple(_measure_offers(people, is_known, stakes)),
        segments=tuple(_measure_segments(people, is_known, stakes)),
        unclear=report.unclear,
        unread=report.unread,
    )


def describe_assumptions(policy: Policy) -> str:
    """Say what every amount of money rests on."""
    assumed = policy.document.assumptions
    if assumed is None:
        worth = "on what each offer of the policy says that it is worth to keep somebody"
    else:
        worth = (
            f"on {assumed.months_kept:g} months that somebody who is kept is assumed to stay, and on a margin that is "
            f"assumed to be {100 * assumed.margin_share:.0f} % of the price"
        )
    return (
        f"Money rests {worth}. Where an outcome does not say what an offer has cost, its full price counts for who "
        "stayed, and the assumed part of it for who left."
    )


def _measure_offers(people: Exposures, is_known: Flags, stakes: Stakes) -> Iterator[MeasuredEffect]:
    for action in people.actions:
        if action != NOTHING and (people.propensities[:, people.actions.index(action)] > 0).any():
            yield _measure("no offer" if action == BANNER_ALONE else action, people, is_known, stakes, action=action)


def _measure_segments(people: Exposures, is_known: Flags, stakes: Stakes) -> Iterator[MeasuredEffect]:
    if len(stakes.segments) > 1:
        for at, name in enumerate(stakes.segments):
            yield _measure(name, people, is_known, stakes, among=stakes.segment == at)


def _measure(
    name: str,
    people: Exposures,
    is_known: Flags,
    stakes: Stakes,
    *,
    action: str | None = None,
    among: Flags | None = None,
) -> MeasuredEffect:
    """Measure an action, or the treatment as a whole, among some people."""
    money = find_money(people, stakes)
    at_worst = -np.nan_to_num(stakes.gain.max(axis=1)) - stakes.full_cost.max(axis=1)
    rows = np.ones(len(people), dtype=bool) if among is None else among

    def compare(low: Numbers, high: Numbers) -> Comparison:
        own, least, most = people.choose(rows), low[rows], high[rows]
        if action is None:
            return compare_banner(own, low=least, high=most)
        return compare_actions(own, action, low=least, high=most)

    left = people.left.astype(float)
    leaving = compare(np.where(is_known, left, 0.0), np.where(is_known, left, 1.0))
    earning = compare(np.where(is_known, money, at_worst), np.where(is_known, money, 0.0))
    both = leaving.is_first | leaving.is_second
    period = timedelta(microseconds=float(np.ptp(people.time)))
    return MeasuredEffect(
        name=name,
        shown=int((leaving.is_first & leaving.is_known).sum()),
        held_out=int((leaving.is_second & leaving.is_known).sum()),
        missing=int((both & ~leaving.is_known).sum()),
        effect=estimate_effect(leaving),
        money=_estimate_money(earning) if leaving.is_large else None,
        waiting=plan_waiting(leaving, period),
    )


def _estimate_money(earning: Comparison) -> Estimate | None:
    if np.isnan(earning.low).any():  # the policy names no margin
        return None
    known = earning.choose(earning.is_known)
    value = float(weigh_outcomes(known, known.low).mean())
    return Estimate(value, *bound_number(earning), every_look=True, is_asymptotic=True)
