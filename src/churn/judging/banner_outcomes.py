"""What became of the banners that both versions showed: who accepted, dismissed or objected, in two samples of people.

Each step of the rollout has its own two samples, since who comes changes with the time, and how many get the canary
with the step. The evidence of all steps multiplies. In each it is the mixture over the largest likelihood of shares
within what is asked (`sequences.py`), so it stays right at every look.
"""

from dataclasses import dataclass, fields
from typing import Final, Literal

import numpy as np

from churn.judging.checks import Check, Flags
from churn.judging.findings import Finding, Levels, build_unknown_finding, decide, describe_bounds, describe_wait
from churn.judging.pair_findings import estimate_more, find_edge
from churn.judging.sequences import Numbers, Proportions, log_likelihood, log_mixture

type Side = Literal["outside", "within"]

NO_EVENTS: Final = "no event was reported, so nobody knows; POST /events tells"


@dataclass(frozen=True, slots=True)
class BannerOutcomes:
    """Subscribers to whom one version showed a banner, each counted once, an hour after it.

    Args:
        shown: how many they are.
        reported: of how many an event came, whichever.
    """

    shown: int = 0
    reported: int = 0
    accepted: int = 0
    dismissed: int = 0
    objected: int = 0


@dataclass(frozen=True, slots=True)
class StepOutcomes:
    """What became of the banners of both versions in one step."""

    stable: BannerOutcomes
    canary: BannerOutcomes


def find_banner_outcomes(check: Check, level: Levels, steps: tuple[StepOutcomes, ...] | None, why: str) -> Finding:
    """Find how much worse the canary's banners fare. Without steps, nothing was reported, and `why` may say more."""
    if steps is None:
        return build_unknown_finding(check, "promote", why or NO_EVENTS, of="banners")
    stable, canary = (_add([getattr(step, track) for step in steps]) for track in ("stable", "canary"))
    counted = stable.shown, canary.shown
    if why_not := _describe_unknown(stable, canary, why):
        return build_unknown_finding(check, "hold", why_not, counted, of="banners")
    samples = take_samples(check, steps)
    of_stable, of_canary = (getattr(track, check.measure.name) / track.shown for track in (stable, canary))
    effect = of_stable - of_canary if check.direction == "down" else of_canary - of_stable
    tolerance = check.find_tolerance(of_stable)
    most = 1 / check.tolerance  # so many times the tolerance is all that there may be
    observed = effect / tolerance
    low = find_edge(-most, observed, lambda multiple: is_sure(check, samples, level.outside, "outside", multiple))
    high = find_edge(most, observed, lambda multiple: is_sure(check, samples, level.within, "within", multiple))
    low, high = max(tolerance * low, -1.0), min(tolerance * high, 1.0)
    sure = describe_bounds(low, high, tolerance, lambda share: f"{100 * share:.2f}")
    reason = (
        f"{check.name}: {100 * of_canary:.2f} % of {canary.shown:,} subscribers with a banner by the canary, "
        f"{100 * of_stable:.2f} % of {stable.shown:,} by stable, {sure} points worse, tolerance {100 * tolerance:.4g}"
    )
    if low <= tolerance <= high:
        more = estimate_more(float(sum(counted)), lambda times: _would_be_sure(check, level, samples, times))
        reason += describe_wait(more, "banners")
    decision = decide(low, high, tolerance, critical=check.critical)
    return Finding(check.name, decision, reason, effect, low, high, tolerance, check.critical, *counted, of="banners")


def take_samples(check: Check, steps: tuple[StepOutcomes, ...]) -> Proportions:
    """Return the counts of a check, (steps,)."""
    name = check.measure.name
    rows = [
        [number for track in (step.stable, step.canary) for number in (getattr(track, name), track.shown)]
        for step in steps
    ]
    return Proportions(*np.array(rows, dtype=float).T)


def is_sure(check: Check, samples: Proportions, alpha: float, side: Side, multiple: float = 1.0) -> Flags:
    """Tell whether the canary is surely on one side of a multiple of what is tolerated, (...).

    What is tolerated is a number of points, or a part of stable's share if that is more: to be outside takes both
    lines, to be within takes either. Below zero it is the other way round. The samples are (..., steps).
    """
    sign = -1 if check.direction == "down" else 1
    best, mixture, observed = log_likelihood(samples), log_mixture(samples), samples.effect()
    stable = samples.stable_hits / np.maximum(samples.stable_total, 1)
    points, part = multiple * check.tolerance, multiple * check.relative_tolerance
    evidence = [_beat(best, mixture, log_likelihood(samples, sign * points), sign * observed > points, side)]
    needs_both = (side == "outside") == (multiple >= 0)
    ratio = 1 + sign * part
    if check.relative_tolerance and ratio > 0:
        line = log_likelihood(samples, ratio, is_ratio=True)
        evidence.append(_beat(best, mixture, line, sign * observed > part * stable, side))
    elif check.relative_tolerance and needs_both:  # no share is below zero
        return np.zeros(best.shape[:-1], dtype=bool)
    together = np.min(evidence, axis=0) if needs_both else np.max(evidence, axis=0)
    return np.asarray(together.sum(axis=-1) >= -np.log(alpha))


def _beat(best: Numbers, mixture: Numbers, on_line: Numbers, is_beyond: Flags, side: Side) -> Numbers:
    """Return the evidence against all shares on the other side of a line: the likeliest lies on it, or is observed."""
    return np.asarray(mixture - np.where(is_beyond == (side == "outside"), on_line, best))


def _would_be_sure(check: Check, level: Levels, samples: Proportions, times: Numbers) -> Flags:
    more = Proportions(*(times[:, None] * numbers for numbers in samples[:4]))
    return is_sure(check, more, level.outside, "outside") | is_sure(check, more, level.within, "within")


def _describe_unknown(stable: BannerOutcomes, canary: BannerOutcomes, why: str) -> str:
    """Say why nothing is known, if so."""
    if why:
        return why
    for name, track in (("the canary", canary), ("stable", stable)):
        if not track.shown:
            return f"nobody was shown a banner by {name} at least an hour ago"
    if not stable.reported and not canary.reported:
        return "no reported event is of a banner that was shown at least an hour ago"
    for (name, track), (other, others) in (
        (("the canary", canary), ("stable", stable)),
        (("stable", stable), ("the canary", canary)),
    ):
        if not track.reported:
            return (
                f"no event was reported of the {track.shown:,} subscribers with a banner by {name}, but of "
                f"{others.reported:,} of {others.shown:,} by {other}; see whether the portal reports for both"
            )
    return ""


def _add(outcomes: list[BannerOutcomes]) -> BannerOutcomes:
    return BannerOutcomes(*(sum(getattr(each, name.name) for each in outcomes) for name in fields(BannerOutcomes)))
