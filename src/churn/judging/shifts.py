"""Whether answers are slower in general: what several bounds of the latency tell together.

A baseline answers no more requests than the canary, so each answer should tell much. It says how many of the middle
bounds it exceeds, as a part of them: 0, 1/3, 2/3 or 1 for three bounds. If the canary exceeds no bound by more than
the tolerance, the mean of these parts is not larger by more than that either.

Somebody bets that the canary's mean is larger, and that the baseline's is smaller, with 0.4 of what one may bet each
time (`mean_sequences.py`). Take any mean of the baseline. If the canary's is larger by the tolerance at most, the
product of both stakes does not grow on average. So the smallest product, over all means, is an e-process. Over steps
they multiply. The bounds are chosen by what stable answered before the step, which does not depend on what comes.
"""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from churn.judging.checks import Check, Flags
from churn.judging.counts import Counts, StepAnswers
from churn.judging.findings import Finding, Levels, build_finding
from churn.judging.mean_sequences import log_wealth
from churn.judging.sequences import Numbers

# Of the chance that the check takes. Bound by bound it has the rest, for what concerns few answers.
PART: Final = 0.8
_BET = np.array([0.4])
_MIDDLE = 0.1  # a middle bound is exceeded by this part of the answers at least, and by all but this part at most
_MEANS = np.linspace(0, 1, 801)
_LEAST = 1e-12
_HALVINGS = 20


def find_shift(check: Check, level: Levels, finding: Finding, steps: Sequence[StepAnswers]) -> Finding:
    """Return what the check finds, with a larger lower end if all bounds together tell more than each by itself.

    In each step `stable` holds the baseline's answers.
    """
    needed = -np.log(PART * level.outside)
    if finding.high is None or finding.is_outside or log_shift_evidence(steps, check.tolerance) < needed:
        return finding
    low, beyond = check.tolerance, 1.0
    for _ in range(_HALVINGS):
        middle = (low + beyond) / 2
        low, beyond = (middle, beyond) if log_shift_evidence(steps, middle) >= needed else (low, middle)
    counts = (
        f"slower in general than the baseline, by {finding.requests_canary:,} answers of the canary and "
        f"{finding.requests_stable:,} of the baseline"
    )
    low = math.nextafter(low, 1.0)  # surely more than tolerated
    bounded = (max(finding.effect or 0.0, low), low, max(finding.high, low))
    return build_finding(check, counts, bounded, (finding.requests_stable, finding.requests_canary))


def log_shift_evidence(steps: Sequence[StepAnswers], tolerance: float) -> Numbers:
    """Return the logarithm of the e-process against a canary that exceeds no bound by more than the tolerance, (...).

    Where somebody had several answers within a minute, it is the smaller one of both ways to count.
    """
    evidence = np.sum([_log_evidence_of_step(step, tolerance) for step in steps], axis=0)
    if any(step.has_repeats for step in steps):
        once = [_log_evidence_of_step(step.drop_repeats(), tolerance) for step in steps]
        evidence = np.minimum(evidence, np.sum(once, axis=0))
    return np.asarray(evidence)


def _log_evidence_of_step(step: StepAnswers, tolerance: float) -> Numbers:
    middle = _choose_bounds(step.earlier)
    if not middle.any():
        return np.zeros(np.shape(step.canary.requests))
    values = np.linspace(0, 1, middle.sum() + 1)
    baseline, canary = (_count_exceeded(counts, middle)[..., None, :] for counts in (step.stable, step.canary))
    larger = log_wealth(values, canary, np.clip(_MEANS + tolerance, _LEAST, 1), _BET)
    smaller = log_wealth(1 - values, baseline, np.maximum(1 - _MEANS, _LEAST), _BET)
    # From one mean to the next one falls and the other rises, so this is never more than the smallest sum.
    return np.asarray((larger[..., 1:] + smaller[..., :-1]).min(axis=-1))


def _choose_bounds(earlier: Counts) -> Flags:
    """Return which bounds neither nearly all nor hardly any of the earlier answers exceed."""
    latency = np.array([np.sum(count) for count in earlier.latency], dtype=float)
    exceeded = 1 - np.cumsum(latency)[:-1] / max(latency.sum(), 1)
    return np.asarray((exceeded >= _MIDDLE) & (exceeded <= 1 - _MIDDLE))


def _count_exceeded(counts: Counts, bounds: Flags) -> Numbers:
    """Count the answers that exceed 0, 1, ... and all of these bounds, (..., bounds + 1)."""
    exceeded = np.concatenate([[0], np.cumsum(bounds)])
    latency = np.stack([np.asarray(count, dtype=float) for count in counts.latency], axis=-1)
    return np.asarray(latency @ (exceeded[:, None] == np.arange(bounds.sum() + 1)))
