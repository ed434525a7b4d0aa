"""Checks of two samples, for many runs at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from churn.judging.checks import Check, Flags
from churn.judging.comparison import Comparison
from churn.judging.findings import Levels
from churn.judging.sequences import ALIKE
from churn.judging.step_sequences import is_rejected, select_parts


def find_outside(check: Check, comparison: Comparison, level: Levels) -> Flags:
    """Say for each run whether its confidence sequence lies outside the tolerance, both ways to count."""
    outside = _find_outside(check, comparison, level)
    if comparison.once is not None:
        outside &= _find_outside(check, comparison.view_once(), level)
    return outside


def find_within(check: Check, comparison: Comparison, level: Levels, enough: float | None = None) -> Flags:
    """Say for each run whether its confidence sequence lies within the tolerance, or what is enough, both ways."""
    within = _find_within(check, comparison, level, enough)
    if comparison.once is not None:
        within &= _find_within(check, comparison.view_once(), level, enough)
    return within


def _find_outside(check: Check, comparison: Comparison, level: Levels) -> Flags:
    proportions, alpha = comparison.proportions, level.outside / comparison.divide_outside
    outside = is_rejected(proportions, check.tolerance, "at most", alpha)
    if check.direction == "both":
        outside |= is_rejected(proportions, -check.tolerance, "at least", alpha)
    if check.relative_tolerance:  # what is tolerated is the larger one of two, so both are exceeded
        outside &= is_rejected(proportions, 1 + check.relative_tolerance, "at most", alpha, is_ratio=True)
    return np.asarray((outside & comparison.selected).any(axis=-1))


def _find_within(check: Check, comparison: Comparison, level: Levels, enough: float | None) -> Flags:
    proportions, alpha = comparison.proportions, level.within / comparison.divide_within
    edge = check.tolerance if enough is None else enough
    inside = is_rejected(proportions, edge, "at least", alpha, prior=ALIKE)
    if check.direction == "both":
        inside &= is_rejected(proportions, -edge, "at most", alpha, prior=ALIKE)
    if check.relative_tolerance:  # to be below one of two suffices
        inside |= is_rejected(proportions, 1 + check.relative_tolerance, "at least", alpha, prior=ALIKE, is_ratio=True)
    return np.asarray((inside | ~comparison.selected).all(axis=-1))


def select_runs(comparison: Comparison, runs: NDArray[np.int_]) -> Comparison:
    once = None if comparison.once is None else select_parts(comparison.once, runs)
    proportions = select_parts(comparison.proportions, runs)
    return comparison._replace(proportions=proportions, selected=comparison.selected[runs], once=once)
