"""What one check finds: the effect, the bounds that surely hold it, and what that means in words."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from churn.judging.checks import Check

type Counted = Literal["requests", "subscribers", "banners"]
type VerdictDecision = Literal["promote", "hold", "roll back"]


class Levels(NamedTuple):
    """The chances of an error that a check may take: to be wrong about `outside`, and about `within`."""

    outside: float
    within: float


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.

    Args:
        decision: `promote` if surely within the tolerance, or if the check need not pass and is not surely outside;
            `roll back` if surely outside and critical; else `hold`.
        effect: the largest difference observed, canary minus stable; its size where both directions are bad, and
            stable minus canary where only less is.
        low, high: the effect surely lies between the two, at this look and all others. None, like the effect, where
            nothing was counted.
        requests_stable, requests_canary: how many answers the finding rests on. If `of` is subscribers, each is the
            number of subscribers whom both versions answered; if it is banners, of subscribers who were shown one.
        of: what was counted.
        enough: the effect must surely be less than this to pass: the tolerance, or more where a step is left early.
            None if an earlier program recorded it.
    """

    check: str
    decision: VerdictDecision
    reason: str
    effect: float | None
    low: float | None
    high: float | None
    tolerance: float
    critical: bool
    requests_stable: int
    requests_canary: int
    of: Counted = "requests"
    enough: float | None = None

    @property
    def is_within(self) -> bool:
        """Whether the check passes."""
        return self.decision == "promote"

    @property
    def is_outside(self) -> bool:
        """Whether the effect is surely outside the tolerance, critical or not."""
        return self.low is not None and self.low > self.tolerance

    @property
    def is_unsure(self) -> bool:
        """Whether nobody is sure that the effect is within the tolerance."""
        return self.high is None or self.high >= (self.tolerance if self.enough is None else self.enough)

    @property
    def words(self) -> str:
        """The decision in a word or two."""
        return describe_decision(self.decision, self.high, self.tolerance if self.enough is None else self.enough)

    @property
    def width(self) -> float:
        """How wide the confidence sequence still is, in tolerances; the wider, the longer one has to wait."""
        return math.inf if self.low is None or self.high is None else (self.high - self.low) / max(self.tolerance, 1e-9)


def describe_decision(decision: str, high: float | None, enough: float) -> str:
    """Return the decision in a word or two. What passes though nobody is sure of it says so.

    Args:
        high: the effect is surely less; None if it is not known.
        enough: the effect must surely be less than this to pass.
    """
    if decision != "promote":
        return decision
    return "not known" if high is None else "not sure" if high >= enough else decision


def decide(
    low: float, high: float, tolerance: float, *, critical: bool = True, enough: float | None = None
) -> VerdictDecision:
    """Decide by one effect, which surely lies between `low` and `high`. It passes below `enough`, or the tolerance."""
    if low > tolerance:
        return "roll back" if critical else "hold"
    return "promote" if high < (tolerance if enough is None else enough) else "hold"


def describe_bounds(
    low: float, high: float, tolerance: float, number: Callable[[float], str], *, enough: float | None = None
) -> str:
    """Say between which bounds an effect lies, or on which side of the tolerance."""
    if low > tolerance:
        return f"surely more than {number(low)}"
    if high < (tolerance if enough is None else enough):
        return f"surely less than {number(high)}"
    return f"between {number(low)} and {number(high)}"


def build_finding(
    check: Check,
    counts: str,
    bounded: tuple[float, float, float],
    requests: tuple[int, int],
    *,
    wait: Callable[[], float] | None = None,
    of: Counted = "requests",
    enough: float | None = None,
) -> Finding:
    """Build a finding from the effect and its two bounds.

    `counts` says in words what was counted. `wait` estimates how many more it takes until one is sure.
    `enough` is more than the tolerance where a step is left early.
    """
    effect, low, high = bounded
    tolerance = check.tolerance
    enough = tolerance if enough is None else enough
    decision = decide(low, high, tolerance, critical=check.critical, enough=enough)
    sure = describe_bounds(low, high, tolerance, lambda share: f"{100 * share:.2f}", enough=enough)
    reason = f"{check.name}: {counts}, a difference of {sure} points, tolerance {100 * tolerance:.4g}"
    if enough > tolerance >= low:
        reason += f", less than {100 * enough:.4g} is enough for this step"
    if wait and decision == "hold" and low <= tolerance:
        reason += describe_wait(wait(), of)
    return Finding(
        check.name, decision, reason, effect, low, high, tolerance, check.critical, *requests, of=of, enough=enough
    )


def build_unknown_finding(
    check: Check,
    decision: VerdictDecision,
    why: str,
    requests: tuple[int, int] = (0, 0),
    *,
    of: Counted = "requests",
) -> Finding:
    """Build a finding without an effect, and say why there is none."""
    reason = f"{check.name}: {why}"
    return Finding(check.name, decision, reason, None, None, None, check.tolerance, check.critical, *requests, of=of)


def describe_wait(more: float, of: Counted) -> str:
    """Say how many more it takes until one is sure."""
    if not math.isfinite(more):
        return f", and how many more {of} it takes cannot be told"
    digits = max(len(str(int(more))) - 2, 0)
    return f", about {max(round(more, -digits), 1):,.0f} more {of} in all"
