"""What a check finds in pairs: both versions answered the same subscribers, so most of the chance cancels out.

The canary is within an effect if no part differs by more. Each part and direction has its evidence against that, a
stake that does not grow on average (`mean_sequences.py`). The mean of the stakes does not either, so it may reach
1 / alpha just as rarely. It is never less than the largest one divided by their number, which Bonferroni would take.
"""

from collections.abc import Callable

import numpy as np

from churn.judging.checks import Check, Flags
from churn.judging.findings import Finding, Levels, build_finding, build_unknown_finding
from churn.judging.mean_sequences import log_sum
from churn.judging.pairs import PairCounts, effects_from_signs, log_evidence
from churn.judging.sequences import Numbers

_DOUBLINGS = 20  # of what was counted, until one is sure
_STEPS = 8  # from one doubling to the next
_HALVINGS = 20  # to a millionth


def find_in_pairs(check: Check, level: Levels, pairs: PairCounts) -> Finding:
    """Find the largest difference of a check's parts."""
    parts, signs = tuple(pairs.parts.get(check.measure.name, {})), pairs.count_signs(check.measure.name)
    if why := _describe_unknown(check, parts, pairs.subscribers):
        return build_unknown_finding(check, "hold", why, of="subscribers")
    effects = effects_from_signs(signs)
    effect = float(effects.max() if check.direction == "up" else np.abs(effects).max())
    low = find_edge(-1 if check.direction == "up" else 0, effect, lambda edge: is_outside(check, signs, level, edge))
    high = find_edge(1, effect, lambda edge: is_within(check, signs, level, edge))
    part = int((effects if check.direction == "up" else np.abs(effects)).argmax())
    return build_finding(
        check,
        _describe_part(parts[part], signs[part], pairs.subscribers),
        (effect, low, high),
        (pairs.subscribers, pairs.subscribers),
        wait=lambda: _estimate_wait(check, signs, level),
        of="subscribers",
    )


def is_outside(check: Check, signs: Numbers, level: Levels, effect: float | None = None) -> Flags:
    """Tell whether the check is surely outside an effect, (...), by default its tolerance.

    The counts are those of -1, 0 and 1, (..., parts, 3).
    """
    evidence = _gather_evidence(check, signs, effect)
    # Parts that have not occurred yet have no stake to show.
    stakes = len(evidence) * max(check.measure.least_parts, signs.shape[-2])
    together = log_sum(np.concatenate(evidence, axis=-1)) - np.log(stakes)
    return np.asarray(together >= -np.log(level.outside))


def is_within(check: Check, signs: Numbers, level: Levels, effect: float | None = None) -> Flags:
    """Tell whether all parts are surely within an effect, (...), by default the check's tolerance."""
    edge = check.tolerance if effect is None else effect
    below_edge = log_evidence(signs[..., ::-1], -edge)
    evidence = below_edge if check.direction == "up" else np.minimum(below_edge, log_evidence(signs, -edge))
    return np.asarray((evidence >= -np.log(level.within)).all(axis=-1))


def _gather_evidence(check: Check, signs: Numbers, effect: float | None) -> list[Numbers]:
    """Return the evidence that a part is beyond an effect, (..., parts), in each direction that is bad."""
    edge = check.tolerance if effect is None else effect
    directions = [signs] if check.direction == "up" else [signs, signs[..., ::-1]]
    return [log_evidence(counts, edge) for counts in directions]


def find_edge(sure: float, unsure: float, is_sure: Callable[[float], Flags]) -> float:
    """Return the effect nearest to `unsure` that is still sure; the first one is so without evidence."""
    for _ in range(_HALVINGS):
        middle = (sure + unsure) / 2
        sure, unsure = (middle, unsure) if is_sure(middle) else (sure, middle)
    return sure


def _estimate_wait(check: Check, signs: Numbers, level: Levels) -> float:
    """Estimate how many more subscribers it takes until one is sure; infinity if unknown.

    It supposes that all goes on as before. The counts are then multiplied until one is sure.
    """

    def is_sure(times: Numbers) -> Flags:
        more = times[:, None, None] * signs
        return is_outside(check, more, level) | is_within(check, more, level)

    return estimate_more(float(signs[0].sum()), is_sure)


def estimate_more(counted: float, is_sure: Callable[[Numbers], Flags]) -> float:
    """Estimate how many more it takes, of those counted so far, until one is sure; infinity if unknown.

    Args:
        is_sure: tells for each of n numbers whether one would be sure of so many times the counts, (n,).
    """
    times = 2 ** (np.arange(1, _DOUBLINGS * _STEPS + 1) / _STEPS)
    sure = is_sure(times)
    return float((times[sure.argmax()] - 1) * counted) if sure.any() else np.inf


def _describe_unknown(check: Check, parts: tuple[str, ...], subscribers: int) -> str:
    """Say why nothing is known, if so."""
    if not subscribers:
        return "nobody was answered by both versions yet"
    if not parts:
        return "nothing was counted of it"
    missing = [part for part in check.measure.parts if part not in parts]
    return f"nothing was counted of {', '.join(missing)}" if missing else ""


def _describe_part(part: str, signs: Numbers, subscribers: int) -> str:
    stable, _, canary = map(int, signs)
    return f"{part} for {canary:,} of {subscribers:,} subscribers by the canary only, for {stable:,} by stable only"
