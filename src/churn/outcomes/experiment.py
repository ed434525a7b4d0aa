"""The effect of the banner on the share that leaves, in one experiment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, NamedTuple

import numpy as np

from churn.outcomes.effects import Comparison, estimate_effect
from churn.outcomes.estimates import ALPHA, Estimate
from churn.outcomes.join import Cohort, LabelledPrediction
from churn.outcomes.ratio import ArmRatio, check_ratio
from churn.outcomes.strata import Stratum, average_effect, bound_effect
from churn.outcomes.waiting import Waiting, plan_waiting

type Advice = Literal["keep", "hold", "stop"]

NOT_RECORDED = "not recorded"


class Row(NamedTuple):
    """A row of a table of experiments: one share that was held out, or all of them."""

    experiment: str
    share: str
    holdout: int
    holdout_left: int
    treatment: int
    treatment_left: int
    effect: Estimate | None


@dataclass(frozen=True, slots=True)
class Experiment:
    """The effect of the banner on the share that leaves.

    Args:
        holdout, treatment: the subscribers whose outcome is known, by the arm that they were in first.
        effect: the treatment's share minus the holdout's, compared where the same share was held out. Its interval
            holds at every look, and whatever those did whose outcome is missing.
        torn: those who were in the other arm later. They count in their first.
        advice: `stop` if surely more leave with the banner, `keep` if surely fewer leave.
        name: None if no record says it.
        strata: the subscribers by the share that was held out when they came.
        missing: those of both arms without an outcome, though outcomes of others who came then are known.
        ratio: whether as many were held out as were drawn. If not, there is no advice.
        waiting: what can be known at this traffic; None where no record says the share.
    """

    holdout: int
    treatment: int
    holdout_left: int
    treatment_left: int
    effect: Estimate
    torn: int
    advice: Advice
    reason: str
    name: str | None = None
    strata: tuple[Stratum, ...] = ()
    missing: int = 0
    ratio: ArmRatio | None = None
    waiting: Waiting | None = None

    @property
    def is_comparable(self) -> bool:
        """Return whether subscribers of both arms can be compared."""
        return any(stratum.is_comparable for stratum in self.strata)

    def rows(self) -> list[Row]:
        """Return one row for each share that was held out; of several, a row of the whole comes first."""
        name, effect = self.name or NOT_RECORDED, self.effect if self.is_comparable else None
        rows = [Row(name, "all", self.holdout, self.holdout_left, self.treatment, self.treatment_left, effect)]
        for stratum in self.strata:
            share = f"policy {stratum.policy_version}" if stratum.share is None else f"{100 * stratum.share:g} %"
            counts = (stratum.holdout, stratum.holdout_left, stratum.treatment, stratum.treatment_left)
            rows.append(Row("", share, *counts, None))
        return rows if len(self.strata) > 1 else [Row(name, row.share, *row[2:6], effect) for row in rows[1:]]


def compare_arms(cohort: Cohort) -> Experiment:
    """Measure the effect of the banner on all subscribers of both arms. What they did later does not matter."""
    members = list(cohort.members.values())
    strata = stratify(members)
    comparison = compare_members(members)
    effect, ratio = _estimate(strata, comparison), check_ratio(strata)
    times = [member.time for member in members]
    period = timedelta(microseconds=max(times) - min(times)) if times else None
    missing = sum(stratum.holdout_missing + stratum.treatment_missing for stratum in strata)
    is_known = any(stratum.is_comparable for stratum in strata)
    advice, reason = _advise(effect, missing, is_known=is_known)
    if ratio.is_wrong:
        advice, reason = "hold", ratio.describe()
    return Experiment(
        holdout=sum(stratum.holdout for stratum in strata),
        treatment=sum(stratum.treatment for stratum in strata),
        holdout_left=sum(stratum.holdout_left for stratum in strata),
        treatment_left=sum(stratum.treatment_left for stratum in strata),
        effect=effect,
        torn=cohort.moved,
        advice=advice,
        reason=reason,
        name=cohort.experiment,
        strata=strata,
        missing=missing,
        ratio=ratio,
        waiting=plan_waiting(comparison, period),
    )


def compare_members(members: Sequence[LabelledPrediction]) -> Comparison:
    """Compare the treatment with the holdout, where the record says with which chance somebody is held out."""
    own = [member for member in members if member.holdout_share is not None and 0 < member.holdout_share < 1]
    share = np.array([member.holdout_share for member in own], dtype=float)
    is_held = np.array([member.arm == "holdout" for member in own], dtype=bool)
    return Comparison(
        score=np.array([member.probability for member in own], dtype=float),
        is_first=~is_held,
        is_second=is_held,
        chance=1 - share,
        other_chance=share,
        low=np.array([float(member.left or 0) for member in own], dtype=float),
        high=np.array([1.0 if member.left is None else float(member.left) for member in own], dtype=float),
    )


def _estimate(strata: Sequence[Stratum], comparison: Comparison) -> Estimate:
    """Estimate by the asymptotic sequence where all shares are known and enough came, else by the exact one."""
    compared = [stratum for stratum in strata if stratum.is_comparable]
    if not compared:
        return Estimate(0.0, -1.0, 1.0, every_look=True)
    if comparison.is_large and all(stratum.share is not None for stratum in compared):
        estimate = estimate_effect(comparison)
        if estimate is not None:
            return estimate
    return Estimate(average_effect(compared), *bound_effect(compared, ALPHA), every_look=True)


def stratify(members: Sequence[LabelledPrediction]) -> tuple[Stratum, ...]:
    """Count subscribers by the share held out when they came, or by the policy's version where no record says it."""
    groups: dict[tuple[float | None, str | None], list[LabelledPrediction]] = {}
    for member in sorted(members, key=lambda member: member.time):
        share = member.holdout_share
        groups.setdefault((share, member.policy_version if share is None else None), []).append(member)
    strata = []
    for (share, policy_version), own in groups.items():
        held = [member.left for member in own if member.arm == "holdout"]
        treated = [member.left for member in own if member.arm == "treatment"]
        known = [[left for left in arm if left is not None] for arm in (held, treated)]
        strata.append(
            Stratum(
                holdout=len(known[0]),
                treatment=len(known[1]),
                holdout_left=sum(known[0]),
                treatment_left=sum(known[1]),
                holdout_missing=len(held) - len(known[0]),
                treatment_missing=len(treated) - len(known[1]),
                share=share,
                policy_version=policy_version,
            )
        )
    return tuple(strata)


def _advise(effect: Estimate, missing: int, *, is_known: bool) -> tuple[Advice, str]:
    if not is_known:
        return "hold", "there is nobody with a known outcome in one of the arms, so nothing can be compared"
    between = f"between {100 * effect.low:+.1f} and {100 * effect.high:+.1f} percentage points"
    if missing:
        between += f", whatever the {missing:,} did whose outcome is missing"
    if effect.low > 0:
        return "stop", f"the banner surely makes more subscribers leave, {between}: stop showing it"
    if effect.high < 0:
        return "keep", f"the banner surely makes fewer subscribers leave, {between}"
    what_to_do = "import what became of them" if missing else "go on measuring"
    return "hold", f"it is not yet sure what the banner does: {between}; {what_to_do}"
