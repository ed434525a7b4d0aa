"""Checks of two samples, for many runs at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from churn.judging.checks import Check, Comparison, Flags
from churn.judging.findings import Levels
from churn.judging.sequences import is_rejected


def find_outside(check: Check, comparison: Comparison, level: Levels) -> Flags:
    """Say for each run whether its confidence sequence lies outside the tolerance."""
    effect = comparison.proportions.effect()
    beyond = effect if check.direction == "up" else np.abs(effect)
    beyond = comparison.selected & (beyond > check.tolerance)
    beyond[beyond] = is_rejected(
        comparison.proportions.select(beyond),
        np.copysign(check.tolerance, effect[beyond]),
        level.outside / comparison.divide_outside,
    )
    return np.asarray(beyond.any(axis=-1))


def find_within(check: Check, comparison: Comparison, level: Levels) -> Flags:
    """Say for each run whether its confidence sequence lies within the tolerance."""
    effect, inside = comparison.proportions.effect(), np.ones(comparison.selected.shape, dtype=bool)
    for edge in (1,) if check.direction == "up" else (1, -1):
        inside &= edge * effect < check.tolerance
        inside[inside] = is_rejected(
            comparison.proportions.select(inside), edge * check.tolerance, level.within / comparison.divide_within
        )
    return np.asarray((inside | ~comparison.selected).all(axis=-1))


def select_runs(comparison: Comparison, runs: NDArray[np.int_]) -> Comparison:
    return comparison._replace(proportions=comparison.proportions.select(runs), selected=comparison.selected[runs])
