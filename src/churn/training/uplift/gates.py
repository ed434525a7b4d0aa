"""What an uplift must show before it is sealed, and how long it takes until it can. Measurements in, verdicts out.

The gate is in money. How well an uplift ranks subscribers is shown beside it and decides nothing: a ranking can be
better while what is chosen by it earns less.
"""

from dataclasses import dataclass
from datetime import date, timedelta

from churn.judging.asymptotic_sequences import find_half_width
from churn.learning.evaluation import MOST_WITHOUT_OVERLAP
from churn.training.gates import Gate
from churn.training.uplift.boosting import Adjustment
from churn.training.uplift.value import ALPHA, TUNED_FOR, Gain

LEAST_SUBSCRIBERS = 20_000
"""Ripe, above the threshold, and with a lot over the actions. With 5,000 an adjustment lost money when tried."""
MOST_SUBSCRIBERS = 100_000_000
MOST_DAYS = 100 * 365


@dataclass(frozen=True, slots=True)
class Traffic:
    """Who came, of those whose outcome is ripe.

    Args:
        subscribers: above the threshold.
        explored: of them, those for whom a lot could fall on something else than what seemed best.
        first_day, last_day: of the predictions that count.
        horizon_days: after which an outcome is ripe; None if all are.
    """

    subscribers: int
    explored: int
    first_day: date
    last_day: date
    horizon_days: int | None = None

    @property
    def explored_a_day(self) -> float:
        """Return how many came for the first time on a day, on average."""
        return self.explored / ((self.last_day - self.first_day).days + 1)


@dataclass(frozen=True, slots=True)
class Wait:
    """What it would take.

    Args:
        subscribers: how many more; None if no number can be said.
        until: when their outcomes are ripe at this traffic; None if that cannot be said either.
        reason: in words.
    """

    subscribers: int | None
    until: date | None
    reason: str


def check_uplift(traffic: Traffic, adjustment: Adjustment, gain: Gain | None, currency: str = "") -> list[Gate]:
    """Check all gates of an uplift. Without any row above the threshold there is no `gain`."""
    return [
        Gate(
            "exploration",
            traffic.explored > 0,
            f"for {traffic.explored:,} of {traffic.subscribers:,} subscribers a lot could fall on another action than "
            "the one that seemed best",
        ),
        Gate(
            "subscribers",
            traffic.explored >= LEAST_SUBSCRIBERS,
            f"{traffic.explored:,} of at least {LEAST_SUBSCRIBERS:,} are ripe, above the threshold, and explored",
        ),
        _check_rounds(adjustment),
        *_check_gain(gain, currency),
    ]


def estimate_wait(traffic: Traffic, gain: Gain | None) -> Wait:
    """Say how many subscribers more it takes until the gates can open, and until when at this traffic."""
    if not traffic.explored:
        return Wait(
            None, None, "nothing is drawn by lot: set explore.share in the policy, 0.02 is enough to begin with"
        )
    missing = max(LEAST_SUBSCRIBERS - traffic.explored, 0)
    reason = f"{missing:,} more subscribers above the threshold are needed at least"
    if not missing and gain is not None:
        if gain.low > 0:
            return Wait(0, None, "there are subscribers enough")
        if gain.money <= 0:
            return Wait(None, None, "so far it earns nothing more than the policy: nobody can say how many it takes")
        needed = count_needed(gain)
        if needed is None:
            return Wait(None, None, "it earns so little more than the policy that no traffic would show it")
        missing = max(needed - gain.subscribers, 1)
        reason = f"some {missing:,} more are needed to be sure, if it goes on to earn as much"
    days = missing / traffic.explored_a_day + (traffic.horizon_days or 0)
    until = traffic.last_day + timedelta(days=round(days)) if days < MOST_DAYS else None
    ripe = f"at this traffic their outcomes are ripe on {until}" if until else "which takes longer than a century"
    return Wait(missing, until, f"{reason}; {ripe}")


def count_needed(gain: Gain) -> int | None:
    """Return on how many subscribers the lower end would be above 0, if mean and deviation stay; None if too many."""
    if gain.money <= 0:
        return None
    low, high = gain.subscribers, MOST_SUBSCRIBERS
    if find_half_width(gain.deviation, high, ALPHA, tuned_for=TUNED_FOR) >= gain.money:
        return None
    while high - low > max(1, low // 1000):
        middle = (low + high) // 2
        if find_half_width(gain.deviation, middle, ALPHA, tuned_for=TUNED_FOR) < gain.money:
            high = middle
        else:
            low = middle
    return high


def _check_rounds(adjustment: Adjustment) -> Gate:
    if not adjustment.rounds:
        return Gate(
            "rounds", passed=False, reason="no round makes it better, out of fold, than the policy's own effects"
        )
    reason = f"{adjustment.rounds} rounds take away {adjustment.gain:.2%} of the squared error, out of fold"
    return Gate("rounds", passed=True, reason=reason)


def _check_gain(gain: Gain | None, currency: str) -> list[Gate]:
    if gain is None:
        return [Gate("money", passed=False, reason="there is nobody to measure it on", undecided=True)]
    overlap = Gate(
        "overlap",
        gain.without_overlap <= MOST_WITHOUT_OVERLAP,
        f"{gain.without_overlap:.1%} of its choices could not have been taken, at most {MOST_WITHOUT_OVERLAP:.0%} may",
    )
    unit = f" {currency}" if currency else ""
    reason = (
        f"{gain.money:+.2f}{unit} a subscriber against the policy, at least {gain.low:+.2f} and at most "
        f"{gain.high:+.2f}, on halves that it was not trained on; it chooses another action for {gain.differs:.1%}"
    )
    return [overlap, Gate("money", gain.low > 0, reason, undecided=gain.low <= 0 < gain.high)]
