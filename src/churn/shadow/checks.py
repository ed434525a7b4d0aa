"""Paired checks as data, and the judge's verdict on a challenger by them.

The rules are those for a canary (`churn.judging.judge`), but both models answered each subscriber. So the checks
compare no shares. They count how many subscribers would get another answer: nothing cancels out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from churn.errors import SettingsError
from churn.judging.findings import Finding, Levels, decide, describe_bounds
from churn.judging.judge import FALSE_PROMOTION, FALSE_ROLLBACK, Verdict
from churn.judging.mean_sequences import lower_bound, upper_bound
from churn.shadow.sums import (
    BANNER_FLIPS,
    DIFFERENCE,
    LARGE_DIFFERENCES,
    OTHER_DIRECTION,
    OTHER_TOP,
    TIER_FLIPS,
    PairMeasure,
    PairSums,
)


@dataclass(frozen=True, slots=True)
class PairedCheck:
    """A measure of all pairs with its tolerance.

    Args:
        tolerance: the largest acceptable mean of the measure.
        share: its part of the chance of a false alarm, relative to the other checks.
    """

    measure: PairMeasure
    tolerance: float
    share: float = 1.0

    def __post_init__(self) -> None:
        if not (0 < self.tolerance < 1 and 0 < self.share < float("inf")):
            raise SettingsError(
                f"{self.measure.name}: tolerance {self.tolerance:g} and share {self.share:g} make no sense",
                instead="give a tolerance between 0 and 1, and a share above 0",
            )


# docs/shadow.md gives the reason for each tolerance.
DEFAULT_CHECKS: Final = (
    PairedCheck(TIER_FLIPS, 0.1),
    PairedCheck(BANNER_FLIPS, 0.05),
    PairedCheck(OTHER_TOP, 0.4),
    PairedCheck(OTHER_DIRECTION, 0.02),
    PairedCheck(LARGE_DIFFERENCES, 0.02),
    PairedCheck(DIFFERENCE, 0.04),
)


def judge_pairs(
    sums: PairSums,
    checks: Sequence[PairedCheck] = DEFAULT_CHECKS,
    *,
    false_rollback: float = FALSE_ROLLBACK,
    false_promotion: float = FALSE_PROMOTION,
) -> Verdict:
    """Judge a challenger. The two chances are those of an error at any look, at most.

    The verdict is `promote` if all checks are surely within their tolerances, `roll back` if one is surely beyond, and
    `hold` otherwise.
    """
    if not sums.pairs:
        return Verdict("hold", "no subscriber has been answered by both models yet")
    shares = sum(check.share for check in checks)
    findings = tuple(
        _evaluate(check, sums, Levels(false_rollback * check.share / shares, false_promotion)) for check in checks
    )
    if outside := [finding.reason for finding in findings if finding.is_outside]:
        return Verdict("roll back", "; ".join(outside), findings)
    if waiting := [finding.reason for finding in findings if not finding.is_within]:
        return Verdict("hold", "not yet sure: " + "; ".join(waiting), findings)
    return Verdict("promote", f"all {len(findings)} checks are surely within their tolerances", findings)


def _evaluate(check: PairedCheck, sums: PairSums, level: Levels) -> Finding:
    values, counts = sums.count_values(check.measure)
    effect = float(values @ counts) / sums.pairs
    low = float(lower_bound(values, counts, level.outside))
    high = float(upper_bound(values, counts, level.within))
    describe = check.measure.describe
    sure = describe_bounds(low, high, check.tolerance, describe)
    of_pairs = f"{'of' if check.measure.is_share else 'on average of'} {sums.pairs:,} pairs"
    return Finding(
        check=check.measure.name,
        decision=decide(low, high, check.tolerance),
        reason=f"{check.measure.name}: {describe(effect)} {of_pairs}, {sure}; {describe(check.tolerance)} is tolerated",
        effect=effect,
        low=low,
        high=high,
        tolerance=check.tolerance,
        critical=True,
        requests_stable=sums.pairs,
        requests_canary=sums.pairs,
    )
