"""Checks of two samples, for many runs at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from churn.judging.checks import Check, Comparison, Flags
from churn.judging.findings import Levels
from churn.judging.sequences import Numbers, is_rejected


def find_outside(check: Check, comparison: Comparison, level: Levels) -> Flags:
    """Say for each run whether its confidence sequence lies outside the tolerance, both ways to count."""
    outside = _find_outside(check, comparison, level)
    if comparison.together is not None:
        outside &= _find_outside(check, comparison.view_together(), level)
    return outside


def find_within(check: Check, comparison: Comparison, level: Levels) -> Flags:
    """Say for each run whether its confidence sequence lies within the tolerance, both ways to count."""
    within = _find_within(check, comparison, level)
    if comparison.together is not None:
        within &= _find_within(check, comparison.view_together(), level)
    return within


def _find_outside(check: Check, comparison: Comparison, level: Levels) -> Flags:
    effect, alpha = comparison.proportions.effect(), level.outside / comparison.divide_outside
    beyond = effect if check.direction == "up" else np.abs(effect)
    beyond = comparison.selected & (beyond > check.tolerance)
    beyond[beyond] = is_rejected(
        comparison.proportions.select(beyond), np.copysign(check.tolerance, effect[beyond]), alpha
    )
    if check.relative_tolerance:  # what is tolerated is the larger one of two, so both are exceeded
        beyond &= effect > check.relative_tolerance * _stable_shares(comparison)
        beyond[beyond] = is_rejected(
            comparison.proportions.select(beyond), 1 + check.relative_tolerance, alpha, is_ratio=True
        )
    return np.asarray(beyond.any(axis=-1))


def _find_within(check: Check, comparison: Comparison, level: Levels) -> Flags:
    effect, inside = comparison.proportions.effect(), np.ones(comparison.selected.shape, dtype=bool)
    alpha = level.within / comparison.divide_within
    for edge in (1,) if check.direction == "up" else (1, -1):
        inside &= edge * effect < check.tolerance
        inside[inside] = is_rejected(comparison.proportions.select(inside), edge * check.tolerance, alpha)
    if check.relative_tolerance:  # to be below one of two suffices
        others = ~inside & (effect < check.relative_tolerance * _stable_shares(comparison))
        inside[others] = is_rejected(
            comparison.proportions.select(others), 1 + check.relative_tolerance, alpha, is_ratio=True
        )
    return np.asarray((inside | ~comparison.selected).all(axis=-1))


def _stable_shares(comparison: Comparison) -> Numbers:
    return comparison.proportions.stable_hits / np.maximum(comparison.proportions.stable_total, 1)


def select_runs(comparison: Comparison, runs: NDArray[np.int_]) -> Comparison:
    together = None if comparison.together is None else comparison.together.select(runs)
    return comparison._replace(
        proportions=comparison.proportions.select(runs), selected=comparison.selected[runs], together=together
    )
