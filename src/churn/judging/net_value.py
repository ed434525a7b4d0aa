"""What the offers of two versions are expected to bring, from the same subscribers: how much less it is by the canary.

The loss is stable's mean minus the canary's, as a share of stable's, or of a small part of the largest value if that is
more. It is beyond a share e if both

    mean of canary - (1 - e) * stable          and          mean of canary - stable + e * part of the largest

are negative. It is within e if one of them is positive. Each is the mean of a bounded number, so somebody bets on it
(`mean_sequences.py`). For both to be so, the smaller stake counts. For one of them, the mean of both stakes does.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import expit

from churn.judging.checks import Check, Flags
from churn.judging.findings import Finding, Levels, build_unknown_finding, decide, describe_bounds, describe_wait
from churn.judging.mean_sequences import Numbers, log_wealth
from churn.judging.pair_findings import estimate_more, find_edge

# So many steps from nothing to the largest value. A value is rounded to one of the two next to it, by chance.
STEPS: Final = 50
# Stable is taken to expect this part of the largest value at least. Else nobody is ever sure where it expects nothing.
LEAST_EXPECTED: Final = 0.02
MOST_UNREAD: Final = 0.01  # of all subscribers
# Parts of the stake. The means are small parts of the largest value, so most of them are large.
_PARTS = expit(np.linspace(-6, 5, 34))
_LEAST_KEPT = 1e-9


@dataclass(frozen=True, slots=True)
class NetValues:
    """What offers are expected to bring from subscribers whom both versions answered, each counted once.

    Args:
        currency: of the largest value, such as USD.
        largest: net value that is counted; what is more counts as this.
        steps: rows of three numbers. So many fiftieths of the largest value by the canary, so many by stable, and how
            many subscribers these are.
        unread: how many more subscribers there are whose values could not be read.
    """

    currency: str
    largest: float
    steps: tuple[tuple[int, int, int], ...]
    unread: int = 0

    @property
    def subscribers(self) -> int:
        """How many were counted."""
        return sum(count for *_, count in self.steps)


def find_net_value(check: Check, level: Levels, values: NetValues | None, why: str) -> Finding:
    """Find how much less the canary's offers are expected to bring. Without values `why` says why there are none."""
    if values is None:
        return build_unknown_finding(check, "hold", why or "nobody knows what the offers bring", of="subscribers")
    if not values.largest > 0:
        return build_unknown_finding(check, "promote", "no offer is worth anything: no offers", of="subscribers")
    subscribers = values.subscribers
    counted = subscribers, subscribers
    if values.unread > MOST_UNREAD * (subscribers + values.unread):
        unread = f"the net values of {values.unread:,} of {subscribers + values.unread:,} subscribers cannot be read"
        return build_unknown_finding(check, "hold", f"{unread}{': ' if why else ''}{why}", counted, of="subscribers")
    if not subscribers:
        return build_unknown_finding(check, "hold", "nobody was answered by both versions yet", of="subscribers")
    canary, stable, counts = np.array(values.steps, dtype=float).T
    canary_mean, stable_mean = (float(steps @ counts) / subscribers / STEPS for steps in (canary, stable))
    effect = max((stable_mean - canary_mean) / max(stable_mean, LEAST_EXPECTED), -1.0)
    grid = canary / STEPS, stable / STEPS, counts
    low = find_edge(-1.0, effect, lambda edge: is_outside(*grid, level.outside, edge))
    high = find_edge(1.0, effect, lambda edge: is_within(*grid, level.within, edge))
    means = " and ".join(
        f"{values.largest * mean:.2f} {values.currency} by {whom}"
        for mean, whom in ((canary_mean, "the canary"), (stable_mean, "stable"))
    )
    sure = describe_bounds(low, high, check.tolerance, lambda share: f"{100 * share:.2f} %")
    reason = (
        f"{check.name}: for each of {subscribers:,} subscribers {means}, so {sure} is lost, "
        f"tolerance {100 * check.tolerance:.4g} %"
    )
    if low <= check.tolerance <= high:
        reason += describe_wait(
            estimate_more(subscribers, lambda times: _is_sure(check, level, grid, times)), "subscribers"
        )
    decision = decide(low, high, check.tolerance, critical=check.critical)
    return Finding(
        check.name, decision, reason, effect, low, high, check.tolerance, check.critical, *counted, of="subscribers"
    )


def is_outside(canary: Numbers, stable: Numbers, counts: Numbers, alpha: float, edge: float) -> Flags:
    """Tell whether the loss is surely more than a share, (...).

    The values are parts of the largest one, (k,). They came `counts` times, (..., k).
    """
    evidence = [log_wealth(1 - values, counts, 1 - mean, _PARTS) for values, mean in _bet(canary, stable, edge)]
    return _combine(evidence, alpha, need_both=edge >= 0)


def is_within(canary: Numbers, stable: Numbers, counts: Numbers, alpha: float, edge: float) -> Flags:
    """Tell whether the loss is surely less than a share, (...)."""
    evidence = [log_wealth(values, counts, mean, _PARTS) for values, mean in _bet(canary, stable, edge)]
    return _combine(evidence, alpha, need_both=edge < 0)


def _is_sure(check: Check, level: Levels, grid: tuple[Numbers, Numbers, Numbers], times: Numbers) -> Flags:
    canary, stable, counts = grid
    more = times[:, None] * counts
    outside = is_outside(canary, stable, more, level.outside, check.tolerance)
    return outside | is_within(canary, stable, more, level.within, check.tolerance)


def _bet(canary: Numbers, stable: Numbers, edge: float) -> Iterator[tuple[Numbers, float]]:
    """Give the two numbers that are bet on, moved to between 0 and 1, and what zero is then."""
    kept = max(1 - edge, _LEAST_KEPT)
    yield (canary - kept * stable + kept) / (1 + kept), kept / (1 + kept)
    yield (canary - stable + 1) / 2, (1 - edge * LEAST_EXPECTED) / 2


def _combine(evidence: list[Numbers], alpha: float, *, need_both: bool) -> Flags:
    together = np.minimum(*evidence) if need_both else np.logaddexp(*evidence) - np.log(2)
    return np.asarray(together >= -np.log(alpha))
