"""What a check finds in pairs: both versions answered the same subscribers, so most of the chance cancels out."""

import numpy as np

from churn.judging.checks import Check
from churn.judging.findings import Finding, Levels, build_finding, build_unknown_finding
from churn.judging.pairs import PairCounts, bound_effects, effects_from_signs, log_evidence
from churn.judging.sequences import Numbers

_DOUBLINGS = 20  # of what was counted, until one is sure
_STEPS = 4  # from one doubling to the next


def find_in_pairs(check: Check, level: Levels, pairs: PairCounts) -> Finding:
    """Find the largest difference of a check's parts."""
    parts, signs = tuple(pairs.parts.get(check.measure.name, {})), pairs.count_signs(check.measure.name)
    subscribers = pairs.subscribers, pairs.subscribers
    if not parts or not pairs.subscribers:
        return build_unknown_finding(check, "hold", "nobody was answered by both versions yet", of="subscribers")
    (out_low, out_high), (in_low, in_high) = (
        bound_effects(signs, alpha) for alpha in (divide_outside(check, len(parts), level), level.within)
    )
    effects = effects_from_signs(signs)
    if check.direction == "up":
        lower, upper, effect = out_low, in_high, effects.max()
    else:
        lower, upper = np.maximum(np.maximum(out_low, -out_high), 0), np.maximum(in_high, -in_low)
        effect = np.abs(effects).max()
    low, high = float(lower.max()), float(upper.max())
    part = int((lower if low > check.tolerance else upper).argmax())
    return build_finding(
        check,
        _describe_part(parts[part], signs[part], pairs.subscribers),
        (float(effect), low, high),
        subscribers,
        wait=lambda: estimate_wait(check, signs, level),
        of="subscribers",
    )


def divide_outside(check: Check, parts: int, level: Levels) -> float:
    """Return the chance of a false rollback for one part in one direction, since one of them outside suffices."""
    directions = 1 if check.direction == "up" else 2
    return level.outside / (directions * max(check.measure.least_parts, parts))


def estimate_wait(check: Check, signs: Numbers, level: Levels) -> float:
    """Estimate how many more subscribers it takes until one is sure; infinity if unknown.

    This supposes that all goes on as it did: so many times what was counted would suffice.
    """
    subscribers = float(signs[0].sum())
    outside = divide_outside(check, len(signs), level)
    for times in 2 ** (np.arange(1, _DOUBLINGS * _STEPS + 1) / _STEPS):
        if is_outside(check, times * signs, outside) or is_within(check, times * signs, level.within):
            return float((times - 1) * subscribers)
    return np.inf


def is_outside(check: Check, signs: Numbers, alpha: float) -> bool:
    """Tell whether one part is surely outside the tolerance, at alpha for each part and direction."""
    above, _ = log_evidence(signs, check.tolerance)
    _, below = log_evidence(signs, -check.tolerance)
    evidence = above if check.direction == "up" else np.maximum(above, below)
    return bool((evidence >= -np.log(alpha)).any())


def is_within(check: Check, signs: Numbers, alpha: float) -> bool:
    """Tell whether all parts are surely within the tolerance, at alpha for each."""
    _, below = log_evidence(signs, check.tolerance)
    above, _ = log_evidence(signs, -check.tolerance)
    evidence = below if check.direction == "up" else np.minimum(above, below)
    return bool((evidence >= -np.log(alpha)).all())


def _describe_part(part: str, signs: Numbers, subscribers: int) -> str:
    stable, _, canary = map(int, signs)
    return f"{part} for {canary:,} of {subscribers:,} subscribers by the canary only, for {stable:,} by stable only"
