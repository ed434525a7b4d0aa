"""Paired checks as data, and the judge's verdict on a challenger by them.

The same rules as for a canary (`churn.judging.judge`), but each subscriber was answered by both models. So what is
judged is not whether shares are alike, but how many subscribers would be answered otherwise: nothing cancels out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from churn.errors import SettingsError
from churn.judging.findings import Finding, Levels, VerdictDecision
from churn.judging.judge import FALSE_PROMOTION, FALSE_ROLLBACK, Verdict
from churn.judging.mean_sequences import lower_bound, upper_bound
from churn.model.pairs import STEPS, Numbers
from churn.shadow.tally import MEASURES, Tally

MEAN: Final = "difference"


@dataclass(frozen=True, slots=True)
class PairedCheck:
    """One thing that is watched of all pairs.

    Args:
        measure: what, one of `churn.shadow.tally.MEASURES`; its mean is judged, which is a share where it is yes or no.
        tolerance: the largest acceptable mean.
        share: of the chance of a false alarm, relative to the other checks'.
    """

    measure: str
    tolerance: float
    share: float = 1.0

    def __post_init__(self) -> None:
        if self.measure not in MEASURES:
            raise SettingsError(f"there is no measure {self.measure!r}", instead=f"use one of {', '.join(MEASURES)}")
        if not (0 < self.tolerance < 1 and 0 < self.share < float("inf")):
            raise SettingsError(
                f"{self.measure}: tolerance {self.tolerance:g} and share {self.share:g} make no sense",
                instead="give a tolerance between 0 and 1, and a share above 0",
            )


# docs/shadow.md gives the reason for each tolerance.
DEFAULT_CHECKS: Final = (
    PairedCheck("tier flips", 0.1),
    PairedCheck("banner flips", 0.05),
    PairedCheck("other top 3", 0.4),
    PairedCheck("other direction", 0.02),
    PairedCheck("large differences", 0.02),
    PairedCheck(MEAN, 0.04),
)


def judge_pairs(
    tally: Tally,
    checks: Sequence[PairedCheck] = DEFAULT_CHECKS,
    *,
    false_rollback: float = FALSE_ROLLBACK,
    false_promotion: float = FALSE_PROMOTION,
) -> Verdict:
    """Promotes if all checks are surely within their tolerances, rolls back if one is surely beyond, else holds.

    Args:
        tally: of all pairs so far.
        checks: at least one.
        false_rollback: the chance that a challenger within all tolerances is ever refused, at most.
        false_promotion: the chance that a challenger beyond a tolerance is ever found fit, at most.
    """
    if not tally.pairs:
        return Verdict("hold", "no subscriber has been answered by both models yet")
    shares = sum(check.share for check in checks)
    findings = tuple(
        _finding(check, tally, Levels(false_rollback * check.share / shares, false_promotion)) for check in checks
    )
    if outside := [found for found in findings if found.is_outside]:
        return Verdict("roll back", "; ".join(found.reason for found in outside), findings)
    if waiting := [found for found in findings if found.decision == "hold"]:
        return Verdict("hold", "not yet sure: " + "; ".join(found.reason for found in waiting), findings)
    return Verdict("promote", f"all {len(findings)} checks are surely within their tolerances", findings)


def _finding(check: PairedCheck, tally: Tally, level: Levels) -> Finding:
    values, counts = _counted(check.measure, tally)
    effect = float(values @ counts) / tally.pairs
    low, high = lower_bound(values, counts, level.outside), upper_bound(values, counts, level.within)
    decision: VerdictDecision = "hold"
    if low > check.tolerance:
        decision = "roll back"
        sure = f"surely more than {_worded(check, low)}"
    elif high < check.tolerance:
        decision = "promote"
        sure = f"surely less than {_worded(check, high)}"
    else:
        sure = f"between {_worded(check, low)} and {_worded(check, high)}"
    reason = (
        f"{check.measure}: {_worded(check, effect)} of {tally.pairs:,} pairs, {sure}; "
        f"{_worded(check, check.tolerance)} is tolerated"
    )
    if check.measure == MEAN:
        reason = reason.replace(" of ", " on average of ", 1)
    return Finding(
        check.measure,
        decision,
        reason,
        effect,
        low,
        high,
        check.tolerance,
        critical=True,
        requests_stable=tally.pairs,
        requests_canary=tally.pairs,
    )


def _counted(measure: str, tally: Tally) -> tuple[Numbers, Numbers]:
    """The numbers that a measure takes, and how often it took each."""
    if measure == MEAN:
        sizes = np.abs(np.arange(-STEPS, STEPS + 1)) / STEPS
        return sizes, tally.shifts.astype(float)
    hits = tally.sums[list(MEASURES).index(measure)]
    return np.array([0.0, 1.0]), np.array([tally.pairs - hits, hits])


def _worded(check: PairedCheck, number: float) -> str:
    return f"{number:.4f}" if check.measure == MEAN else f"{100 * number:.2f} %"
