"""Computes where each bar of a waterfall begins and ends. A template draws it."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate, pairwise

from churn.answers import Reason, RetentionAnswer

# The service shows four decimals, so each figure is off by no more than this.
HALF_A_STEP = 0.00005
# The first that have room are drawn.
TICKS = (0.5, 0.2, 0.8, 0.05, 0.95, 0.01, 0.99, 0.001, 0.999, 0.35, 0.65, 0.1, 0.9)
TICK_ROOM = 16.0  # percent of the width
AIR = 0.3  # log-odds that stay free at either end


@dataclass(frozen=True, slots=True)
class Base:
    """The log-odds before anything is known of a subscriber, and the largest error of the figure."""

    log_odds: float
    give_or_take: float


@dataclass(frozen=True, slots=True)
class Bar:
    """One contribution. Places are percentages of the chart's width, from its left edge."""

    reason: Reason
    begins: float
    ends: float

    @property
    def left(self) -> float:
        """Its left edge."""
        return min(self.begins, self.ends)

    @property
    def width(self) -> float:
        """How wide it is."""
        return abs(self.ends - self.begins)


@dataclass(frozen=True, slots=True)
class Tick:
    """A probability on the axis."""

    at: float
    probability: float


@dataclass(frozen=True, slots=True)
class Waterfall:
    """The chart: from the base value, through all contributions, to the log-odds of the answer."""

    base: Base
    base_at: float
    bars: tuple[Bar, ...]
    log_odds: float
    ends_at: float
    ticks: tuple[Tick, ...]
    threshold: Tick | None


def logit(probability: float) -> float:
    """Return the log-odds of a probability. It lies between 0 and 1, and is neither."""
    return math.log(probability / (1 - probability))


def estimate_base(*answers: RetentionAnswer) -> Base | None:
    """Estimate the base value of a model, from the answer that gives it most exactly.

    The base value is the log-odds of an answer's probability less all contributions. Answers show rounded figures, so
    it is uncertain, most of all near 0 and 1.

    The answers are of one model, each with the contributions of all features. The result is None if every probability
    was rounded to 0 or 1, which have no log-odds.
    """
    return min(filter(None, map(_base_of, answers)), key=lambda base: base.give_or_take, default=None)


def _base_of(answer: RetentionAnswer) -> Base | None:
    probability, reasons = answer["churn_probability"], answer["top_reasons"]
    least, most = probability - HALF_A_STEP, probability + HALF_A_STEP
    if not 0 < least < most < 1:
        return None
    shown = logit(probability)
    rounding = max(logit(most) - shown, shown - logit(least)) + HALF_A_STEP * len(reasons)
    return Base(shown - math.fsum(reason["shap_contribution"] for reason in reasons), rounding)


def build_waterfall(reasons: list[Reason], base: Base, *, threshold: float | None) -> Waterfall:
    """Lay out the contributions of all features one after the other, and mark the threshold, a probability."""
    ends = list(accumulate((reason["shap_contribution"] for reason in reasons), initial=base.log_odds))
    marked = [] if threshold is None or not 0 < threshold < 1 else [logit(threshold)]
    left, right = math.floor(min(ends + marked) - AIR), math.ceil(max(ends + marked) + AIR)

    def at(log_odds: float) -> float:
        return round(100 * (log_odds - left) / (right - left), 3)

    return Waterfall(
        base=base,
        base_at=at(base.log_odds),
        bars=tuple(
            Bar(reason, at(begins), at(end)) for reason, (begins, end) in zip(reasons, pairwise(ends), strict=True)
        ),
        log_odds=ends[-1],
        ends_at=at(ends[-1]),
        ticks=_choose_ticks(Tick(at(logit(probability)), probability) for probability in TICKS),
        threshold=Tick(at(marked[0]), threshold) if marked and threshold is not None else None,
    )


def _choose_ticks(candidates: Iterable[Tick]) -> tuple[Tick, ...]:
    taken: list[Tick] = []
    for tick in candidates:
        if TICK_ROOM / 2 < tick.at < 100 - TICK_ROOM / 2 and all(
            abs(tick.at - other.at) >= TICK_ROOM for other in taken
        ):
            taken.append(tick)
    return tuple(sorted(taken, key=lambda tick: tick.at))
