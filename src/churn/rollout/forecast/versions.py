"""How stable answers, and how an equal and a bad canary would."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
from scipy.special import ndtr

from churn.judging.checks import ERRORS, SCORES, SLOW, Check
from churn.judging.counts import Counts
from churn.judging.metrics import LATENCY_BOUNDS_S, OBJECTIVE_S

# Each part of the answers gains this share of the people and loses as many, as after another draw of training data.
RETRAINED: Final = 0.025
BAD_TIMES: Final = 3.0  # a bad version is off by so many times what is tolerated
USUAL_LATENCY_S, USUAL_SPREAD = 0.004, 0.5  # of the latency, which is log-normal
_WITHIN_OBJECTIVE = LATENCY_BOUNDS_S.index(OBJECTIVE_S) + 1  # buckets of the latency
_MOST_SHARE = 0.95

type Part = tuple[str, str]
"""A measure, and the name of one of its parts."""


class Moved(NamedTuple):
    """The share of people whom only the canary puts into a part, and whom only stable does."""

    by_canary: float = RETRAINED
    by_stable: float = RETRAINED


@dataclass(frozen=True, slots=True)
class Version:
    """How a version answers, and what it says otherwise than stable.

    Args:
        errors: the share of requests that fail.
        latency: the share of requests in each bucket.
        moved: by part of the answers, where it is not as after another draw of the training data.
    """

    name: str
    errors: float
    latency: tuple[float, ...]
    moved: Mapping[Part, Moved]

    @property
    def slow(self) -> float:
        """The share of requests over the objective."""
        return sum(self.latency[_WITHIN_OBJECTIVE:])


def build_equal_version(
    parts: Sequence[Part], errors: float, latency: tuple[float, ...] | None = None, name: str = "an equal version"
) -> Version:
    """Build a version that answers as stable does. Without figures the latency is a usual one."""
    return Version(name, errors, latency or build_usual_latency(), dict.fromkeys(parts, Moved()))


def build_bad_versions(equal: Version, checks: Sequence[Check]) -> list[Version]:
    """Build a version for each way of being bad that the checks should find. The name says how bad."""
    versions = []
    for check in checks:
        if check.measure == ERRORS:
            errors = min(equal.errors + max(equal.errors, BAD_TIMES * check.find_tolerance(equal.errors)), _MOST_SHARE)
            name = f"errors: {text_from_share(equal.errors)} to {text_from_share(errors)}"
            versions.append(replace(equal, name=name, errors=errors))
        elif check.measure == SLOW:
            slow = min(equal.slow + BAD_TIMES * check.find_tolerance(equal.slow), _MOST_SHARE)
            name = f"over {1000 * OBJECTIVE_S:g} ms: {text_from_share(equal.slow)} to {text_from_share(slow)}"
            versions.append(replace(equal, name=name, latency=_slow_down(equal, slow)))
        elif check.measure == SCORES:
            much = min(BAD_TIMES * check.tolerance, _MOST_SHARE)
            name = f"scores: {100 * much:.3g} points of the subscribers score higher"
            versions.append(replace(equal, name=name, moved={**equal.moved, **_shift_scores(equal, much)}))
    return versions


def build_usual_latency() -> tuple[float, ...]:
    """Return the share of requests in each bucket where nobody knows them: half are answered within 4 ms."""
    within = ndtr(np.log(np.array(LATENCY_BOUNDS_S) / USUAL_LATENCY_S) / USUAL_SPREAD)
    return tuple(np.diff(within, prepend=0, append=1).tolist())


def figures_from_counts(counts: Counts) -> tuple[float, tuple[float, ...]] | None:
    """Return the error share and the latency of what was answered; None if nothing was."""
    timed = sum(counts.latency)
    if not counts.requests or not timed:
        return None
    return counts.errors / counts.requests, tuple(number / timed for number in counts.latency)


def text_from_share(share: float) -> str:
    """Return a text such as `0.02 %`."""
    return f"{round(100 * share, 6):.3g} %"


def _slow_down(equal: Version, slow: float) -> tuple[float, ...]:
    """Answer more requests just after the objective."""
    more = slow - equal.slow
    kept = 1 - more / max(1 - equal.slow, more)
    within = [kept * share for share in equal.latency[:_WITHIN_OBJECTIVE]]
    beyond = list(equal.latency[_WITHIN_OBJECTIVE:])
    beyond[0] += more
    return (*within, *beyond)


def _shift_scores(equal: Version, much: float) -> dict[Part, Moved]:
    """Move people out of each part of the scores; most where the scores are in the middle."""
    parts = [part for part in equal.moved if part[0] == SCORES.name]
    bends = [math.sin(math.pi * number / (len(parts) + 1)) for number in range(1, len(parts) + 1)]
    return {part: Moved(0.0, much * bend) for part, bend in zip(parts, bends, strict=True)}
