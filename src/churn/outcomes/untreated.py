"""Whom the banner never reached, and for how many each of them stands: who would have left had nobody been treated?

A banner that works keeps those that the model warned of. They count as wrong predictions, and the AUC falls. Yet the
model is as right as before. Those held out are not changed by it, and they are few only because lots were drawn. So
each stands for 1 / (chance to be held out) subscribers (Horvitz and Thompson 1952), and the treated are left out. Who
never had a prediction that asked for a banner was not treated in either arm, and stands for themselves alone.

The lot of one experiment is the same at all times. So the chance to be held out at each visit is the least share that
was in force then. Two experiments draw independently, and their chances are multiplied.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from math import prod

from churn.outcomes.join import Draw, JoinedOutcomes, LabelledPrediction

FEWEST_HELD_OUT = 30  # with fewer, or few that stand for most, the interval is too narrow
MOST_NEVER_HELD_OUT = 0.05


def weigh_untreated(joined: JoinedOutcomes, predictions: Iterable[LabelledPrediction]) -> dict[str, float] | None:
    """Return for how many each subscriber stands; None if too few were held out to stand for the others.

    Subscribers without a key are left out, for they are never held out. Some may have come while nobody was: up to
    a twentieth of those who had a banner, the others stand for them too.
    """
    shares = _find_shares(joined)
    identities = [prediction.identity for prediction in predictions if prediction.subscriber]
    chances = {identity: find_chance(joined.drawn.get(identity, ()), shares) for identity in identities}
    had_banner = [identity for identity in identities if identity in joined.drawn]
    reachable = [identity for identity in had_banner if chances[identity]]
    held_out = [identity for identity in reachable if identity not in joined.treated]
    # As many of equal weight would tell as much (Kish 1965). Expected, since what the lots made of it favours some.
    inverse = sum(1 / chances[identity] for identity in reachable)
    effective = len(reachable) ** 2 / inverse if held_out else 0
    if had_banner and (effective < FEWEST_HELD_OUT or len(reachable) < (1 - MOST_NEVER_HELD_OUT) * len(had_banner)):
        return None
    stands_for = {identity: 1.0 for identity in identities if identity not in joined.drawn}
    return stands_for | {identity: len(had_banner) / len(reachable) / chances[identity] for identity in held_out}


def find_chance(draws: Iterable[Draw], shares: Mapping[Draw, float]) -> float:
    """Return the chance to be held out in all of these draws; 1 if there is none."""
    least: dict[str | None, float] = {}
    for draw in draws:
        least[draw.experiment] = min(least.get(draw.experiment, 1.0), shares[draw])
    return prod(least.values())


def _find_shares(joined: JoinedOutcomes) -> dict[Draw, float]:
    """Return the share that each draw held out: as logged, or as counted where no record says it.

    A draw whose predictions are all too young was not counted. If no record says its share, it is taken as 0: nobody
    whom it reached may stand for others.
    """
    everybody = Counter(draw for draw, _ in joined.assigned)
    held_out = Counter(draw for (draw, _), first in joined.assigned.items() if first.arm == "holdout")
    return {
        draw: held_out[draw] / max(everybody[draw], 1) if draw.holdout_share is None else draw.holdout_share
        for draw in set().union(*joined.drawn.values())
    }
