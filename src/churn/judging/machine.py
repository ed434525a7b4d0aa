"""Whether slow answers may be the machine's fault: the same version is slower on a slower machine.

Without a baseline nobody can tell the two apart. Then latency sends a canary back only if it also breaks the objective,
which is bad for subscribers whatever the cause. Two things must surely be true: that the canary is slower than
tolerated, and that it breaks the objective. If either is false, the chance to find both is no larger than the check's.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from churn.judging.checks import P99_SLOWER, SLOW, Check, Flags
from churn.judging.counts import Counts
from churn.judging.findings import Finding, Levels
from churn.judging.sequences import log_share_evidence

NO_BASELINE: Final = (
    "slower than stable, but within the objective; a slow machine looks the same: give the plan a baseline"
)


def is_p99_over_objective(canary: Counts, level: Levels) -> Flags:
    """Say whether more than 1 % of the canary's answers surely take longer than the objective."""
    return _is_p99_over(canary, level) & _is_p99_over(canary.drop_repeats(), level)


def _is_p99_over(canary: Counts, level: Levels) -> Flags:
    hits, total = SLOW.count(canary)
    slow, answers = (np.asarray(count, dtype=float) for count in (*hits.values(), total))
    evidence = log_share_evidence(slow, answers, P99_SLOWER)
    return np.asarray((slow > P99_SLOWER * answers) & (evidence >= -math.log(level.outside)))


def hold_slow_machines(
    checks: Sequence[tuple[Check, Levels]], findings: Sequence[Finding], canary: Counts
) -> tuple[Finding, ...]:
    """Let what may be a slow machine hold instead of sending the canary back, and say why."""
    judged = list(zip(checks, findings, strict=True))
    if any(check.measure == SLOW and finding.is_outside for (check, _), finding in judged):
        return tuple(findings)
    return tuple(
        replace(finding, decision="hold", reason=f"{finding.reason}: {NO_BASELINE}")
        if check.measure.is_latency and finding.decision == "roll back" and not is_p99_over_objective(canary, level)
        else finding
        for (check, level), finding in judged
    )
