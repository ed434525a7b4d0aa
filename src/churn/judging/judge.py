"""The judge of a canary: counts in, verdict out. `docs/judge.md` tells how to read one.

Pure: no clock, no network, no memory. Each look is judged by the counts since one moment, and stays right however often
one looks (`sequences.py`). How the chance of an error is shared out:

- False rollback, at most `false_rollback` over all checks and looks: each check gets its share, and divides it by the
  number of differences of which it takes the largest (Bonferroni).
- False promotion, at most `false_promotion` over all looks: everything has to be within, so what is truly outside would
  have to pass, and that alone is unlikely enough. Nothing is divided, except where a check picks its difference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from churn.errors import SettingsError
from churn.judging.checks import Check
from churn.judging.counts import Counts
from churn.judging.findings import Decision, Finding, Levels, find

__all__ = ["Decision", "Finding", "Seen", "Verdict", "judge", "levels"]

FALSE_ROLLBACK: Final = 0.01
FALSE_PROMOTION: Final = 0.05
STALE_AFTER_S: Final = 60.0
ALL: Final = 100
# What hardly depends on who asks: still believed when the requests were not split as they should have been.
HEALTH: Final = frozenset({"errors", "slow", "latency", "p99"})


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known at one look.

    Args:
        stable, canary: what each answered since one moment, the same for both, after which the weight did not change.
        weight: percent of the requests that the canary should get.
        earlier: what stable answered before that moment, as far as known: a guess, which may be wrong, but must not
            contain any of what is counted in `stable`.
        age_s: of the newest counts.
        canary_up: false if the canary is known to be dead.
        gap: whether counts are missing since the last look.
    """

    stable: Counts
    canary: Counts
    weight: float
    earlier: Counts = field(default_factory=Counts)
    age_s: float = 0.0
    canary_up: bool = True
    gap: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be done, why, and what each check found; no findings where nothing could be compared."""

    decision: Decision
    reason: str
    findings: tuple[Finding, ...] = ()


def judge(
    checks: Sequence[Check],
    seen: Seen,
    *,
    false_rollback: float = FALSE_ROLLBACK,
    false_promotion: float = FALSE_PROMOTION,
    stale_after_s: float = STALE_AFTER_S,
) -> Verdict:
    """Promotes when all is surely within its tolerance, rolls back when a critical check is surely outside, else holds.

    Args:
        checks: at least one, not only the traffic split.
        seen: the counts so far.
        false_rollback: the chance that a canary within all tolerances is ever rolled back, at most.
        false_promotion: the chance that a canary outside a tolerance is ever promoted, at most.
        stale_after_s: counts that are older are no reason for anything.

    Raises:
        SettingsError: a chance, the weight or the checks make no sense.
    """
    _require_sense(checks, seen, false_rollback, false_promotion)
    if not seen.canary_up:
        return Verdict("roll back", "the canary is down")
    if why := _unusable(seen, stale_after_s):
        return Verdict("hold", why)
    shared = levels(checks, false_rollback, false_promotion)
    findings = find(shared, seen.stable, seen.canary, seen.earlier, seen.weight / ALL)
    return _verdict({check.name: check for check in checks}, findings)


def levels(
    checks: Sequence[Check], false_rollback: float = FALSE_ROLLBACK, false_promotion: float = FALSE_PROMOTION
) -> list[tuple[Check, Levels]]:
    """Each check with its part of the chances of an error."""
    shares = sum(check.share for check in checks)
    return [(check, Levels(false_rollback * check.share / shares, false_promotion)) for check in checks]


def _require_sense(checks: Sequence[Check], seen: Seen, *chances: float) -> None:
    if len({check.name for check in checks}) < len(checks):
        raise SettingsError("two checks have the same name", instead="give each check a name of its own")
    if all(check.of_split for check in checks):
        raise SettingsError("there is no check of what the canary answers", instead="give one, such as of its errors")
    if not all(0 < chance < 1 for chance in chances):
        raise SettingsError("a chance of an error is not between 0 and 1", instead="give one such as 0.01")
    if not 0 <= seen.weight <= ALL:
        raise SettingsError(f"{seen.weight:g} is no weight", instead="give the canary's percent of requests, 0 to 100")


def _unusable(seen: Seen, stale_after_s: float) -> str:
    """Why nothing can be said from these counts, if so."""
    if not seen.age_s <= stale_after_s:
        return f"the newest counts are {seen.age_s:.0f} s old; more than {stale_after_s:.0f} s is stale"
    if seen.gap:
        return "counts are missing since the last look"
    for track, counts in (("stable", seen.stable), ("canary", seen.canary)):
        if any(number < 0 for number in counts.numbers()):
            return f"counts of the {track} fell: a counter began anew"
        if counts.requests == 0:
            return f"the {track} has not answered a request yet"
    return ""


def _verdict(checks: dict[str, Check], findings: tuple[Finding, ...]) -> Verdict:
    outside = [found for found in findings if found.surely_outside]
    mismatch = next((found for found in outside if checks[found.check].of_split), None)
    critical = [f for f in outside if f.critical and (mismatch is None or checks[f.check].measure in HEALTH)]
    if critical:
        return Verdict("roll back", "; ".join(found.reason for found in critical), findings)
    if mismatch is not None:
        return Verdict("hold", f"the comparison cannot be trusted: {mismatch.reason}", findings)
    if outside:
        return Verdict("hold", f"not critical, but for a person to see: {outside[0].reason}", findings)
    waiting = [found for found in findings if found.decision == "hold"]
    if waiting:
        longest = max(waiting, key=lambda found: found.far_from_sure)
        names = ", ".join(found.check for found in waiting)
        return Verdict("hold", f"not yet sure of {names}. Furthest from it: {longest.reason}", findings)
    return Verdict("promote", f"all {len(findings)} checks are surely within their tolerances", findings)
